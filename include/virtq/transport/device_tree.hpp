// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/error.hpp>
#include <virtq/base/phys_addr.hpp>
#include <virtq/base/result.hpp>
#include <virtq/base/span.hpp>
#include <virtq/spec/device_tree.hpp>
#include <virtq/transport/mmio_slot.hpp>

#include <stddef.h>
#include <stdint.h>

/// Finds virtio-mmio devices and the PCI host in a flattened device tree, by the binding of §4.2.1 (MMIO Device
/// Discovery).
///
/// The reader is virtq's own. libfdt is not header-only, and includes `<string.h>` and `<limits.h>`; it would be the
/// only thing that a kernel has to compile and port. All that is needed is a walk from node to node.
///
/// The reader trusts nothing. A tree comes from firmware or a boot loader, and the kernel may have overwritten it. So
/// each word is read only within the size that the caller gives, and within the size in the tree's header. No
/// recursion, no copy.
///
/// ```
/// virtq::DeviceTree const tree{kernel_map(boot_tree), mapped_bytes};
/// auto const plic = [](virtq::DeviceTreeProperty cells) { return cells[0]; };  // riscv64; aarch64: 32 + cells[1]
/// virtq::Discovery const slots = virtq::for_each_mmio_slot(tree, plic, [&](virtq::MmioSlot const& slot) {
///     virtq::Status const status = transport.probe(virtq::MmioSpace{kernel_map_uncached(slot.base.value, slot.bytes)});
///     if (status.ok()) kernel_print("a device");
/// });
/// if (!slots) {
///     kernel_print(virtq::describe(slots.error));
/// }
/// virtq::Discovery const hosts = virtq::for_each_compatible(tree, "pci-host-ecam-generic", [&](auto const& host) {
///     virtq::Result<virtq::DeviceTreeRegion> const ecam = host.reg();
///     if (ecam) kernel_found_ecam(ecam->base.value, ecam->bytes);
/// });
/// ```
namespace virtq {

/// A flattened device tree in memory. The `readable_bytes` from `start` on must hold the whole tree.
struct DeviceTree {
    /// Reads nothing yet: `DeviceTreeCursor` checks the tree.
    DeviceTree(void const* start, size_t readable_bytes) : bytes(static_cast<uint8_t const*>(start), readable_bytes) {}

    Span<uint8_t const> bytes;  ///< all that may be read
};

/// A range of physical addresses, as the CPU sees them.
struct DeviceTreeRegion {
    PhysAddr base;       ///< physical address of the first byte
    uint64_t bytes = 0;  ///< size of the range

    /// Whether address and size are equal.
    friend constexpr bool operator==(DeviceTreeRegion const&, DeviceTreeRegion const&) = default;
};

/// The value of a property: big-endian cells of 32 bits, or strings that each end with a NUL. It refers to the memory
/// of the tree.
class DeviceTreeProperty {
public:
    constexpr DeviceTreeProperty() = default;  ///< an absent property
    /// A value of `bytes` bytes from `first` on.
    constexpr DeviceTreeProperty(uint8_t const* first, uint32_t bytes) : first_(first), bytes_(bytes) {}

    /// Whether the node has the property. A property without a value is present too.
    [[__nodiscard__]] constexpr bool is_present() const { return first_ != nullptr; }
    /// The number of whole cells.
    [[__nodiscard__]] constexpr uint32_t size() const { return bytes_ / 4; }
    /// The whole value, as stored in the tree.
    [[__nodiscard__]] constexpr Span<uint8_t const> bytes() const { return {first_, bytes_}; }

    /// A cell in the byte order of the CPU. A cell beyond the end reads as 0: a short property is not the caller's
    /// mistake.
    [[__nodiscard__]] constexpr uint32_t operator[](uint32_t index) const {
        if (index >= size()) {
            return 0;
        }
        uint8_t const* const cell = first_ + size_t{index} * 4;
        return (uint32_t{cell[0]} << 24) | (uint32_t{cell[1]} << 16) | (uint32_t{cell[2]} << 8) | cell[3];
    }

