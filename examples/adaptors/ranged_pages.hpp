// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/page_allocator.hpp>

/// For kernels whose allocator takes a range of allowed addresses (`low`, `high`), and a boundary that a run must not
/// cross. Old DMA engines need these. A virtqueue may be anywhere, with one exception: the 32-bit page number of a
/// legacy device ends at 16 TiB. It needs no scarce addresses below 4 GiB.
///
/// Replace these three with yours. Here `high` is the last address, 0 means no boundary, and 0 is returned for none:
/// check yours.
namespace pmm {
uint64_t alloc_in_range(uint64_t low, uint64_t high, size_t pages, uint64_t boundary);
void free_range(uint64_t physical, size_t pages);
void* direct_map(uint64_t physical);
}  // namespace pmm

struct RangedPages {
    uint64_t high = (uint64_t{1} << 44) - 1;  // 2^32 pages of 4096 bytes
    virtq::Pages allocate_pages(size_t count) {
        uint64_t const physical = pmm::alloc_in_range(virtq::page_bytes, high, count, 0);
        return physical == 0 ? virtq::Pages{}
                             : virtq::Pages{pmm::direct_map(physical), virtq::PhysAddr{physical}, count};
    }
    void free_pages(virtq::Pages pages) { pmm::free_range(pages.phys.value, pages.count); }
};
static_assert(virtq::PageAllocator<RangedPages>);
