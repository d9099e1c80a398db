// SPDX-License-Identifier: MIT
// EXPECT: allocate_pages\(count\) must return virtq::Pages, that is \{virtual address, virtq::PhysAddr, count\}
#include <virtq/virtq.hpp>

struct Pool {
    void* allocate_pages(size_t) { return nullptr; }
    void free_pages(virtq::Pages) {}
};

virtq::Status bring_up(virtq::VirtQueue<8>& queue, Pool& pool) {
    return queue.init(pool, 8, {});
}
