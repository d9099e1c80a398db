// SPDX-License-Identifier: MIT
// EXPECT: each side is \{\}, a virtq::Segment, an array of them, or what has data\(\) and size\(\) of just that type
#include <virtq/virtq.hpp>

virtq::Status offer(virtq::VirtQueue<8>& queue, virtq::Segment const* segments) {
    return queue.add(virtq::NoSegments{}, segments, virtq::Token{});
}
