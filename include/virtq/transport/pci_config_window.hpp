// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/register_space.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/pci_function.hpp>

#include <stdint.h>

namespace virtq {

/// A register space for a device whose BARs cannot be mapped. It reaches the registers through the configuration
/// space: §4.1.4.9 (PCI configuration access capability). A register access takes four configuration accesses. So all
/// users of one device must be serialised, including interrupt handlers.
template <PciConfigAccess Access>
class PciConfigWindow {
public:
    constexpr PciConfigWindow() = default;
    /// The registers from `base` bytes on in a BAR. `capability` is the offset of the PCI configuration access
    /// capability.
    PciConfigWindow(PciFunction<Access> const& of, uint16_t capability, uint8_t bar, uint32_t base)
        : function_(of), capability_(capability), bar_(bar), base_(base) {}

    /// Whether it refers to a device.
    [[__nodiscard__]] constexpr bool is_set() const { return capability_ != 0; }

    /// Reads the register of 8 bits, `offset` bytes from the start.
    [[__nodiscard__]] uint8_t read8(uint16_t offset) const { return function_.read8(aim(offset, 1)); }
    /// Reads a register of 16 bits.
    [[__nodiscard__]] uint16_t read16(uint16_t offset) const { return function_.read16(aim(offset, 2)); }
    /// Reads a register of 32 bits.
    [[__nodiscard__]] uint32_t read32(uint16_t offset) const { return function_.read32(aim(offset, 4)); }
    /// Writes the register of 8 bits, `offset` bytes from the start.
    void write8(uint16_t offset, uint8_t value) const { function_.write8(aim(offset, 1), value); }
    /// Writes a register of 16 bits.
    void write16(uint16_t offset, uint16_t value) const { function_.write16(aim(offset, 2), value); }
    /// Writes a register of 32 bits.
    void write32(uint16_t offset, uint32_t value) const { function_.write32(aim(offset, 4), value); }

    /// The registers from `offset` bytes on.
    [[__nodiscard__]] PciConfigWindow at(uint32_t offset) const {
        PciConfigWindow further = *this;
        further.base_ += offset;
        return further;
    }

private:
    /// Selects a register, and returns where it now is in the configuration space. The length is written before the
    /// offset, which must be a multiple of it (§4.1.4.9.2).
    [[__nodiscard__]] uint16_t aim(uint16_t offset, uint32_t width) const {
        function_.write8(field(spec::pci::cap::bar), bar_);
        function_.write32(field(spec::pci::cap::length), width);
        function_.write32(field(spec::pci::cap::offset), base_ + offset);
        return field(spec::pci::cap::pci_cfg_data);
    }
    [[__nodiscard__]] uint16_t field(uint16_t offset) const { return static_cast<uint16_t>(capability_ + offset); }

    PciFunction<Access> function_;
    uint16_t capability_ = 0;
    uint8_t bar_ = 0;
    uint32_t base_ = 0;
};

}  // namespace virtq
