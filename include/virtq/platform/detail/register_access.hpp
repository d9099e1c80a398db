// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>
#include <virtq/platform/register_space.hpp>

#include <stdint.h>

/// Reads and writes registers in the width of their type, and only if the type permits it.
namespace virtq::platform {

template <class Space, class Word, detail::Access access>
[[__nodiscard__]] Word read_register(Space& space, detail::Register<Word, access> which) {
    static_assert(access != detail::Access::write,
                  "This register is write-only (virtq::detail::WriteOnly): what it reads as is undefined. Only write "
                  "it.");
    if constexpr (!detail::check_register_space<Space>()) {
        return Word{};
    } else if constexpr (sizeof(Word) == 1) {
        return space.read8(which.offset);
    } else if constexpr (sizeof(Word) == 2) {
        return space.read16(which.offset);
    } else {
        static_assert(sizeof(Word) == 4, "Registers are 8, 16 or 32 bits wide; a 64-bit value is two of them");
        return space.read32(which.offset);
    }
}

template <class Space, class Word, detail::Access access>
void write_register(Space& space, detail::Register<Word, access> which, Word value) {
    static_assert(access != detail::Access::read,
                  "This register is read-only (virtq::detail::ReadOnly): a write does nothing. Only read it.");
    if constexpr (!detail::check_register_space<Space>()) {
        return;
    } else if constexpr (sizeof(Word) == 1) {
        space.write8(which.offset, value);
    } else if constexpr (sizeof(Word) == 2) {
        space.write16(which.offset, value);
    } else {
        static_assert(sizeof(Word) == 4, "Registers are 8, 16 or 32 bits wide; a 64-bit value is two of them");
        space.write32(which.offset, value);
    }
}

template <class Space>
void write_register(Space& space, detail::WriteOnlyPair which, uint64_t value) {
    write_register(space, which.low, static_cast<uint32_t>(value));
    write_register(space, which.high, static_cast<uint32_t>(value >> 32));
}

template <class Space>
void write_register(Space& space, detail::ReadWritePair which, uint64_t value) {
    write_register(space, which.low, static_cast<uint32_t>(value));
    write_register(space, which.high, static_cast<uint32_t>(value >> 32));
}

/// Reads the halves one after the other: only for a value that does not change meanwhile.
template <class Space>
[[__nodiscard__]] uint64_t read_register(Space& space, detail::ReadWritePair which) {
    uint32_t const low = read_register(space, which.low);
    return uint64_t{read_register(space, which.high)} << 32 | low;
}

}  // namespace virtq::platform
