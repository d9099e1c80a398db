// SPDX-License-Identifier: MIT
// EXPECT: (no match for|invalid operands).*RingIndex.*Slot
#include <virtq/virtq.hpp>

bool is_there(virtq::RingIndex index, virtq::Slot slot) {
    return index == slot;
}
