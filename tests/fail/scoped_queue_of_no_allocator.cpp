// SPDX-License-Identifier: MIT
// EXPECT: This page allocator has no public, non-const `virtq::Pages allocate_pages
#include <virtq/virtq.hpp>

void use(int& number) {
    virtq::ScopedQueue<8, int> const queue(number);
}
