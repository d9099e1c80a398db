// SPDX-License-Identifier: MIT
// EXPECT: This page allocator has no public, non-const `void free_pages\(virtq::Pages pages\)`: add it
// EXPECT: virtq/platform/page_allocator\.hpp
#include <virtq/virtq.hpp>

struct Pool {
    virtq::Pages allocate_pages(size_t) { return {}; }
};

virtq::Status bring_up(virtq::VirtQueue<8>& queue, Pool& pool) {
    return queue.init(pool, 8, {});
}
