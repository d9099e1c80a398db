// SPDX-License-Identifier: MIT
// EXPECT: RingIndex.*DescIndex|DescIndex.*RingIndex
#include <virtq/virtq.hpp>

void give_back(virtq::VirtQueue<8>& queue, virtq::RingIndex index) {
    queue.free_desc(index);
}