    /// A number of one or two cells, the more significant first. `first + count` must not wrap.
    [[__nodiscard__]] constexpr uint64_t number(uint32_t first, uint32_t count) const {
        uint64_t value = 0;
        for (uint32_t i = 0; i < count; ++i) {
            value = (value << 32) | (*this)[first + i];
        }
        return value;
    }

    /// Whether one of its strings is `text`.
    [[__nodiscard__]] constexpr bool has_string(char const* text) const {
        uint32_t same = 0;  // how many characters of this string match so far
        for (uint32_t i = 0, start = 0; i < bytes_; ++i) {
            char const character = static_cast<char>(first_[i]);
            bool const is_same = same == i - start && text[same] == character;
            if (character == '\0') {
                if (is_same) {
                    return true;
                }
                start = i + 1;
                same = 0;
            } else if (is_same) {
                ++same;
            }
        }
        return false;
    }

private:
    uint8_t const* first_ = nullptr;
    uint32_t bytes_ = 0;
};

/// Walks through the nodes of a tree, a parent before its children, and reads the current node. About 450 bytes. There
/// is a current node after `next()` has returned true, until it returns false.
class DeviceTreeCursor {
public:
    /// A deeper tree counts as malformed. QEMU's trees have seven levels.
    static constexpr uint32_t depth_limit = 32;

    /// Errors, which make the first `next()` return false: `device_tree_absent`, `device_tree_cut_short`,
    /// `device_tree_malformed`.
    explicit DeviceTreeCursor(DeviceTree const& tree) : blob_(tree.bytes) { open(); }

    /// Moves to the next node. False if there is none, or if `error()` is set.
    [[__nodiscard__]] bool next() {
        while (error_ == Error::none && !is_done_) {  // bounded: each turn takes a token of 4 bytes
            switch (take_token()) {
                case Token::begin_node: return enter();
                case Token::end_node: leave(); break;
                case Token::nothing: break;
                case Token::end: finish(); break;
                default: fail(); break;  // unknown, or a property after a child
            }
        }
        return false;
    }

    /// Moves to the next node that is available and compatible with `name`. False as for `next`.
    [[__nodiscard__]] bool next_compatible(char const* name) {
        while (next()) {
            if (is_available() && is_compatible(name)) {
                return true;
            }
        }
        return false;
    }

    /// Why `next()` returned false; `none` if there was no further node.
    [[__nodiscard__]] Error error() const { return error_; }
    /// The position of the error if there is one, otherwise of the node, in bytes from the start of the tree.
    [[__nodiscard__]] uint32_t position() const { return depth_ == 0 ? token_at_ : here().name - 4; }

    /// For example "virtio_mmio@10001000"; the root has an empty name. It refers to the memory of the tree.
    [[__nodiscard__]] char const* name() const { return reinterpret_cast<char const*>(blob_.data() + here().name); }
    /// Whether the node's `compatible` has the string `with`.
    [[__nodiscard__]] bool is_compatible(char const* with) const { return property("compatible").has_string(with); }
    /// Whether the node and all nodes around it are enabled: their `status` is absent or "okay".
    [[__nodiscard__]] bool is_available() const { return here().available; }
    /// A property of this node, as stored in the tree; absent if the node does not have it.
    [[__nodiscard__]] DeviceTreeProperty property(char const* name) const { return property_of(here(), name); }
    /// The interrupt specifiers. The interrupt controller defines what a cell means, and how many cells belong
    /// together.
    [[__nodiscard__]] DeviceTreeProperty interrupts() const { return property("interrupts"); }

    /// An entry of `reg`, translated to an address of the CPU by the `ranges` of the buses around the node.
    /// `dma-ranges` and `iommu-map` are ignored. Error: `device_tree_no_address`.
    [[__nodiscard__]] Result<DeviceTreeRegion> reg(uint32_t index = 0) const {
        DeviceTreeProperty const entries = property("reg");
        Cells const cells = depth_ < 2 ? Cells{0, 0} : cells_of(levels_[depth_ - 2]);
        if (!cells.are_usable() || index >= entries.size()) {  // bounds `first`: an entry has at least one cell
            return Error::device_tree_no_address;
        }
        uint64_t const first = uint64_t{index} * (cells.address + cells.size);
        if (first + cells.address + cells.size > entries.size()) {
            return Error::device_tree_no_address;
        }
        auto const at = static_cast<uint32_t>(first);
        uint64_t const base = entries.number(at, cells.address);
        uint64_t const bytes = entries.number(at + cells.address, cells.size);
        if (bytes == 0 || base + (bytes - 1) < base) {
            return Error::device_tree_no_address;
        }
        return translate({PhysAddr{base}, bytes});
    }

private:
    using Token = spec::device_tree::Token;

