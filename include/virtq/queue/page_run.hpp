// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/platform/page_allocator.hpp>
#include <virtq/platform/ring_memory.hpp>

#include <stddef.h>
#include <stdint.h>

/// Pages from the kernel's allocator, checked before they are used.
namespace virtq {

/// Whether two runs have a page in common, as an allocator must never let it be.
[[nodiscard]] constexpr bool share_pages(Pages const& a, Pages const& b) {
    return a.phys.value < b.phys.value + uint64_t{b.count} * page_bytes &&
           b.phys.value < a.phys.value + uint64_t{a.count} * page_bytes;
}

namespace detail {

template <PageAllocator Allocator>
[[nodiscard]] Error check_run(Allocator& allocator, Pages const& run) {
    auto const virt = reinterpret_cast<uintptr_t>(run.virt);
    if (run.phys.value % page_bytes != 0 || virt % page_bytes != 0) {
        return Error::pages_misaligned;
    }
    if constexpr (TranslatesAddresses<Allocator>) {
        auto const* bytes = static_cast<unsigned char const*>(run.virt);
        for (size_t i = 0; i < run.count; ++i) {
            if (allocator.phys_addr(bytes + i * page_bytes) != run.phys + i * page_bytes) {
                return Error::pages_not_contiguous;
            }
        }
    }
    auto* const first = static_cast<unsigned char*>(run.virt);
    for (size_t i = 0; i < run.count; ++i) {
        if (!platform::keeps_what_is_written(first + i * page_bytes)) {
            return Error::pages_not_memory;
        }
    }
    return Error::none;
}

}  // namespace detail

/// Takes `count` pages; on an error nothing is kept. Each page is written to and read back, and if the allocator
/// translates addresses, its place is verified.
template <PageAllocator Allocator>
[[nodiscard]] Result<Pages> take_run(Allocator& allocator, size_t count) {
    Pages const run = allocator.allocate_pages(count);
    if (run.virt == nullptr) {
        return Error::no_pages;
    }
    VIRTQ_ASSERT(run.count == count, "allocate_pages(count) must return exactly count pages, or Pages{}");
    if (Error const error = detail::check_run(allocator, run); error != Error::none) {
        allocator.free_pages(run);
        return error;
    }
    return run;
}

}  // namespace virtq
