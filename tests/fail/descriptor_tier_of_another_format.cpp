// SPDX-License-Identifier: MIT
// EXPECT: This queue format has no descriptor tier \(alloc_desc, write_desc, push_avail, poll_used and their like\)
// EXPECT: use the chain tier \(add, publish, take_used\)
#include <virtq/virtq.hpp>

struct Tierless : virtq::Split {
    static constexpr bool has_descriptor_tier = false;
};

virtq::Result<virtq::DescIndex> take(virtq::VirtQueue<8, Tierless>& queue) {
    return queue.alloc_desc();
}