    /// The current node, or one of the nodes around it.
    struct Level {
        uint32_t name = 0;        ///< its NUL is inside the structure
        uint32_t properties = 0;  ///< the first token after the name
        bool available = false;
    };

    /// How many cells the children of a node have for an address and a size in their `reg`.
    struct Cells {
        uint32_t address;
        uint32_t size;

        [[__nodiscard__]] bool are_usable() const {
            return (address == 1 || address == 2) && (size == 1 || size == 2);
        }
    };

    [[__nodiscard__]] Level const& here() const {
        VIRTQ_ASSERT(depth_ != 0, "This DeviceTreeCursor is on no node. Read it only after its next() returned true.");
        return levels_[depth_ - 1];
    }

    [[__nodiscard__]] uint32_t word(uint32_t at) const { return DeviceTreeProperty(blob_.data() + at, 4)[0]; }
    [[__nodiscard__]] static uint32_t round_up(uint32_t at) { return (at + 3) & ~uint32_t{3}; }

    void fail() {
        error_ = Error::device_tree_malformed;
        depth_ = 0;  // the node's properties may be unchecked
    }

    /// Checks the header, and locates the structure and the strings. From here on all offsets are below `end_` or
    /// `strings_ + strings_bytes_`. Those are at most the tree's size, which is below 2^32 - 4, so rounding up to a
    /// token cannot wrap.
    void open() {
        detail::bring_descriptions<detail::ErrorGroup::discovery>();
        namespace layout = spec::device_tree;
        if (blob_.data() == nullptr || blob_.size() < 4 || word(layout::magic_offset) != layout::magic) {
            error_ = Error::device_tree_absent;
            return;
        }
        if (blob_.size() < layout::header_bytes || blob_.size() < word(layout::total_bytes_offset)) {
            error_ = Error::device_tree_cut_short;
            return;
        }
        if (word(layout::version_offset) < layout::version ||
            word(layout::compatible_version_offset) > layout::version) {
            error_ = Error::device_tree_absent;
            return;
        }
        uint32_t const total = word(layout::total_bytes_offset);
        uint32_t const structure_bytes = word(layout::structure_bytes_offset);
        at_ = word(layout::structure_start_offset);
        strings_ = word(layout::strings_start_offset);
        strings_bytes_ = word(layout::strings_bytes_offset);
        bool const is_inside = total < UINT32_MAX - 4 && at_ <= total && structure_bytes <= total - at_ &&
                               strings_ <= total && strings_bytes_ <= total - strings_;
        // The strings end with a NUL, so no name of a property reaches beyond them.
        if (!is_inside || at_ % 4 != 0 || structure_bytes % 4 != 0 ||
            (strings_bytes_ != 0 && blob_[strings_ + strings_bytes_ - 1] != 0)) {
            fail();
            return;
        }
        end_ = at_ + structure_bytes;
    }

    /// Returns the next token and moves behind it. The end of the structure returns `Token{0}`, which is malformed: a
    /// token is missing.
    Token take_token() {
        token_at_ = at_;
        if (at_ == end_) {
            return Token{0};
        }
        at_ += 4;
        return static_cast<Token>(word(token_at_));
    }

