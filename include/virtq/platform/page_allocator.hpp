// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/base/phys_addr.hpp>

#include <stddef.h>
#include <stdint.h>

/// The one thing a kernel must bring: physical pages.
namespace virtq {

/// The unit of the allocator, in bytes. A kernel with larger pages rounds up.
inline constexpr uint32_t page_bytes = 4096;

/// A run of `count` physically contiguous pages, mapped at `virt` as normal cacheable memory.
struct Pages {
    void* virt = nullptr;  ///< null: no pages
    PhysAddr phys;
    size_t count = 0;
};

/// A kernel's page allocator. All calls happen in `init` and `release`, in the caller's context.
template <class Allocator>
concept PageAllocator = requires(Allocator& allocator, Pages pages, size_t count) {
    /// Returns `count` physically contiguous pages aligned to 4096 bytes, or `Pages{}` when there are none. They may
    /// be dirty: the library zeroes what it uses. For example `allocate_pages(3)` returns
    /// `{(void*)0xffff800000142000, PhysAddr{0x142000}, 3}`.
    { allocator.allocate_pages(count) } -> detail::SameAs<Pages>;
    /// Takes back exactly what one `allocate_pages` returned. Cannot fail.
    { allocator.free_pages(pages) } -> detail::SameAs<void>;
};

/// Optional: an allocator that can translate lets `init` verify that a run is contiguous and where it claims.
template <class Allocator>
concept TranslatesAddresses = requires(Allocator& allocator, void const* virt) {
    /// The physical address behind a virtual one of a page that this allocator handed out.
    { allocator.phys_addr(virt) } -> detail::SameAs<PhysAddr>;
};

/// Optional, for `CheckedPages`: the kernel's own way from a physical address to memory.
template <class Allocator>
concept LocatesPages = requires(Allocator& allocator, PhysAddr phys) {
    /// Where the kernel finds a physical page that this allocator handed out; null if it is not mapped. May be
    /// another mapping than `Pages::virt`.
    { allocator.virt_of(phys) } -> detail::SameAs<void*>;
};

/// Optional, required by `ScopedQueue`: hears of pages that cannot be given back because the device may still
/// write to them.
template <class Allocator>
concept ReportsLeaks = requires(Allocator& allocator, Pages pages) {
    /// Says it (prints, counts). The pages stay allocated for ever, or until the device has been reset.
    { allocator.pages_leaked(pages) } -> detail::SameAs<void>;
};

namespace detail {

/// A method of the name of an optional one, whatever it takes and returns.
template <class Allocator>
inline constexpr bool has_some_phys_addr = requires {
    &Allocator::phys_addr;
};
template <class Allocator>
inline constexpr bool has_some_virt_of = requires {
    &Allocator::virt_of;
};

/// Whether the type is a `PageAllocator`; does not compile if not, with a sentence for each thing that is missing.
/// Better than the concept alone in a signature, which says only that a constraint is not satisfied.
template <class Allocator>
[[__nodiscard__]] constexpr bool check_page_allocator() {
    constexpr bool allocates = requires(Allocator & allocator, size_t count) {
        allocator.allocate_pages(count);
    };
    constexpr bool frees = requires(Allocator & allocator, Pages pages) {
        allocator.free_pages(pages);
    };
    static_assert(allocates,
                  "This page allocator has no public, non-const `virtq::Pages allocate_pages(size_t count)`: add it, "
                  "as virtq/platform/page_allocator.hpp describes it");
    static_assert(frees,
                  "This page allocator has no public, non-const `void free_pages(virtq::Pages pages)`: add it, as "
                  "virtq/platform/page_allocator.hpp describes it");
    if constexpr (allocates) {
        static_assert(
            requires(Allocator & allocator, size_t count) {
                { allocator.allocate_pages(count) } -> SameAs<Pages>;
            },
            "This page allocator's allocate_pages(count) must return virtq::Pages, that is {virtual address, "
            "virtq::PhysAddr, count}: see virtq/platform/page_allocator.hpp, and examples/adaptors for allocators "
            "that return something else");
    }
    if constexpr (frees) {
        static_assert(
            requires(Allocator & allocator, Pages pages) {
                { allocator.free_pages(pages) } -> SameAs<void>;
            },
            "This page allocator's free_pages(pages) must return void, because giving back cannot fail: see "
            "virtq/platform/page_allocator.hpp");
    }
    static_assert(!has_some_phys_addr<Allocator> || TranslatesAddresses<Allocator>,
                  "This page allocator has a phys_addr() that virtq cannot use, and would not: it must be public and "
                  "`virtq::PhysAddr phys_addr(void const* virt)`; or leave it out");
    static_assert(!has_some_virt_of<Allocator> || LocatesPages<Allocator>,
                  "This page allocator has a virt_of() that virtq cannot use, and would not: it must be public and "
                  "`void* virt_of(virtq::PhysAddr phys)`; or leave it out");
    return PageAllocator<Allocator>;
}

}  // namespace detail

}  // namespace virtq
