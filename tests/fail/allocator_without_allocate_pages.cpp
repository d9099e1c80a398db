// SPDX-License-Identifier: MIT
// EXPECT: This page allocator has no public, non-const `virtq::Pages allocate_pages\(size_t count\)`: add it
#include <virtq/virtq.hpp>

class Pool {
    virtq::Pages allocate_pages(size_t) { return {}; }  // private, because somebody forgot a word

public:
    void free_pages(virtq::Pages) {}
};

virtq::Status give_back(virtq::VirtQueue<8>& queue, Pool& pool) {
    return queue.release(pool);
}
