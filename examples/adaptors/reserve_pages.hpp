// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/page_allocator.hpp>

/// A reserve of contiguous pages, for kernels whose allocator returns one page at a time, so that two pages are
/// contiguous only by luck. Take the reserve from the memory map once at boot, before that allocator gets the rest.
/// First fit. A queue of 256 descriptors takes 3 pages, so 64 go a long way.
///
/// Set `reserve` to the virtual and physical address of these pages and their count, at most 64. All zero before.
struct ReservePages {
    virtq::Pages reserve;
    bool taken[64] = {};

    virtq::Pages allocate_pages(size_t count) {
        for (size_t end = 0, run = 0; end < sizeof taken && end < reserve.count && count != 0; ++end) {
            run = taken[end] ? 0 : run + 1;
            if (run == count) {
                size_t const offset = (end + 1 - count) * virtq::page_bytes;
                __builtin_memset(taken + (end + 1 - count), 1, count);
                return {static_cast<char*>(reserve.virt) + offset, reserve.phys + offset, count};
            }
        }
        return {};
    }
    void free_pages(virtq::Pages pages) {
        __builtin_memset(taken + (pages.phys.value - reserve.phys.value) / virtq::page_bytes, 0, pages.count);
    }
};
static_assert(virtq::PageAllocator<ReservePages>);
