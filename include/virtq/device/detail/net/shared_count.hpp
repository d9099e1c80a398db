// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/word.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A number that one thread sets while others read it, so the word is atomic. It is all zero at first.
class SharedCount {
public:
    void store(uint16_t count) { platform::store_word(&word_, count); }
    [[__nodiscard__]] uint16_t load() const { return platform::load_word(&word_); }

private:
    uint16_t word_ = 0;
};

}  // namespace virtq::detail
