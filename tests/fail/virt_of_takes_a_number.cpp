// SPDX-License-Identifier: MIT
// EXPECT: This page allocator has a virt_of\(\) that virtq cannot use
#include <virtq/virtq.hpp>

struct KernelPages {
    virtq::Pages allocate_pages(size_t count);
    void free_pages(virtq::Pages pages);
    void* virt_of(uint64_t phys);
};

virtq::Status bring_up(virtq::VirtQueue<8>& queue, KernelPages& pages) {
    return queue.init(pages, 8, virtq::Features{});
}
