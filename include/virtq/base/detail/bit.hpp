// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// Bit arithmetic without bit-count builtins, which are library calls on some targets.
namespace virtq::detail {

[[__nodiscard__]] constexpr bool is_power_of_two(uint32_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

/// The largest power of two that is not above `value`; 0 for 0. At most 31 steps.
[[__nodiscard__]] constexpr uint32_t power_of_two_floor(uint32_t value) {
    while ((value & (value - 1)) != 0) {
        value &= value - 1;
    }
    return value;
}

/// `value` rounded up to a multiple of `alignment`, which is a power of two.
[[__nodiscard__]] constexpr uint32_t align_up(uint32_t value, uint32_t alignment) {
    return (value + (alignment - 1)) & ~(alignment - 1);
}

}  // namespace virtq::detail
