// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq::detail {

/// That a transport was probed, and is where it was then: drivers keep its address. A copy of the mark at another
/// place is none, and neither is what is left of it when its memory is used for something else. All zero at first.
class ProbeMark {
public:
    void set() { word_ = here(); }
    [[__nodiscard__]] bool is_set() const { return word_ == here(); }

private:
    /// Odd, and so never 0, since an object of this type has an even address; and no address that memory may hold.
    [[__nodiscard__]] uintptr_t here() const { return reinterpret_cast<uintptr_t>(this) ^ pattern; }

    static constexpr uintptr_t pattern = 0x5a17c0d1;

    uintptr_t word_ = 0;
};

}  // namespace virtq::detail
