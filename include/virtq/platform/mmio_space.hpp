// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/platform/detail/fence.hpp>
#include <virtq/platform/register_space.hpp>

#include <stdint.h>

namespace virtq {

/// Registers in device memory: the default `RegisterSpace`.
///
/// `base` is the *virtual* address at which the kernel has mapped the register block, uncached (device memory). Give
/// it a mapping of its own: a higher-half direct map is often write-back cached, and often does not cover device
/// memory.
class MmioSpace {
public:
    constexpr MmioSpace() = default;
    explicit MmioSpace(uintptr_t base) : base_(base) {}  ///< the registers mapped at `base`

    [[__nodiscard__]] uintptr_t base() const { return base_; }  ///< where the first register is mapped

    /// Reads the register of 8 bits, `offset` bytes from the base, before later reads of memory.
    [[__nodiscard__]] uint8_t read8(uint16_t offset) const { return load<uint8_t>(offset); }
    /// Reads a register of 16 bits, converted from little-endian.
    [[__nodiscard__]] uint16_t read16(uint16_t offset) const { return detail::little_endian(load<uint16_t>(offset)); }
    /// Reads a register of 32 bits, converted from little-endian.
    [[__nodiscard__]] uint32_t read32(uint16_t offset) const { return detail::little_endian(load<uint32_t>(offset)); }

    /// Writes the register of 8 bits, `offset` bytes from the base, after earlier stores to memory.
    void write8(uint16_t offset, uint8_t value) { store(offset, value); }
    /// Writes a register of 16 bits, converted to little-endian.
    void write16(uint16_t offset, uint16_t value) { store(offset, detail::little_endian(value)); }
    /// Writes a register of 32 bits, converted to little-endian.
    void write32(uint16_t offset, uint32_t value) { store(offset, detail::little_endian(value)); }

    /// The registers from `offset` bytes on. It may be larger than the 16-bit offset of a register.
    [[__nodiscard__]] MmioSpace at(uint32_t offset) const { return MmioSpace{base_ + offset}; }

private:
    template <class Word>
    [[__nodiscard__]] Word load(uint16_t offset) const {
        auto const* address = reinterpret_cast<Word const volatile*>(base_ + offset);
        Word value;
#if defined(__aarch64__)
        // A hypervisor can emulate only plain loads and stores. The compiler may choose a form with write-back.
        uint32_t wide;
        if constexpr (sizeof(Word) == 1) {
            asm volatile("ldrb %w0, [%1]" : "=r"(wide) : "r"(address) : "memory");
        } else if constexpr (sizeof(Word) == 2) {
            asm volatile("ldrh %w0, [%1]" : "=r"(wide) : "r"(address) : "memory");
        } else {
            asm volatile("ldr %w0, [%1]" : "=r"(wide) : "r"(address) : "memory");
        }
        value = static_cast<Word>(wide);
#else
        value = *address;
#endif
        platform::register_read_before_memory();
        return value;
    }

    template <class Word>
    void store(uint16_t offset, Word value) {
        platform::memory_before_register_write();
        auto* address = reinterpret_cast<Word volatile*>(base_ + offset);
#if defined(__aarch64__)
        uint32_t const wide = value;
        if constexpr (sizeof(Word) == 1) {
            asm volatile("strb %w0, [%1]" ::"r"(wide), "r"(address) : "memory");
        } else if constexpr (sizeof(Word) == 2) {
            asm volatile("strh %w0, [%1]" ::"r"(wide), "r"(address) : "memory");
        } else {
            asm volatile("str %w0, [%1]" ::"r"(wide), "r"(address) : "memory");
        }
#else
        *address = value;
#endif
    }

    uintptr_t base_ = 0;
};

static_assert(RegisterSpace<MmioSpace>);

}  // namespace virtq