    [[__nodiscard__]] bool enter() {
        bool const is_second_root = depth_ == 0 && has_root_;
        if (depth_ == depth_limit || is_second_root) {
            fail();
            return false;
        }
        uint32_t const name = at_;
        while (at_ < end_ && blob_[at_] != 0) {
            ++at_;
        }
        if (at_ == end_) {
            fail();
            return false;
        }
        at_ = round_up(at_ + 1);
        levels_[depth_++] = {name, at_, false};
        has_root_ = true;
        if (!skip_properties()) {
            return false;
        }
        DeviceTreeProperty const status = property("status");
        levels_[depth_ - 1].available =
            (!status.is_present() || status.has_string("okay") || status.has_string("ok")) &&
            (depth_ == 1 || levels_[depth_ - 2].available);
        return true;
    }

    void leave() {
        if (depth_ == 0) {
            fail();
        } else {
            --depth_;
        }
    }

    void finish() {
        if (depth_ != 0 || !has_root_) {
            fail();
        }
        is_done_ = true;
    }

    /// Checks the properties of the node just entered, and moves behind them. `property_of` need not check them again.
    [[__nodiscard__]] bool skip_properties() {
        for (;;) {
            Token const token = take_token();
            if (token == Token::property) {
                if (!skip_property()) {
                    fail();
                    return false;
                }
            } else if (token != Token::nothing) {
                at_ = token_at_;
                return true;
            }
        }
    }

    [[__nodiscard__]] bool skip_property() {
        if (end_ - at_ < 8) {
            return false;
        }
        uint32_t const value_bytes = word(at_);
        uint32_t const name = word(at_ + 4);
        at_ += 8;
        if (value_bytes > end_ - at_ || name >= strings_bytes_) {
            return false;
        }
        at_ = round_up(at_ + value_bytes);  // not beyond `end_`, a multiple of 4
        return true;
    }

    [[__nodiscard__]] DeviceTreeProperty property_of(Level const& level, char const* name) const {
        for (uint32_t at = level.properties; at != end_;) {
            auto const token = static_cast<Token>(word(at));
            at += 4;
            if (token == Token::property) {
                uint32_t const value_bytes = word(at);
                if (is_named(word(at + 4), name)) {
                    return {blob_.data() + at + 8, value_bytes};
                }
                at = round_up(at + 8 + value_bytes);
            } else if (token != Token::nothing) {
                break;
            }
        }
        return {};
    }

    [[__nodiscard__]] bool is_named(uint32_t name, char const* wanted) const {
        for (uint8_t const* character = blob_.data() + strings_ + name;; ++character, ++wanted) {
            if (static_cast<char>(*character) != *wanted) {
                return false;
            }
            if (*wanted == '\0') {
                return true;
            }
        }
    }

    [[__nodiscard__]] Cells cells_of(Level const& level) const {
        DeviceTreeProperty const address = property_of(level, "#address-cells");
        DeviceTreeProperty const size = property_of(level, "#size-cells");
        return {address.is_present() ? address[0] : spec::device_tree::default_address_cells,
                size.is_present() ? size[0] : spec::device_tree::default_size_cells};
    }

    /// Translates an address from the node's bus up to the root, whose addresses are those of the CPU. §2.3.8 (ranges)
    /// of the Devicetree Specification: an empty `ranges` changes nothing. Without `ranges` the CPU cannot reach the
    /// bus.
    [[__nodiscard__]] Result<DeviceTreeRegion> translate(DeviceTreeRegion region) const {
        for (uint32_t bus = depth_ - 2; bus != 0; --bus) {
            DeviceTreeProperty const ranges = property_of(levels_[bus], "ranges");
            if (!ranges.is_present()) {
                return Error::device_tree_no_address;
            }
            if (!ranges.bytes().empty() &&
                !translate(region, ranges, cells_of(levels_[bus]), cells_of(levels_[bus - 1]).address)) {
                return Error::device_tree_no_address;
            }
        }
        return region;
    }

    /// Translates by the entry of `ranges` that contains the whole region. An entry has the address on the bus, the
    /// address on the bus around it, and the size.
    [[__nodiscard__]] static bool translate(DeviceTreeRegion& region, DeviceTreeProperty const& ranges, Cells cells,
                                            uint32_t outer) {
        if (!cells.are_usable() || (outer != 1 && outer != 2)) {
            return false;
        }
        uint32_t const step = cells.address + outer + cells.size;
        for (uint32_t at = 0; ranges.size() - at >= step; at += step) {
            uint64_t const inside = ranges.number(at, cells.address);
            uint64_t const outside = ranges.number(at + cells.address, outer);
            uint64_t const bytes = ranges.number(at + cells.address + outer, cells.size);
            uint64_t const distance = region.base.value - inside;
            if (region.base.value >= inside && region.bytes <= bytes && distance <= bytes - region.bytes) {
                region.base = PhysAddr{outside} + distance;
                return outside + (distance + (region.bytes - 1)) >= outside;
            }
        }
        return false;
    }

