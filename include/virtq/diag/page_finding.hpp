// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/description.hpp>
#include <virtq/platform/page_allocator.hpp>

#include <stddef.h>
#include <stdint.h>

/// What `CheckedPages` can find wrong with a kernel's page allocator, and the sentence for each.
namespace virtq {

/// One thing that is wrong. `value`, `other` and `page` are members of `PageReport`.
enum class PageFinding : uint8_t {
    // allocate_pages: the numbers
    no_virt,             ///< a run without a virtual address
    count_differs,       ///< `value`: the count that was asked for
    virt_misaligned,     ///< `value`: the virtual address
    phys_misaligned,     ///< `value`: the physical address
    phys_zero,           ///< the run starts at physical address 0
    phys_above_52_bits,  ///< `value`: the first address after the run
    handed_out_twice,    ///< shares physical pages; `other`: the outstanding run
    virt_shared,         ///< shares only virtual addresses; `other`: the outstanding run
    not_all_taken,       ///< the allocator hands out a page of the run again; `other`: the later run
    phys_is_virt,        ///< a note, reported once
    // allocate_pages: the translation of its pages, if the kernel has phys_addr
    not_where_claimed,  ///< `value`: what phys_addr returned for the first page
    not_contiguous,     ///< `value`: what phys_addr returned for page `page`
    offset_lost,        ///< `value`: what phys_addr returned for an address inside the first page
    // allocate_pages: the memory itself
    not_ram,             ///< `value`: what page `page` read as
    pages_alias,         ///< `value`: the page of the run that is the same memory as page `page`
    phys_not_mapped,     ///< `value`: the physical address that virt_of does not know
    other_memory_there,  ///< `value`: what page `page` read as at the address from virt_of
    // free_pages: none of these is passed on to the kernel's allocator
    freed_twice,
    freed_other_count,    ///< `other`: the run as it was handed out
    freed_other_address,  ///< `other`: the run as it was handed out
    freed_part,           ///< `other`: the run as it was handed out
    freed_unknown,
    // pages_leaked
    leaked_unknown,
    // leaks()
    still_outstanding,
    // the checker itself
    table_full,  ///< a note; `value`: how many runs fit
};

namespace detail {

/// Whether the finding is only a note: the allocator may be right.
[[__nodiscard__]] constexpr bool is_note(PageFinding finding) {
    return finding == PageFinding::phys_is_virt || finding == PageFinding::table_full;
}

}  // namespace detail

namespace detail {

[[__nodiscard__]] constexpr char const* page_finding_sentence(PageFinding finding) {
    switch (finding) {
        case PageFinding::no_virt:
            return "allocate_pages returned a run without a virtual address. That counts as no pages, so they are "
                   "lost. Fill in Pages::virt (in a direct map: its offset plus the physical address), or return "
                   "Pages{}.";
        case PageFinding::count_differs:
            return "allocate_pages(count) returned a run of another count, usually a count in bytes, or a power of "
                   "two as a buddy order. Return exactly count pages, or Pages{} when there are none.";
        case PageFinding::virt_misaligned:
            return "The virtual address does not start on a 4096-byte boundary. Hand out whole pages, without a "
                   "header in front.";
        case PageFinding::phys_misaligned:
            return "The physical address does not start on a 4096-byte boundary. Hand out whole pages. Shift a page "
                   "number left by 12, and mask the flags of a page table entry.";
        case PageFinding::phys_zero:
            return "The run starts at physical address 0. Many allocators mean no pages by that: return Pages{} then, "
                   "and keep page 0 out of the pool.";
        case PageFinding::phys_above_52_bits:
            return "The run reaches beyond 2^52, where no machine has memory. Pages::phys is most likely a virtual "
                   "address: subtract the direct map's offset.";
        case PageFinding::handed_out_twice:
            return "The run shares physical pages with one that was not given back. The memory was not touched. Mark "
                   "all count pages as taken, and check whether a free released more than it was given.";
        case PageFinding::not_all_taken:
            return "The allocator hands out a page of this run once more: it took one page where it was asked for "
                   "count. In an allocator of single pages, return Pages{} for any other count, and keep a reserve of "
                   "contiguous pages for virtq (examples/adaptors/reserve_pages.hpp).";
        case PageFinding::virt_shared:
            return "The run shares virtual addresses, not physical ones, with one that was not given back. The memory "
                   "was not touched. Give each run a window of its own.";
        case PageFinding::phys_is_virt:
            return "Note: the physical address is the virtual one, as in an identity map. Check it again when the "
                   "kernel moves to a higher half: before that a mix-up of the two is not seen.";
        case PageFinding::not_where_claimed:
            return "phys_addr and Pages::phys report different places for the run: one of the two is wrong. Check the "
                   "offset of the direct map, and that both use the same mapping.";
        case PageFinding::not_contiguous:
            return "The pages of one run are not physically contiguous (phys_addr of a later page). Allocate them "
                   "from one physical run: a device walks on from the first page and knows no page table.";
        case PageFinding::offset_lost:
            return "phys_addr of an address inside a page is not that far behind the page's own. Add the low 12 bits "
                   "of the virtual address to what the page table has.";
        case PageFinding::not_ram:
            return "A page does not keep what is written to it: no memory is there, or something else uses it. Check "
                   "the memory map that the pool was made of, and who else took pages before.";
        case PageFinding::pages_alias:
            return "Two pages of one run are the same memory: the mapping maps one physical page twice. Map each page "
                   "once.";
        case PageFinding::phys_not_mapped:
            return "virt_of does not know the run's physical address. Check that the direct map covers it, and that "
                   "the address is right.";
        case PageFinding::other_memory_there:
            return "What was written through Pages::virt is not found through virt_of(Pages::phys). They are "
                   "different memory, and the device would use the other one. Check the run's mapping.";
        case PageFinding::freed_twice:
            return "The run was given back already, so it was not passed on. Look for two owners.";
        case PageFinding::freed_other_count:
            return "The run is given back with another count than it was handed out with, so it was not passed on. "
                   "Keep the Pages of allocate_pages and give back exactly these.";
        case PageFinding::freed_other_address:
            return "The run is given back with another physical or virtual address than it was handed out with, so it "
                   "was not passed on. Keep the Pages of allocate_pages and give back exactly these.";
        case PageFinding::freed_part:
            return "A part of a run is given back, or more than one run, so nothing was passed on. Give back exactly "
                   "what one allocate_pages returned.";
        case PageFinding::freed_unknown:
            return "This allocator never handed out these pages, so they were not passed on. Look for another "
                   "allocator, or for an address that was changed in between.";
        case PageFinding::leaked_unknown:
            return "pages_leaked was called for pages that are not outstanding. Check whether they were given back "
                   "already, or never handed out.";
        case PageFinding::still_outstanding:
            return "The run was not given back. Call release() of what was initialised with it, and check its result "
                   "(a queue keeps its pages until detach() while the device may still write to it).";
        case PageFinding::table_full:
            return "Note: more runs are outstanding than the checker can follow. Give it a larger table: the third "
                   "parameter of CheckedPages.";
    }
    return nullptr;
}

}  // namespace detail

/// What was found, and what to do next. A constant string without a line end.
[[__nodiscard__]] constexpr char const* describe(PageFinding finding) {
    return detail::description_of<detail::page_finding_sentence, 'P'>(finding);
}

/// One finding, with what is needed to print it.
struct PageReport {
    PageFinding finding{};  ///< what is wrong
    Pages run;              ///< as it was handed out, or as it is given back
    Pages other;            ///< the other run of the finding, if it has one
    size_t page = 0;        ///< which page of `run`, counted from 0
    uint64_t value = 0;     ///< see `PageFinding`

    /// What was found and what to do next, to print.
    [[__nodiscard__]] constexpr char const* sentence() const { return describe(finding); }
};

}  // namespace virtq
