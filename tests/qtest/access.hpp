// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/device_mapper.hpp>
#include <virtq/platform/pci_config_access.hpp>
#include <virtq/platform/register_space.hpp>

#include <atomic>
#include <cstdint>

#include <qtest/bus.hpp>

/// The accesses that a kernel would do itself, on the machine `virt` for aarch64 (its addresses are in QEMU's
/// documentation and in the device tree that it writes).
namespace virtq::qtest {

/// The bus of the machine that runs. It is global, because the library makes register spaces from an address alone.
inline Bus* current_bus = nullptr;

/// The processor's order of memory and device accesses, which the other process must see.
inline void order_accesses() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
}
template <class Value>
[[nodiscard]] Value read(char width, std::uint64_t address) {
    auto const value = static_cast<Value>(current_bus->read(width, address));
    order_accesses();
    return value;
}
inline void write(char width, std::uint64_t address, std::uint64_t value) {
    order_accesses();
    current_bus->write(width, address, value);
}

/// Registers in device memory.
class MemorySpace {
public:
    MemorySpace() = default;
    explicit MemorySpace(std::uintptr_t base) : base_(base) {}

    std::uint8_t read8(std::uint16_t offset) { return read<std::uint8_t>('b', base_ + offset); }
    std::uint16_t read16(std::uint16_t offset) { return read<std::uint16_t>('w', base_ + offset); }
    std::uint32_t read32(std::uint16_t offset) { return read<std::uint32_t>('l', base_ + offset); }
    void write8(std::uint16_t offset, std::uint8_t value) { write('b', base_ + offset, value); }
    void write16(std::uint16_t offset, std::uint16_t value) { write('w', base_ + offset, value); }
    void write32(std::uint16_t offset, std::uint32_t value) { write('l', base_ + offset, value); }
    [[nodiscard]] MemorySpace at(std::uint32_t offset) const { return MemorySpace{base_ + offset}; }

private:
    std::uintptr_t base_ = 0;
};

/// Registers in I/O ports, which this machine has in memory.
class Ports : public MemorySpace {
public:
    static constexpr bool is_port_space = true;

    Ports() = default;
    explicit Ports(std::uintptr_t base) : MemorySpace(base), base_(base) {}
    [[nodiscard]] Ports at(std::uint32_t offset) const { return Ports{base_ + offset}; }

private:
    std::uintptr_t base_ = 0;
};

/// Configuration space.
class Ecam {
public:
    static constexpr bool may_be_copied = true;

    std::uint8_t read8(PciAddress function, std::uint16_t offset) { return space(function).read8(offset); }
    std::uint16_t read16(PciAddress function, std::uint16_t offset) { return space(function).read16(offset); }
    std::uint32_t read32(PciAddress function, std::uint16_t offset) { return space(function).read32(offset); }
    void write8(PciAddress function, std::uint16_t offset, std::uint8_t value) {
        space(function).write8(offset, value);
    }
    void write16(PciAddress function, std::uint16_t offset, std::uint16_t value) {
        space(function).write16(offset, value);
    }
    void write32(PciAddress function, std::uint16_t offset, std::uint32_t value) {
        space(function).write32(offset, value);
    }

private:
    static constexpr std::uint64_t base = 0x40'1000'0000;

    [[nodiscard]] static MemorySpace space(PciAddress function) {
        return MemorySpace{base + (std::uint64_t{pci_frame(function)} << 12)};
    }
};

/// Nothing to map: an address is used as it is.
class Unmapped {
public:
    static constexpr std::uint64_t port_base = 0x3eff'0000;

    std::uintptr_t map_device_memory(PhysAddr address, std::uint64_t) { return address.value; }
    std::uintptr_t map_device_ports(std::uint32_t port, std::uint32_t) { return port_base + port; }
};

}  // namespace virtq::qtest
