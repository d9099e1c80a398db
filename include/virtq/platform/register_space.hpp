// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/register.hpp>
#include <virtq/base/same_as.hpp>

#include <stdint.h>

/// A block of device registers, little-endian on the device's side, native on ours. `MmioSpace` is the one for
/// device memory; a simulated device brings another.
namespace virtq {

template <class Space>
concept RegisterSpace = requires(Space& space, uint16_t offset, uint8_t byte, uint16_t half, uint32_t word) {
    /// One that refers to nothing yet: a transport holds it before its probe(). Copies refer to the same registers.
    Space{};
    Space(space);
    /// Each reads or writes once, in this width, at `offset` bytes from the start of the block. A read is ordered
    /// before later reads of memory, a write after earlier stores to memory.
    { space.read8(offset) } -> SameAs<uint8_t>;
    { space.read16(offset) } -> SameAs<uint16_t>;
    { space.read32(offset) } -> SameAs<uint32_t>;
    { space.write8(offset, byte) } -> SameAs<void>;
    { space.write16(offset, half) } -> SameAs<void>;
    { space.write32(offset, word) } -> SameAs<void>;
};

namespace platform {

template <RegisterSpace Space, class Word, Access access>
    requires(access != Access::write)
[[nodiscard]] Word read_register(Space& space, Register<Word, access> which) {
    if constexpr (sizeof(Word) == 1) {
        return space.read8(which.offset);
    } else if constexpr (sizeof(Word) == 2) {
        return space.read16(which.offset);
    } else {
        static_assert(sizeof(Word) == 4, "Registers are 8, 16 or 32 bits wide; a 64-bit value is two of them");
        return space.read32(which.offset);
    }
}

template <RegisterSpace Space, class Word, Access access>
    requires(access != Access::read)
void write_register(Space& space, Register<Word, access> which, Word value) {
    if constexpr (sizeof(Word) == 1) {
        space.write8(which.offset, value);
    } else if constexpr (sizeof(Word) == 2) {
        space.write16(which.offset, value);
    } else {
        static_assert(sizeof(Word) == 4, "Registers are 8, 16 or 32 bits wide; a 64-bit value is two of them");
        space.write32(which.offset, value);
    }
}

template <RegisterSpace Space>
void write_register(Space& space, WriteOnlyPair which, uint64_t value) {
    write_register(space, which.low, static_cast<uint32_t>(value));
    write_register(space, which.high, static_cast<uint32_t>(value >> 32));
}

}  // namespace platform
}  // namespace virtq
