// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/platform/detail/fence.hpp>

#include <stdint.h>

/// I/O port instructions, on architectures that have them.
namespace virtq::platform {

#if defined(__x86_64__) || defined(__i386__)

/// Whether the architecture has port instructions. If not, the kernel maps I/O ports as memory.
inline constexpr bool has_port_instructions = true;

// x86 orders port accesses with all memory accesses before and after (Intel SDM 3, 9.2). Only the compiler must be
// kept from reordering them.
template <class Word>
[[__nodiscard__]] inline Word port_read(uint16_t port) {
    Word value;
    if constexpr (sizeof(Word) == 1) {
        asm volatile("inb %w1, %0" : "=a"(value) : "Nd"(port) : "memory");
    } else if constexpr (sizeof(Word) == 2) {
        asm volatile("inw %w1, %0" : "=a"(value) : "Nd"(port) : "memory");
    } else {
        asm volatile("inl %w1, %0" : "=a"(value) : "Nd"(port) : "memory");
    }
    return value;
}

template <class Word>
inline void port_write(uint16_t port, Word value) {
    if constexpr (sizeof(Word) == 1) {
        asm volatile("outb %0, %w1" ::"a"(value), "Nd"(port) : "memory");
    } else if constexpr (sizeof(Word) == 2) {
        asm volatile("outw %0, %w1" ::"a"(value), "Nd"(port) : "memory");
    } else {
        asm volatile("outl %0, %w1" ::"a"(value), "Nd"(port) : "memory");
    }
}

#else

inline constexpr bool has_port_instructions = false;

#endif

}  // namespace virtq::platform
