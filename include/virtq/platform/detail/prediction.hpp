// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>

#include <stdint.h>

namespace virtq::platform {

/// Value prediction: turns a data dependency into a predictable branch, so the CPU continues with the last value while
/// the real one is still loading. A wrong prediction costs one mispredicted branch and nothing else. (GCC for 32-bit
/// ARM emits conditional instructions instead, which wait.)
class Prediction {
public:
    /// Returns `actual`, but the CPU can continue before it is loaded.
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE uint16_t confirm(uint16_t actual) {
        uint16_t const expected = last_;
        uint16_t result = expected;
        asm("" : "+r"(result));  // hides that it equals `actual` below: the compiler would return that
        if (actual == expected) [[__likely__]] {
            return result;
        }
        last_ = actual;
        return actual;
    }

private:
    uint16_t last_ = 0;
};

}  // namespace virtq::platform
