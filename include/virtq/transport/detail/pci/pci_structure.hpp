// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/platform/device_mapper.hpp>
#include <virtq/transport/detail/pci/pci_bar.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A register structure in a memory BAR, as a capability of the device describes it.
struct PciStructure {
    uint8_t bar = 0;
    uint32_t offset = 0;
    uint32_t length = 0;  ///< 0: the device has none

    [[__nodiscard__]] constexpr bool exists() const { return length != 0; }
    [[__nodiscard__]] constexpr bool is_within(PciBars const& bars) const {
        return bars[bar].kind == PciBar::Kind::memory && bars[bar].has(offset, length);
    }
    [[__nodiscard__]] constexpr bool overlaps(PciStructure const& other) const {
        return exists() && other.exists() && bar == other.bar &&
               uint64_t{offset} < uint64_t{other.offset} + other.length &&
               uint64_t{other.offset} < uint64_t{offset} + length;
    }
};

/// Maps a structure and returns its virtual address. Errors: `pci_structure_invalid`, `pci_bar_unassigned`,
/// `pci_not_mapped`.
template <DeviceMapper Mapper>
[[__nodiscard__]] Result<uintptr_t> map_structure(PciBars const& bars, PciStructure const& structure, Mapper& mapper) {
    if (!structure.is_within(bars)) {
        return Error::pci_structure_invalid;
    }
    PciBar const bar = bars[structure.bar];
    if (!bar.is_assigned()) {
        return Error::pci_bar_unassigned;
    }
    uintptr_t const mapped = mapper.map_device_memory(PhysAddr{bar.address + structure.offset}, structure.length);
    return mapped == 0 ? Result<uintptr_t>{Error::pci_not_mapped} : mapped;
}

}  // namespace virtq::detail
