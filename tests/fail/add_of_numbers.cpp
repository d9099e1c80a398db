// SPDX-License-Identifier: MIT
// EXPECT: a virtq::Segment, an array of them, or a container of just that type with data\(\) and size\(\)
#include <virtq/virtq.hpp>

struct Numbers {
    uint64_t* data() const;
    size_t size() const;
};

virtq::Status offer(virtq::VirtQueue<8>& queue, Numbers const& addresses, virtq::Segment const& segment) {
    return queue.add(segment, addresses, virtq::Token{});
}
