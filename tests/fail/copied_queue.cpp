// SPDX-License-Identifier: MIT
// EXPECT: deleted
// EXPECT: two copies would drive one ring: pass the queue by reference
#include <virtq/virtq.hpp>

void use(virtq::VirtQueue<8> const& queue) {
    virtq::VirtQueue<8> const copy = queue;
}
