// SPDX-License-Identifier: MIT
// EXPECT: cannot (convert|initialize).*(Slot.*RingIndex|RingIndex.*Slot)
#include <virtq/virtq.hpp>

virtq::RingIndex next(virtq::detail::Slot slot) {
    return virtq::detail::advance(slot);
}