    Span<uint8_t const> blob_;
    uint32_t at_ = 0;        ///< the next token
    uint32_t token_at_ = 0;  ///< the last token taken
    uint32_t end_ = 0;       ///< end of the structure
    uint32_t strings_ = 0;
    uint32_t strings_bytes_ = 0;
    uint32_t depth_ = 0;
    bool has_root_ = false;
    bool is_done_ = false;
    Error error_ = Error::none;
    Level levels_[depth_limit]{};
};

/// The size of a tree in bytes, from its header. It is for a kernel that knows only where the tree starts, and maps it
/// in two steps. Eight readable bytes are enough. Errors: `device_tree_absent`, `device_tree_cut_short`.
[[__nodiscard__]] inline Result<uint32_t> device_tree_bytes(DeviceTree const& tree) {
    detail::bring_descriptions<detail::ErrorGroup::discovery>();
    DeviceTreeProperty const words(tree.bytes.data(), tree.bytes.size() < 8 ? uint32_t{0} : uint32_t{8});
    if (words.size() == 0) {
        return Error::device_tree_cut_short;
    }
    return words[0] == spec::device_tree::magic ? Result<uint32_t>{words[1]} : Error::device_tree_absent;
}

/// Calls `each(DeviceTreeCursor const&)` for every available node that is compatible with `name`. Errors: those of the
/// tree, which end the walk.
template <class Each>
Discovery for_each_compatible(DeviceTree const& tree, char const* name, Each&& each) {
    constexpr bool takes_node = requires(DeviceTreeCursor const& node) {
        each(node);
    };
    static_assert(takes_node,
                  "for_each_compatible() calls each(virtq::DeviceTreeCursor const&): see "
                  "virtq/transport/device_tree.hpp");
    Discovery discovery;
    if constexpr (takes_node) {
        DeviceTreeCursor cursor(tree);
        while (cursor.next_compatible(name)) {
            each(static_cast<DeviceTreeCursor const&>(cursor));
            ++discovery.found;
        }
        discovery.note(cursor.error(), cursor.position());
    }
    return discovery;
}

/// Calls `each(MmioSlot const&)` for every available virtio-mmio node. `interrupt_of(DeviceTreeProperty)` converts the
/// node's `interrupts` to a number of the kernel's interrupt controller. The property may be absent: some trees have
/// `interrupts-extended`. Errors: those of the tree, which end the walk; `device_tree_no_address` for a node that
/// cannot be used, after which the walk goes on.
template <class InterruptOf, class Each>
Discovery for_each_mmio_slot(DeviceTree const& tree, InterruptOf&& interrupt_of, Each&& each) {
    constexpr bool gives_number = requires(DeviceTreeProperty cells, uint32_t & number) {
        number = interrupt_of(cells);
    };
    static_assert(gives_number,
                  "for_each_mmio_slot() of a device tree calls uint32_t interrupt_of(virtq::DeviceTreeProperty): see "
                  "virtq/transport/device_tree.hpp");
    Discovery discovery;
    if constexpr (gives_number && detail::check_takes_mmio_slot<Each>()) {
        DeviceTreeCursor node(tree);
        while (node.next_compatible("virtio,mmio")) {
            Result<DeviceTreeRegion> const region = node.reg();
            discovery.note(region.error(), node.position());
            if (region) {
                MmioSlot const slot{region->base, region->bytes,
                                    static_cast<uint32_t>(interrupt_of(node.interrupts()))};
                each(slot);
                ++discovery.found;
            }
        }
        discovery.note(node.error(), node.position());
    }
    return discovery;
}

}  // namespace virtq
