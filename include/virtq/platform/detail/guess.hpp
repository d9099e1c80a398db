// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>

#include <stdint.h>

namespace virtq::platform {

/// A number that is most often what it was the last time, where much has to wait for it: the CPU guesses a branch, and
/// goes on with the number kept here while the real one is still being loaded. A wrong guess costs a mispredicted
/// branch, and nothing else. (GCC for 32-bit ARM makes conditional instructions of it, which wait.)
class Guess {
public:
    /// Returns `actual`.
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE uint16_t confirm(uint16_t actual) {
        uint16_t const expected = last_;
        uint16_t result = expected;
        asm("" : "+r"(result));  // or the compiler, which knows that the two are equal below, would return `actual`
        if (actual == expected) {
            return result;
        }
        last_ = actual;
        return actual;
    }

private:
    uint16_t last_ = 0;
};

}  // namespace virtq::platform
