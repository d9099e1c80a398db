// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/word.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Remembers that a device must not be used until it is reset. Users of all queues set and read it, so the word is
/// atomic. It is all zero at first: not set.
class StopMark {
public:
    void set() { platform::store_word(&word_, uint16_t{1}); }
    void clear() { platform::store_word(&word_, uint16_t{0}); }
    [[__nodiscard__]] bool is_set() const { return platform::load_word(&word_) != 0; }

private:
    uint16_t word_ = 0;
};

}  // namespace virtq::detail
