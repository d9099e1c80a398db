// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/error.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/platform/page_allocator.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// Whether two runs have a page in common. A correct allocator never hands out such runs.
[[__nodiscard__]] constexpr bool share_pages(Pages const& a, Pages const& b) {
    return a.phys.value < b.phys.value + uint64_t{b.count} * page_bytes &&
           b.phys.value < a.phys.value + uint64_t{a.count} * page_bytes;
}

/// Pages from the kernel's allocator, checked before they are used.
class PageRun {
public:
    /// Takes `count` pages, which may be dirty. Writes to each page and reads it back; if the allocator translates
    /// addresses, also verifies the physical address of each. Errors: `no_pages`, `pages_misaligned`,
    /// `pages_not_contiguous`, `pages_not_memory`; then nothing is kept.
    template <PageAllocator Allocator>
    [[__nodiscard__]] Error take(Allocator& allocator, uint32_t count) {
        Pages const run = allocator.allocate_pages(count);
        if (run.virt == nullptr) {
            return Error::no_pages;
        }
        run_ = run;
        VIRTQ_ASSERT(run_.count == count,
                     "allocate_pages(count) returned another count. Return exactly count pages, or Pages{}.");
        Error const error = check(allocator);
        if (error != Error::none) {
            give_back(allocator);
        }
        return error;
    }
    /// Gives the pages back. Requires `held()`.
    template <PageAllocator Allocator>
    void give_back(Allocator& allocator) {
        allocator.free_pages(run_);
        run_ = Pages{};
    }

    [[__nodiscard__]] bool held() const { return run_.virt != nullptr; }
    /// Copied member by member: for a struct copy clang/arm calls __aeabi_memmove8, which a kernel may not have.
    [[__nodiscard__]] Pages run() const { return {run_.virt, run_.phys, run_.count}; }
    [[__nodiscard__]] void* virt() const { return run_.virt; }
    [[__nodiscard__]] PhysAddr phys() const { return run_.phys; }
    [[__nodiscard__]] uint32_t count() const { return static_cast<uint32_t>(run_.count); }

    /// Fills the pages with zeroes, before the device gets their address.
    void zero() const { platform::zero(run_.virt, run_.count * page_bytes); }

private:
    template <PageAllocator Allocator>
    [[__nodiscard__]] Error check(Allocator& allocator) const {
        if (((run_.phys.value | reinterpret_cast<uintptr_t>(run_.virt)) & (page_bytes - 1)) != 0) {
            return Error::pages_misaligned;
        }
        auto* const first = static_cast<unsigned char*>(run_.virt);
        for (size_t at = 0; at != run_.count * page_bytes; at += page_bytes) {
            if constexpr (TranslatesAddresses<Allocator>) {
                if (allocator.phys_addr(static_cast<unsigned char const*>(first + at)) != run_.phys + at) {
                    return Error::pages_not_contiguous;
                }
            }
            if (!platform::keeps_what_is_written(first + at)) {
                return Error::pages_not_memory;
            }
        }
        return Error::none;
    }

    Pages run_;
};

/// The pages of a ring, and whether the device may still write to them.
class QueuePages : public PageRun {
public:
    void attach() { live_ = true; }
    void detach() { live_ = false; }
    [[__nodiscard__]] bool is_live() const { return live_; }

private:
    bool live_ = false;
};

}  // namespace virtq::detail
