// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/base/phys_addr.hpp>

#include <stddef.h>
#include <stdint.h>

/// The one thing that every kernel must provide: physical pages.
namespace virtq {

/// The unit of the allocator, in bytes. A kernel with larger pages rounds up.
inline constexpr uint32_t page_bytes = 4096;

/// A run of `count` physically contiguous pages, mapped at `virt` as normal cacheable memory.
struct Pages {
    void* virt = nullptr;  ///< null: no pages
    PhysAddr phys;         ///< physical address of the first page
    size_t count = 0;      ///< how many pages of `page_bytes` bytes
};

/// The kernel's page allocator. The library calls it only in `init` and `release`, in the caller's context.
template <class Allocator>
concept PageAllocator = requires(Allocator& allocator, Pages pages, size_t count) {
    /// Returns `count` physically contiguous pages aligned to 4096 bytes, or `Pages{}` when there are none. They may
    /// be dirty: the library zeroes what it uses. For example `allocate_pages(3)` returns
    /// `{(void*)0xffff800000142000, PhysAddr{0x142000}, 3}`.
    { allocator.allocate_pages(count) } -> detail::SameAs<Pages>;
    /// Takes back exactly what one `allocate_pages` returned. Cannot fail.
    { allocator.free_pages(pages) } -> detail::SameAs<void>;
};

/// Optional: lets `init` verify that a run is physically contiguous and located where `Pages::phys` says.
template <class Allocator>
concept TranslatesAddresses = requires(Allocator& allocator, void const* virt) {
    /// Returns the physical address of a virtual one in a page that this allocator handed out.
    { allocator.phys_addr(virt) } -> detail::SameAs<PhysAddr>;
};

/// Optional, for `CheckedPages`: the kernel's own translation from a physical address to memory.
template <class Allocator>
concept LocatesPages = requires(Allocator& allocator, PhysAddr phys) {
    /// Returns the virtual address of a physical page that this allocator handed out; null if it is not mapped. It may
    /// belong to another mapping than `Pages::virt`.
    { allocator.virt_of(phys) } -> detail::SameAs<void*>;
};

/// Optional, required by `ScopedQueue`: is told of pages that cannot be given back, because the device may still write
/// to them.
template <class Allocator>
concept ReportsLeaks = requires(Allocator& allocator, Pages pages) {
    /// Reports the leak: prints or counts it. The pages stay allocated for ever, or until the device has been reset.
    { allocator.pages_leaked(pages) } -> detail::SameAs<void>;
};

namespace detail {

/// Whether the allocator has a method of this name, with any signature.
template <class Allocator>
inline constexpr bool has_some_phys_addr = requires {
    &Allocator::phys_addr;
};
template <class Allocator>
inline constexpr bool has_some_virt_of = requires {
    &Allocator::virt_of;
};

/// Whether the type is a `PageAllocator`. If not, compilation fails with a sentence for each thing that is missing.
/// The concept alone in a signature would only report an unsatisfied constraint.
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
                  "This page allocator has a phys_addr() that virtq cannot use. Make it public and `virtq::PhysAddr "
                  "phys_addr(void const* virt)`, or leave it out.");
    static_assert(!has_some_virt_of<Allocator> || LocatesPages<Allocator>,
                  "This page allocator has a virt_of() that virtq cannot use. Make it public and `void* "
                  "virt_of(virtq::PhysAddr phys)`, or leave it out.");
    return PageAllocator<Allocator>;
}

}  // namespace detail

}  // namespace virtq
