// SPDX-License-Identifier: MIT
#include "page_check.hpp"

#include "serial.hpp"

#include <virtq/diag/checked_pages.hpp>

void check_pages(PagePool& pages) {
    auto const say = [](virtq::PageReport const& report) {
        serial::line(report.sentence(), " (", static_cast<uint64_t>(report.run.count), " pages at ",
                     serial::Hex{report.run.phys.value}, ", page ", static_cast<uint64_t>(report.page), ")");
    };
    virtq::CheckedPages<PagePool, decltype(say), 8> checked(pages, say);
    virtq::Pages const first = checked.allocate_pages(1);
    virtq::Pages const second = checked.allocate_pages(16);
    virtq::Pages const third = checked.allocate_pages(3);
    checked.free_pages(second);
    checked.free_pages(first);
    checked.free_pages(third);
    if (checked.leaks() != 0 || checked.findings() != 0) {
        serial::fail("the page allocator does not do what virtq needs");
    }
    serial::line("page allocator: checked");
}
