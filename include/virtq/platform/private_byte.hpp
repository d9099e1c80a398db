// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// A byte of the driver's own memory that says something to whoever interrupts it: an interrupt handler on the same
/// CPU finds it as the program had it, in the order of the program. Other CPUs may see it late, and whole.
namespace virtq::platform {

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

}  // namespace virtq::platform
