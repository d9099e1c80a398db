// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/platform/detail/fence.hpp>

#include <stdint.h>

/// I/O ports: the instructions where the architecture has them.
namespace virtq::platform {

#if defined(__x86_64__) || defined(__i386__)

/// Whether a port is reached by an instruction of its own; where not, a kernel maps the ports as memory.
inline constexpr bool has_port_instructions = true;

// x86 orders port accesses with all accesses to memory, before and after (Intel SDM 3, 9.2): nothing to add but that
// the compiler keeps its hands off.
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
