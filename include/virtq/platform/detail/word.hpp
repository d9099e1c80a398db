// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>

#include <stdint.h>

/// Words of memory that the device does not know.
namespace virtq::platform {

// --- words that CPUs share with each other: stored and read whole, and ordered with nothing

/// One plain store. GCC before 14 makes an atomic swap of a relaxed 32-bit store on RISC-V: for the compiler a
/// volatile store is one store as well.
VIRTQ_ALWAYS_INLINE inline void store_word(uint32_t* target, uint32_t value) {
#if defined(__riscv) && !defined(__clang__)
    *static_cast<uint32_t volatile*>(target) = value;
#else
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
#endif
}
[[__nodiscard__]] inline uint32_t load_word(uint32_t const* source) {
    return __atomic_load_n(source, __ATOMIC_RELAXED);
}

// --- a byte of the driver's own memory that says something to whoever interrupts it: an interrupt handler on the same
// CPU finds it as the program had it, in the order of the program. Other CPUs may see it late, and whole.

/// Nothing that follows in the program is done before it: a handler that comes then sees the byte.
inline void store_byte_first(uint8_t* target, uint8_t value) {
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/// All that precedes in the program is done before it.
inline void store_byte_last(uint8_t* target, uint8_t value) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
}

[[__nodiscard__]] inline uint8_t load_byte(uint8_t const* source) {
    return __atomic_load_n(source, __ATOMIC_RELAXED);
}

// --- one access each, made as it stands: for asking memory whether it is there

inline void probe_write(uint32_t* word, uint32_t value) {
    *static_cast<uint32_t volatile*>(word) = value;
}

/// Reads the memory, and not what the compiler remembers to have written there, also under another address.
[[__nodiscard__]] inline uint32_t probe_read(uint32_t const* word) {
    return *static_cast<uint32_t const volatile*>(word);
}

}  // namespace virtq::platform
