// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/page_allocator.hpp>

/// For kernels whose allocator returns a physical address as a `void*`, null for none. Do not read through it before
/// it is mapped. Common where the allocator is older than the direct map.
///
/// Replace these three with yours. `map` makes a physical address readable and cacheable; in a direct map it is an
/// addition.
namespace pmm {
void* alloc(size_t pages);
void free(void* physical, size_t pages);
void* map(uint64_t physical);
}  // namespace pmm

struct PhysicalPointerPages {
    virtq::Pages allocate_pages(size_t count) {
        void* const pointer = pmm::alloc(count);
        uint64_t const physical = reinterpret_cast<uintptr_t>(pointer);  // a number from here on
        return pointer == nullptr ? virtq::Pages{}
                                  : virtq::Pages{pmm::map(physical), virtq::PhysAddr{physical}, count};
    }
    void free_pages(virtq::Pages pages) {
        pmm::free(reinterpret_cast<void*>(static_cast<uintptr_t>(pages.phys.value)), pages.count);
    }
};
static_assert(virtq::PageAllocator<PhysicalPointerPages>);
