// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>

#include <stdint.h>

/// Words of memory that the device does not access.
namespace virtq::platform {

// --- words that CPUs share: each is stored and loaded whole, without any ordering

/// Stores a word with one plain store. On RISC-V, GCC before 14 emits an atomic swap for a relaxed 32-bit store, but
/// one plain store for a volatile one.
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

/// As above for 16 bits, which every compiler stores plainly.
VIRTQ_ALWAYS_INLINE inline void store_word(uint16_t* target, uint16_t value) {
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
}
[[__nodiscard__]] inline uint16_t load_word(uint16_t const* source) {
    return __atomic_load_n(source, __ATOMIC_RELAXED);
}

// --- bytes that tell an interrupt handler what the interrupted code is doing. A handler on the same CPU sees them in
// program order. Other CPUs may see them late.

/// Stores the byte before everything that follows in the program: a handler that interrupts later sees it.
inline void store_byte_first(uint8_t* target, uint8_t value) {
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/// Stores the byte after everything that precedes it in the program.
inline void store_byte_last(uint8_t* target, uint8_t value) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
}

[[__nodiscard__]] inline uint8_t load_byte(uint8_t const* source) {
    return __atomic_load_n(source, __ATOMIC_RELAXED);
}

// --- single accesses that the compiler must not change: for testing whether there is memory

inline void probe_write(uint32_t* word, uint32_t value) {
    *static_cast<uint32_t volatile*>(word) = value;
}

/// Reads the memory itself, not what the compiler knows was written there, even through another address.
[[__nodiscard__]] inline uint32_t probe_read(uint32_t const* word) {
    return *static_cast<uint32_t const volatile*>(word);
}

}  // namespace virtq::platform
