// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/detail/pci/pci_bar.hpp>
#include <virtq/transport/pci_bus_range.hpp>
#include <virtq/transport/pci_function.hpp>
#include <virtq/transport/pci_option.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The registers of a PCI-to-PCI bridge: the buses behind it, and the addresses that it forwards.
template <PciConfigAccess Access>
class PciBridge {
public:
    constexpr PciBridge() = default;
    explicit constexpr PciBridge(PciFunction<Access> const& function) : function_(function) {}

    /// Whether this function is a PCI-to-PCI bridge.
    [[__nodiscard__]] static bool is_at(PciFunction<Access> const& function) {
        uint8_t const type = function.read(spec::pci::header_type) & spec::pci::header_type_mask;
        return type == spec::pci::bridge::header_type;
    }

    [[__nodiscard__]] PciFunction<Access> const& function() const { return function_; }
    [[__nodiscard__]] uint8_t secondary() const { return function_.read(spec::pci::bridge::secondary_bus); }
    [[__nodiscard__]] uint8_t subordinate() const { return function_.read(spec::pci::bridge::subordinate_bus); }
    /// Whether its bus numbers are plausible: secondary above its own bus, subordinate not below secondary.
    [[__nodiscard__]] bool is_numbered() const {
        return secondary() > function_.address().bus && subordinate() >= secondary();
    }

    void number(uint8_t secondary, uint8_t subordinate) {
        function_.write(spec::pci::bridge::primary_bus, function_.address().bus);
        function_.write(spec::pci::bridge::secondary_bus, secondary);
        set_subordinate(subordinate);
    }
    void set_subordinate(uint8_t bus) { function_.write(spec::pci::bridge::subordinate_bus, bus); }

    /// Forwards nothing: sets each base above its limit.
    void close_windows() {
        set_memory(spec::pci::bridge::memory_unit, 0);
        set_ports(spec::pci::bridge::ports_unit, 0);
        function_.write(spec::pci::bridge::prefetchable_base, uint16_t{0xfff0});
        function_.write(spec::pci::bridge::prefetchable_limit, uint16_t{0});
    }
    /// Forwards the memory from `first` to `last`. `first` and `last + 1` are multiples of 1 MiB.
    void set_memory(uint32_t first, uint32_t last) {
        function_.write(spec::pci::bridge::memory_base, static_cast<uint16_t>(first >> 16 & 0xfff0));
        function_.write(spec::pci::bridge::memory_limit, static_cast<uint16_t>(last >> 16 & 0xfff0));
    }
    /// Forwards the ports from `first` to `last`. `first` and `last + 1` are multiples of 4096. A bridge that forwards
    /// no ports does not keep the values.
    void set_ports(uint32_t first, uint32_t last) {
        function_.write(spec::pci::bridge::ports_base, static_cast<uint8_t>(first >> 8 & 0xf0));
        function_.write(spec::pci::bridge::ports_limit, static_cast<uint8_t>(last >> 8 & 0xf0));
        function_.write(spec::pci::bridge::ports_base_upper, static_cast<uint16_t>(first >> 16));
        function_.write(spec::pci::bridge::ports_limit_upper, static_cast<uint16_t>(last >> 16));
    }
    /// Whether the bridge forwards ports up to number `last`. The registers of a bridge that forwards none are
    /// hard-wired to 0.
    [[__nodiscard__]] bool has_ports(uint32_t last) const {
        uint8_t const type = function_.read(spec::pci::bridge::ports_base) & spec::pci::bridge::ports_type_mask;
        bool const wide = type == spec::pci::bridge::ports_type_32_bit;
        function_.write(spec::pci::bridge::ports_base, uint8_t{0xf0});
        bool const kept = (function_.read(spec::pci::bridge::ports_base) & 0xf0) == 0xf0;
        return kept && (wide || last <= UINT16_MAX);
    }

