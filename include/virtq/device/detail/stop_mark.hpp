// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/ring_memory.hpp>

#include <stdint.h>

namespace virtq::detail {

/// That a device is not to be used until it was reset. One word that any queue's user may set and see, so it is an
/// atomic one. All zero at first: not set.
class StopMark {
public:
    void set() { platform::store_relaxed(&word_, uint16_t{1}); }
    void clear() { platform::store_relaxed(&word_, uint16_t{0}); }
    [[__nodiscard__]] bool is_set() const { return platform::load_relaxed(&word_) != 0; }

private:
    uint16_t word_ = 0;
};

}  // namespace virtq::detail
