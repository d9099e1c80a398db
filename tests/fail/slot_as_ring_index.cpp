// SPDX-License-Identifier: MIT
// EXPECT: Slot.*RingIndex|RingIndex.*Slot
#include <virtq/virtq.hpp>

virtq::RingIndex next(virtq::Slot slot) {
    return virtq::advance(slot);
}
