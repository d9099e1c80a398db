// SPDX-License-Identifier: MIT
// EXPECT: (no match for|invalid operands).*RingIndex.*Slot
#include <virtq/virtq.hpp>

bool is_there(virtq::RingIndex index, virtq::detail::Slot slot) {
    return index == slot;
}
