// SPDX-License-Identifier: MIT
// EXPECT: no public, non-const `virtq::Pages allocate_pages
// EXPECT: no public, non-const `void free_pages
#include <virtq/virtq.hpp>

struct Pool {
    virtq::Pages allocate_pages(size_t) { return {}; }
    void free_pages(virtq::Pages) {}
};

virtq::Status bring_up(virtq::VirtQueue<8>& queue, Pool const& pool) {
    return queue.init(pool, 8, {});
}
