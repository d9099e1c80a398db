// SPDX-License-Identifier: MIT
// EXPECT: deleted
// EXPECT: the device knows where it is: pass the queue by reference
#include <virtq/virtq.hpp>

void use(virtq::VirtQueue<8> const& queue) {
    virtq::VirtQueue<8> const copy = queue;
}
