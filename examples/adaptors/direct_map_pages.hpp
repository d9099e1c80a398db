// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/page_allocator.hpp>

/// For kernels in a higher half that see all RAM at a fixed offset (a boot loader's "higher-half direct map"). Their
/// allocator takes and returns physical addresses as numbers, 0 for none. This is the usual shape.
///
/// Replace these three with yours. Device registers are not RAM, and mostly not in the direct map: map them
/// separately.
namespace pmm {
extern uint64_t direct_map_offset;
uint64_t alloc_contiguous(size_t pages);
void free_contiguous(uint64_t physical, size_t pages);
}  // namespace pmm

struct DirectMapPages {
    virtq::Pages allocate_pages(size_t count) {
        uint64_t const physical = pmm::alloc_contiguous(count);
        return physical == 0 ? virtq::Pages{}
                             : virtq::Pages{virt_of(virtq::PhysAddr{physical}), virtq::PhysAddr{physical}, count};
    }
    void free_pages(virtq::Pages pages) { pmm::free_contiguous(pages.phys.value, pages.count); }
    void* virt_of(virtq::PhysAddr phys) const {
        return reinterpret_cast<void*>(static_cast<uintptr_t>(phys.value + pmm::direct_map_offset));
    }
};
static_assert(virtq::PageAllocator<DirectMapPages>);
