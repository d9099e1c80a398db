// SPDX-License-Identifier: MIT
// EXPECT: DescIndex
// EXPECT: (cannot convert|no known conversion|cannot initialize)
#include <virtq/virtq.hpp>

void give_back(virtq::VirtQueue<8>& queue) {
    queue.free_desc(3);
}
