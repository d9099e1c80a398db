// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/page_allocator.hpp>

/// For kernels whose allocator gives one page at a time, so that two of them are contiguous by luck only: a reserve of
/// contiguous pages, taken once from the memory map at boot, before that allocator gets the rest. First fit. A queue
/// of 256 descriptors takes 3 pages, so 64 go a long way.
///
/// Yours: set `reserve` to where it lies, physically and as the kernel sees it, at most 64 pages. All zero before.
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
