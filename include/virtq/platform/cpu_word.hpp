// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// Words that CPUs share with each other and not with the device: stored and read whole, and ordered with nothing.
namespace virtq::platform {

inline void store_word(uint32_t* target, uint32_t value) {
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
}
[[__nodiscard__]] inline uint32_t load_word(uint32_t const* source) {
    return __atomic_load_n(source, __ATOMIC_RELAXED);
}

}  // namespace virtq::platform
