// SPDX-License-Identifier: MIT
// EXPECT: a virtq::Segment, an array of them, or a container of just that type with data\(\) and size\(\)
#include <virtq/virtq.hpp>

virtq::Status offer(virtq::VirtQueue<8>& queue, virtq::Segment const* segments) {
    return queue.add(virtq::NoSegments{}, segments, virtq::Token{});
}
