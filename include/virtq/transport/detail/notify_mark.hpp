// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/word.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The last call of a transport's `notify`.
struct LastNotify {
    bool any = false;
    uint16_t queue = 0;  ///< its number, if there was one
};

/// Which queue was notified last, for diag/: to the device a wrong number is as good as no call. One word that any CPU
/// may set, so it is an atomic one; beside the write to a register, its store costs nothing. All zero at first.
class NotifyMark {
public:
    void set(uint16_t queue) { platform::store_word(&word_, uint32_t{queue} + 1); }
    void clear() { platform::store_word(&word_, 0); }
    [[__nodiscard__]] LastNotify last() const {
        uint32_t const word = platform::load_word(&word_);
        return word == 0 ? LastNotify{} : LastNotify{true, static_cast<uint16_t>(word - 1)};
    }

private:
    uint32_t word_ = 0;  ///< the number + 1
};

}  // namespace virtq::detail
