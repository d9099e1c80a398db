// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/port.hpp>
#include <virtq/platform/pci_config_access.hpp>

#include <stdint.h>

namespace virtq {

#if defined(__x86_64__) || defined(__i386__)

/// PCI configuration space through the ports 0xcf8 and 0xcfc of a PC (PCI 3.2.2.3.2, Configuration Mechanism #1). They
/// access the first 256 bytes of each function; beyond, everything reads as all ones, and writes do nothing. An access
/// takes two steps, so only one CPU at a time may make one, interrupt handlers included.
class PortConfigAccess {
public:
    /// A copy accesses the same registers, even after the original is gone.
    static constexpr bool may_be_copied = true;

    /// Reads 8 bits, `offset` bytes into the function's space; all ones from byte 256 on.
    [[__nodiscard__]] uint8_t read8(PciAddress address, uint16_t offset) const {
        return has(address, offset) ? platform::port_read<uint8_t>(select(address, offset)) : UINT8_MAX;
    }
    /// Reads 16 bits, as `read8`; `offset` is a multiple of 2.
    [[__nodiscard__]] uint16_t read16(PciAddress address, uint16_t offset) const {
        return has(address, offset) ? platform::port_read<uint16_t>(select(address, offset)) : UINT16_MAX;
    }
    /// Reads 32 bits, as `read8`; `offset` is a multiple of 4.
    [[__nodiscard__]] uint32_t read32(PciAddress address, uint16_t offset) const {
        return has(address, offset) ? platform::port_read<uint32_t>(select(address, offset)) : UINT32_MAX;
    }
    /// Writes 8 bits, `offset` bytes into the function's space; does nothing from byte 256 on.
    void write8(PciAddress address, uint16_t offset, uint8_t value) {
        if (has(address, offset)) {
            platform::port_write(select(address, offset), value);
        }
    }
    /// Writes 16 bits, as `write8`; `offset` is a multiple of 2.
    void write16(PciAddress address, uint16_t offset, uint16_t value) {
        if (has(address, offset)) {
            platform::port_write(select(address, offset), value);
        }
    }
    /// Writes 32 bits, as `write8`; `offset` is a multiple of 4.
    void write32(PciAddress address, uint16_t offset, uint32_t value) {
        if (has(address, offset)) {
            platform::port_write(select(address, offset), value);
        }
    }

private:
    static constexpr uint16_t address_port = 0xcf8;
    static constexpr uint16_t data_port = 0xcfc;
    static constexpr uint32_t enable = uint32_t{1} << 31;

    static constexpr uint16_t function_bytes = 256;

    [[__nodiscard__]] static constexpr bool has(PciAddress address, uint16_t offset) {
        return address.is_possible() && offset < function_bytes;
    }

    /// Selects a register. Returns the port of its data.
    [[__nodiscard__]] static uint16_t select(PciAddress address, uint16_t offset) {
        platform::port_write(address_port, enable | (pci_frame(address) << 8) | (offset & 0xfcu));
        return static_cast<uint16_t>(data_port + (offset & 3u));
    }
};

static_assert(PciConfigAccess<PortConfigAccess>);

#endif

}  // namespace virtq
