// SPDX-License-Identifier: MIT
// EXPECT: This page allocator has no public, non-const `void free_pages
#include <virtq/diag/checked_pages.hpp>

struct Pool {
    virtq::Pages allocate_pages(size_t) { return {}; }
};

void check(Pool& pool) {
    virtq::CheckedPages const checked(pool, [](virtq::PageReport const&) {});
}
