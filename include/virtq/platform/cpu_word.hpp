// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/code_size.hpp>

#include <stdint.h>

/// Words that CPUs share with each other and not with the device: stored and read whole, and ordered with nothing.
namespace virtq::platform {

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

}  // namespace virtq::platform
