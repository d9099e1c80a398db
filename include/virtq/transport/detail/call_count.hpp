// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/word.hpp>

#include <stdint.h>

namespace virtq::detail {

/// How often something was called, for diag/, which asks whether it ever was. Any CPU may count at any time. Two CPUs
/// that count at once may lose an increment, since that takes no atomic read-modify-write; the count is never 0 after
/// a call. It stops at its largest. All zero at first.
class CallCount {
public:
    void add() {
        uint32_t const calls = platform::load_word(&calls_);
        if (calls != UINT16_MAX) {
            platform::store_word(&calls_, calls + 1);
        }
    }
    [[__nodiscard__]] uint16_t value() const { return static_cast<uint16_t>(platform::load_word(&calls_)); }

private:
    uint32_t calls_ = 0;
};

}  // namespace virtq::detail
