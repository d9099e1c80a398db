// SPDX-License-Identifier: MIT
// EXPECT: each side is \{\}, a virtq::Segment, an array of them, or what has data\(\) and size\(\) of just that type
#include <virtq/virtq.hpp>

struct Numbers {
    uint64_t* data() const;
    size_t size() const;
};

virtq::Status offer(virtq::VirtQueue<8>& queue, Numbers const& addresses, virtq::Segment const& segment) {
    return queue.add(segment, addresses, virtq::Token{});
}
