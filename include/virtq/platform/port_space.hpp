// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/port.hpp>
#include <virtq/platform/mmio_space.hpp>
#include <virtq/platform/register_space.hpp>

#include <stdint.h>

namespace virtq {

#if defined(__x86_64__) || defined(__i386__)

/// Registers in I/O space. `base` is the number of the first port.
class PortSpace {
public:
    static constexpr bool is_port_space = true;    ///< the library uses this space for BARs of I/O ports
    static constexpr uint32_t port_end = 0x10000;  ///< one above the highest port number

    constexpr PortSpace() = default;
    /// The ports from number `base` on.
    explicit constexpr PortSpace(uintptr_t base) : base_(static_cast<uint16_t>(base)) {}

    /// Reads 8 bits from the port that is `offset` above the base.
    [[__nodiscard__]] uint8_t read8(uint16_t offset) const { return platform::port_read<uint8_t>(port(offset)); }
    /// Reads 16 bits in one access.
    [[__nodiscard__]] uint16_t read16(uint16_t offset) const { return platform::port_read<uint16_t>(port(offset)); }
    /// Reads 32 bits in one access.
    [[__nodiscard__]] uint32_t read32(uint16_t offset) const { return platform::port_read<uint32_t>(port(offset)); }
    /// Writes 8 bits to the port that is `offset` above the base.
    void write8(uint16_t offset, uint8_t value) { platform::port_write(port(offset), value); }
    /// Writes 16 bits in one access.
    void write16(uint16_t offset, uint16_t value) { platform::port_write(port(offset), value); }
    /// Writes 32 bits in one access.
    void write32(uint16_t offset, uint32_t value) { platform::port_write(port(offset), value); }

    /// The ports from `offset` on.
    [[__nodiscard__]] PortSpace at(uint32_t offset) const { return PortSpace{uintptr_t{base_} + offset}; }

private:
    [[__nodiscard__]] uint16_t port(uint16_t offset) const { return static_cast<uint16_t>(base_ + offset); }

    uint16_t base_ = 0;
};

#else

/// Registers in I/O space, which this architecture accesses as memory. `base` is the *virtual* address at which the
/// kernel has mapped the first port.
class PortSpace : public MmioSpace {
public:
    static constexpr bool is_port_space = true;  ///< the library uses this space for BARs of I/O ports

    using MmioSpace::MmioSpace;
    /// The ports mapped in `space`.
    explicit PortSpace(MmioSpace space) : MmioSpace(space) {}

    /// The ports from `offset` on.
    [[__nodiscard__]] PortSpace at(uint32_t offset) const { return PortSpace{MmioSpace::at(offset)}; }
};

#endif

static_assert(PortRegisterSpace<PortSpace>);

}  // namespace virtq
