// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <sim/wire_pci.hpp>

/// Base address registers ([PCI], Base Addresses). A driver learns the size by writing ones and reading back which
/// bits kept them. It places the region by writing its address.
namespace virtq::sim {

enum class PciBarKind : uint8_t { none, memory32, memory64, io };

/// What a device puts behind a BAR. A 64-bit one occupies the next register too.
struct PciBarLayout {
    PciBarKind kind = PciBarKind::none;
    uint64_t bytes = 0;  ///< a power of 2; at least 16, or 4 for I/O
    bool prefetchable = false;
    bool io_16_bit = false;  ///< decodes 16 address bits, so the upper half reads 0 during sizing
};

class PciBar {
public:
    PciBar() = default;
    explicit PciBar(PciBarLayout const& layout) : layout_(layout) {}

    [[nodiscard]] PciBarLayout const& layout() const { return layout_; }
    [[nodiscard]] bool is_io() const { return layout_.kind == PciBarKind::io; }
    [[nodiscard]] bool is_memory() const {
        return layout_.kind == PciBarKind::memory32 || layout_.kind == PciBarKind::memory64;
    }
    [[nodiscard]] bool is_wide() const { return layout_.kind == PciBarKind::memory64; }
    [[nodiscard]] uint64_t address() const { return address_; }
    /// An address of 0 means that the BAR is not placed.
    [[nodiscard]] bool contains(uint64_t address, unsigned bytes) const {
        return layout_.bytes != 0 && address_ != 0 && address >= address_ && address - address_ < layout_.bytes &&
               layout_.bytes - (address - address_) >= bytes;
    }

    /// The register, or its upper half.
    [[nodiscard]] uint32_t read(bool upper) const {
        return upper ? static_cast<uint32_t>(address_ >> 32) : static_cast<uint32_t>(address_) | flags();
    }
    void write(bool upper, uint32_t value) {
        if (stuck_ || layout_.bytes == 0) {
            return;
        }
        uint64_t const word =
            upper ? (address_ & 0xffffffff) | uint64_t{value} << 32 : (address_ & ~uint64_t{0xffffffff}) | value;
        uint64_t const decoded = is_wide() ? ~uint64_t{0} : layout_.io_16_bit ? 0xffff : 0xffffffff;
        address_ = word & decoded & ~(layout_.bytes - 1) & ~uint64_t{is_io() ? 3u : 15u};
    }
    void stick() { stuck_ = true; }

private:
    [[nodiscard]] uint32_t flags() const {
        using namespace wire::pci;
        if (!is_memory()) {
            return is_io() ? bar_io : 0;
        }
        return (is_wide() ? bar_64 : 0) | (layout_.prefetchable ? bar_prefetch : 0);
    }

    PciBarLayout layout_;
    uint64_t address_ = 0;
    bool stuck_ = false;
};

}  // namespace virtq::sim
