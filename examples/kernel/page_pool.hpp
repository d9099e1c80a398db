// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"

#include <virtq/platform/page_allocator.hpp>

/// All that virtq needs from a kernel: physical pages. First fit, one flag for each page of the pool.
class PagePool {
public:
    virtq::Pages allocate_pages(size_t count) {
        size_t run = 0;
        for (size_t page = 0; page < pool_pages && count != 0; ++page) {
            run = taken_[page] ? 0 : run + 1;
            if (run == count) {
                virtq::PhysAddr const first = machine::pool_base + (page + 1 - count) * virtq::page_bytes;
                mark(page + 1 - count, count, true);
                return {machine::virt(first), first, count};
            }
        }
        return {};
    }

    void free_pages(virtq::Pages pages) {
        uint64_t const first = (pages.phys.value - machine::pool_base.value) / virtq::page_bytes;
        mark(static_cast<size_t>(first), pages.count, false);
    }

    size_t count_free() const {
        size_t count = 0;
        for (bool const taken : taken_) {
            count += taken ? 0 : 1;
        }
        return count;
    }

    virtq::PhysAddr phys_addr(void const* virt) const { return machine::phys(virt); }
    void* virt_of(virtq::PhysAddr phys) const { return machine::virt(phys); }

private:
    static constexpr size_t pool_pages = machine::pool_bytes / virtq::page_bytes;

    void mark(size_t first, size_t count, bool taken) { __builtin_memset(taken_ + first, taken, count); }

    bool taken_[pool_pages];
};
static_assert(virtq::PageAllocator<PagePool> && virtq::TranslatesAddresses<PagePool>);
