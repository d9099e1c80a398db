// SPDX-License-Identifier: MIT
#include "page_check.hpp"

#include "console.hpp"

#include <virtq/diag/checked_pages.hpp>

void check_pages(PagePool& pages) {
    auto const say = [](virtq::PageReport const& report) {
        console::line(report.sentence(), " (", static_cast<uint64_t>(report.run.count), " pages at ",
                      console::Hex{report.run.phys.value}, ", page ", static_cast<uint64_t>(report.page), ")");
    };
    virtq::CheckedPages<PagePool, decltype(say), 8> checked(pages, say);
    virtq::Pages const first = checked.allocate_pages(1);
    virtq::Pages const second = checked.allocate_pages(16);
    virtq::Pages const third = checked.allocate_pages(3);
    checked.free_pages(second);
    checked.free_pages(first);
    checked.free_pages(third);
    if (checked.leaks() != 0 || checked.findings() != 0) {
        console::fail("the page allocator does not do what virtq needs");
    }
    console::line("page allocator: checked");
}