    /// Whether the bridge forwards accesses to this range: an open window contains it, and decoding of that space is on.
    [[__nodiscard__]] bool passes(PciBar::Kind kind, PciRange const& range) const {
        uint16_t const command = function_.read(spec::pci::command);
        if (kind == PciBar::Kind::ports) {
            return (command & spec::pci::command_io_space) != 0 && ports().contains(range);
        }
        return (command & spec::pci::command_memory_space) != 0 &&
               (memory().contains(range) || prefetchable_memory().contains(range));
    }

    /// Enables forwarding of accesses to its windows in `spaces` (command register bits), and of DMA from behind it.
    [[__nodiscard__]] Status enable(uint16_t spaces) const { return enable_pci(function_, spaces); }

private:
    // A window that is closed begins above its end, and contains nothing.
    [[__nodiscard__]] PciRange memory() const {
        return {
            memory_address(function_.read(spec::pci::bridge::memory_base)),
            memory_address(function_.read(spec::pci::bridge::memory_limit)) + (spec::pci::bridge::memory_unit - 1)};
    }
    [[__nodiscard__]] PciRange prefetchable_memory() const {
        uint16_t const base = function_.read(spec::pci::bridge::prefetchable_base);
        PciRange range{memory_address(base), memory_address(function_.read(spec::pci::bridge::prefetchable_limit)) +
                                                 (spec::pci::bridge::memory_unit - 1)};
        if ((base & spec::pci::bridge::prefetchable_type_mask) == spec::pci::bridge::prefetchable_type_64_bit) {
            range.first |= uint64_t{function_.read(spec::pci::bridge::prefetchable_base_upper)} << 32;
            range.last |= uint64_t{function_.read(spec::pci::bridge::prefetchable_limit_upper)} << 32;
        }
        return range;
    }
    [[__nodiscard__]] PciRange ports() const {
        uint8_t const base = function_.read(spec::pci::bridge::ports_base);
        PciRange range{port_number(base), port_number(function_.read(spec::pci::bridge::ports_limit)) +
                                              (spec::pci::bridge::ports_unit - 1)};
        if ((base & spec::pci::bridge::ports_type_mask) == spec::pci::bridge::ports_type_32_bit) {
            range.first |= uint64_t{function_.read(spec::pci::bridge::ports_base_upper)} << 16;
            range.last |= uint64_t{function_.read(spec::pci::bridge::ports_limit_upper)} << 16;
        }
        return range;
    }
    [[__nodiscard__]] static constexpr uint64_t memory_address(uint16_t register_value) {
        return uint64_t{register_value & 0xfff0u} << 16;
    }
    [[__nodiscard__]] static constexpr uint64_t port_number(uint8_t register_value) {
        return uint64_t{register_value & 0xf0u} << 8;
    }

    PciFunction<Access> function_;
};

/// Numbers the buses of a tree of bridges. It walks depth first, because the bus numbers behind a bridge must be
/// consecutive. A stack of levels replaces recursion.
template <PciConfigAccess Access>
class BusNumbering {
public:
    BusNumbering(Access& access, PciBusRange buses, PciProbeOption const& option)
        : access_(access), buses_(buses), option_(option), highest_(buses.first) {}

    [[__nodiscard__]] Result<PciBusRange> run() {
        bus_ = buses_.first;
        highest_ = highest_numbered();
        for (;;) {
            if (frame_ == frames_a_bus) {
                if (depth_ == 0) {
                    break;
                }
                leave();
            } else {
                inspect(PciFunction<Access>{access_, address()});
            }
        }
        return trouble_ == Error::none ? Result<PciBusRange>{PciBusRange{buses_.first, highest_}} : trouble_;
    }

private:
    /// A bridge whose secondary bus is being walked, and where the walk then resumes.
    struct Level {
        PciBridge<Access> bridge;
        uint16_t frame = 0;       ///< the next function on the bridge's own bus
        bool has_memory = false;  ///< whether devices behind the bridge can get memory
        bool has_ports = false;
        uint64_t memory = 0;  ///< where the windows begin
        uint64_t ports = 0;
    };
    static constexpr uint16_t functions = spec::pci::functions;
    static constexpr uint16_t frames_a_bus = uint16_t{spec::pci::devices} * functions;
    static constexpr unsigned levels = 8;  ///< of nested bridges

