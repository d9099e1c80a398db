// SPDX-License-Identifier: MIT
// EXPECT: This page allocator has a phys_addr\(\) that virtq cannot use
// EXPECT: `virtq::PhysAddr phys_addr\(void const\* virt\)`
#include <virtq/virtq.hpp>

struct KernelPages {
    virtq::Pages allocate_pages(size_t count);
    void free_pages(virtq::Pages pages);
    uint64_t phys_addr(void const* virt);
};

virtq::Status bring_up(virtq::VirtQueue<8>& queue, KernelPages& pages) {
    return queue.init(pages, 8, virtq::Features{});
}
