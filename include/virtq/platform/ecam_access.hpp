// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/mmio_space.hpp>
#include <virtq/platform/pci_config_access.hpp>

#include <stdint.h>

namespace virtq {

/// PCI Express configuration space in memory (PCIe 7.2.2, Enhanced Configuration Access Mechanism): 4096 bytes a
/// function, 1 MiB a bus. `base` is the *virtual* address at which the kernel has mapped the space of `first_bus`,
/// uncached. `last_bus` is the last mapped bus. With a wrong one a scan reads unmapped memory, so it has no default.
/// Outside of these buses everything reads as all ones, like a function that does not exist, and writes do nothing.
///
/// ```
/// virtq::EcamAccess access{mapped_ecam, 0, 15};  // 16 MiB, the `bus-range` of the host bridge's device tree node
/// ```
class EcamAccess {
public:
    /// A copy accesses the same registers, even after the original is gone.
    static constexpr bool may_be_copied = true;

    /// Has no buses: everything reads as all ones.
    constexpr EcamAccess() = default;
    /// Accesses the buses `first_bus` to `last_bus`, mapped at `base`.
    constexpr EcamAccess(uintptr_t base, uint8_t first_bus, uint8_t last_bus)
        : base_(base), first_bus_(first_bus), last_bus_(last_bus) {}

    /// Reads 8 bits, `offset` bytes into the function's space; all ones outside of the buses.
    [[__nodiscard__]] uint8_t read8(PciAddress address, uint16_t offset) const {
        MmioSpace const space = space_of(address, offset);
        return space.base() != 0 ? space.read8(offset) : UINT8_MAX;
    }
    /// Reads 16 bits, converted from little-endian; all ones outside of the buses.
    [[__nodiscard__]] uint16_t read16(PciAddress address, uint16_t offset) const {
        MmioSpace const space = space_of(address, offset);
        return space.base() != 0 ? space.read16(offset) : UINT16_MAX;
    }
    /// Reads 32 bits, converted from little-endian; all ones outside of the buses.
    [[__nodiscard__]] uint32_t read32(PciAddress address, uint16_t offset) const {
        MmioSpace const space = space_of(address, offset);
        return space.base() != 0 ? space.read32(offset) : UINT32_MAX;
    }
    /// Writes 8 bits, `offset` bytes into the function's space; does nothing outside of the buses.
    void write8(PciAddress address, uint16_t offset, uint8_t value) {
        if (MmioSpace space = space_of(address, offset); space.base() != 0) {
            space.write8(offset, value);
        }
    }
    /// Writes 16 bits, converted to little-endian; does nothing outside of the buses.
    void write16(PciAddress address, uint16_t offset, uint16_t value) {
        if (MmioSpace space = space_of(address, offset); space.base() != 0) {
            space.write16(offset, value);
        }
    }
    /// Writes 32 bits, converted to little-endian; does nothing outside of the buses.
    void write32(PciAddress address, uint16_t offset, uint32_t value) {
        if (MmioSpace space = space_of(address, offset); space.base() != 0) {
            space.write32(offset, value);
        }
    }

private:
    static constexpr uint16_t function_bytes = 4096;

    /// The function's space. Its base is 0 if the function or the offset is not in the ECAM.
    [[__nodiscard__]] MmioSpace space_of(PciAddress address, uint16_t offset) const {
        if (base_ == 0 || address.bus < first_bus_ || address.bus > last_bus_ || !address.is_possible() ||
            offset >= function_bytes) {
            return MmioSpace{};
        }
        address.bus = static_cast<uint8_t>(address.bus - first_bus_);
        return MmioSpace{base_ + (uintptr_t{pci_frame(address)} << 12)};
    }

    uintptr_t base_ = 0;
    uint8_t first_bus_ = 0;
    uint8_t last_bus_ = 0;
};

static_assert(PciConfigAccess<EcamAccess>);

}  // namespace virtq
