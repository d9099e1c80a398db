// SPDX-License-Identifier: MIT
// EXPECT: free_pages\(pages\) must return void, because giving back cannot fail
#include <virtq/virtq.hpp>

struct Pool {
    virtq::Pages allocate_pages(size_t) { return {}; }
    bool free_pages(virtq::Pages) { return true; }
};

virtq::Status bring_up(virtq::VirtQueue<8>& queue, Pool& pool) {
    return queue.init(pool, 8, {});
}
