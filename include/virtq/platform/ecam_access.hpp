// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/mmio_space.hpp>
#include <virtq/platform/pci_config_access.hpp>

#include <stdint.h>

namespace virtq {

/// PCI Express configuration space in memory (PCIe 7.2.2, Enhanced Configuration Access Mechanism): 4096 bytes a
/// function. `base` is the *virtual* address at which the kernel has mapped the space of `first_bus`, uncached; all
/// buses that are asked for must be mapped, 1 MiB each.
class EcamAccess {
public:
    constexpr EcamAccess() = default;
    explicit constexpr EcamAccess(uintptr_t base, uint8_t first_bus = 0) : base_(base), first_bus_(first_bus) {}

    [[__nodiscard__]] uint8_t read8(PciAddress address, uint16_t offset) const { return at(address).read8(offset); }
    [[__nodiscard__]] uint16_t read16(PciAddress address, uint16_t offset) const { return at(address).read16(offset); }
    [[__nodiscard__]] uint32_t read32(PciAddress address, uint16_t offset) const { return at(address).read32(offset); }
    void write8(PciAddress address, uint16_t offset, uint8_t value) { at(address).write8(offset, value); }
    void write16(PciAddress address, uint16_t offset, uint16_t value) { at(address).write16(offset, value); }
    void write32(PciAddress address, uint16_t offset, uint32_t value) { at(address).write32(offset, value); }

private:
    [[__nodiscard__]] MmioSpace at(PciAddress address) const {
        address.bus = static_cast<uint8_t>(address.bus - first_bus_);
        return MmioSpace{base_ + (uintptr_t{pci_frame(address)} << 12)};
    }

    uintptr_t base_ = 0;
    uint8_t first_bus_ = 0;
};

static_assert(PciConfigAccess<EcamAccess>);

}  // namespace virtq
