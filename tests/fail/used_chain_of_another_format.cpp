// SPDX-License-Identifier: MIT
// EXPECT: This queue format has no descriptor tier
#include <virtq/virtq.hpp>

struct Tierless : virtq::Split {
    static constexpr bool has_descriptor_tier = false;
};

bool look(virtq::VirtQueue<8, Tierless> const& queue) {
    return queue.has_used();
}