    [[__nodiscard__]] PciAddress address() const {
        return {bus_, static_cast<uint8_t>(frame_ / functions), static_cast<uint8_t>(frame_ % functions)};
    }

    /// The highest bus number that firmware has assigned. Such numbers stay, and new ones are above them.
    [[__nodiscard__]] uint8_t highest_numbered() const {
        uint8_t highest = buses_.first;
        for (uint16_t frame = 0; frame < frames_a_bus; ++frame) {
            PciFunction<Access> const function{
                access_,
                {buses_.first, static_cast<uint8_t>(frame / functions), static_cast<uint8_t>(frame % functions)}};
            if (exists(function) && PciBridge<Access>::is_at(function)) {
                PciBridge<Access> const bridge{function};
                bool const is_ours = bridge.is_numbered() && bridge.secondary() <= buses_.last;
                uint8_t const last = is_ours ? bridge.subordinate() : uint8_t{0};
                // A bridge that reaches beyond our buses leaves no number free: `enter` then reports
                // pci_buses_used_up.
                uint8_t const ours = last < buses_.last ? last : buses_.last;
                highest = ours > highest ? ours : highest;
            }
        }
        return highest;
    }

    [[__nodiscard__]] static bool exists(PciFunction<Access> const& function) {
        uint16_t const vendor_read = function.read(spec::pci::vendor_id);
        return vendor_read != spec::pci::vendor_absent && vendor_read != spec::pci::vendor_zero;
    }

    void inspect(PciFunction<Access> const& function) {
        bool const is_there = exists(function);
        bool const is_first = frame_ % functions == 0;
        bool const alone =
            is_first &&
            (!is_there || (function.read(spec::pci::header_type) & spec::pci::header_type_multifunction) == 0);
        frame_ = static_cast<uint16_t>(frame_ + (alone ? functions : 1));
        if (!is_there) {
            return;
        }
        uint8_t const type = function.read(spec::pci::header_type) & spec::pci::header_type_mask;
        if (type == 0 && depth_ != 0) {
            place(function, spec::pci::bar_count);
        } else if (PciBridge<Access> const bridge{function};
                   type == spec::pci::bridge::header_type && !bridge.is_numbered()) {
            enter(bridge);
        }
    }

    /// Whether devices on the current bus can get addresses. They need a window, which every bridge above must
    /// forward.
    [[__nodiscard__]] bool has_memory() const {
        return option_.memory != nullptr && (depth_ == 0 || stack_[depth_ - 1].has_memory);
    }
    [[__nodiscard__]] bool has_ports() const {
        return option_.ports != nullptr && (depth_ == 0 || stack_[depth_ - 1].has_ports);
    }

    /// Assigns addresses to the BARs of a function, within the windows of the bridges above it.
    void place(PciFunction<Access> const& function, uint8_t bars) {
        PciBars measured;
        measured.measure(function, bars);
        note(measured.assign(function, has_memory() ? option_.memory : nullptr, has_ports() ? option_.ports : nullptr)
                 .error());
    }

