// SPDX-License-Identifier: MIT
// EXPECT: ScopedQueue: the allocator needs pages_leaked\(Pages\), because a destructor has no other way
#include <virtq/virtq.hpp>

struct Pool {
    virtq::Pages allocate_pages(size_t) { return {}; }
    void free_pages(virtq::Pages) {}
};

void use(Pool& pool) {
    virtq::ScopedQueue<8, Pool> const queue(pool);
}