    void enter(PciBridge<Access> bridge) {
        if (depth_ == levels || highest_ >= buses_.last) {
            return note(Error::pci_buses_used_up);
        }
        place(bridge.function(), spec::pci::bridge::bar_count);  // before `leave` enables it, or it would answer at 0
        bridge.close_windows();
        Level& level = stack_[depth_];
        level = Level{bridge, frame_, false, false, 0, 0};
        begin_windows(level);
        ++highest_;
        bridge.number(highest_, buses_.last);  // provisionally all remaining buses; `leave` narrows it
        ++depth_;
        bus_ = highest_;
        frame_ = 0;
    }
    void begin_windows(Level& level) {
        if (has_memory()) {
            level.has_memory = option_.memory->align_next(spec::pci::bridge::memory_unit) &&
                               option_.memory->next() <= UINT32_MAX && option_.memory->left() != 0;
            level.memory = option_.memory->next();
            note(level.has_memory ? Error::none : Error::pci_window_full);
        }
        if (has_ports()) {
            bool const fits = option_.ports->align_next(spec::pci::bridge::ports_unit) && option_.ports->left() != 0;
            level.ports = option_.ports->next();
            uint64_t const last = level.ports + option_.ports->left() - 1;
            level.has_ports = fits && last <= UINT32_MAX && level.bridge.has_ports(static_cast<uint32_t>(last));
        }
    }

    void leave() {
        Level& level = stack_[--depth_];
        level.bridge.close_windows();
        level.bridge.set_subordinate(highest_);
        open_memory(level);
        open_ports(level);
        uint16_t const memory = level.has_memory ? spec::pci::command_memory_space : uint16_t{0};
        uint16_t const ports = level.has_ports ? spec::pci::command_io_space : uint16_t{0};
        note(level.bridge.enable(static_cast<uint16_t>(memory | ports)).error());
        bus_ = level.bridge.function().address().bus;
        frame_ = level.frame;
    }
    /// Opens the memory window as far as addresses were assigned behind the bridge.
    void open_memory(Level& level) {
        if (!level.has_memory || option_.memory->next() == level.memory) {
            return;
        }
        bool const ends = option_.memory->align_next(spec::pci::bridge::memory_unit);
        if (uint64_t const end = option_.memory->next(); ends && end - 1 <= UINT32_MAX) {
            level.bridge.set_memory(static_cast<uint32_t>(level.memory), static_cast<uint32_t>(end - 1));
        } else {
            note(Error::pci_window_full);
        }
    }
    void open_ports(Level& level) {
        if (!level.has_ports || option_.ports->next() == level.ports) {
            return;
        }
        if (option_.ports->align_next(spec::pci::bridge::ports_unit)) {
            level.bridge.set_ports(static_cast<uint32_t>(level.ports),
                                   static_cast<uint32_t>(option_.ports->next() - 1));
        } else {
            note(Error::pci_window_full);
        }
    }

    /// Records an error; the first one stays.
    void note(Error error) { trouble_ = trouble_ == Error::none ? error : trouble_; }

    Access& access_;
    PciBusRange buses_;
    PciProbeOption option_;
    Level stack_[levels];
    unsigned depth_ = 0;
    uint8_t bus_ = 0;
    uint16_t frame_ = 0;
    uint8_t highest_;
    Error trouble_ = Error::none;
};

/// Finds the bridge whose secondary bus is `bus`, on the buses from `first` on. Returns an address on `bus` itself if
/// there is none.
template <PciConfigAccess Access>
[[__nodiscard__]] PciAddress find_bridge(Access& access, uint8_t bus, uint8_t first) {
    for (unsigned at = bus; at-- > first;) {
        for (unsigned frame = 0; frame < unsigned{spec::pci::devices} * spec::pci::functions; ++frame) {
            PciFunction<Access> const function{
                access,
                {static_cast<uint8_t>(at), static_cast<uint8_t>(frame / spec::pci::functions),
                 static_cast<uint8_t>(frame % spec::pci::functions)}};
            bool const exists = function.read(spec::pci::vendor_id) != spec::pci::vendor_absent;
            if (exists && PciBridge<Access>::is_at(function) && PciBridge<Access>{function}.secondary() == bus) {
                return function.address();
            }
            if (!exists && function.address().function == 0) {
                frame += spec::pci::functions - 1u;  // without function 0 there are no others
            }
        }
    }
    return {bus, 0, 0};
}

}  // namespace virtq::detail
