// SPDX-License-Identifier: MIT
// EXPECT: CheckedPages: a table of 0 runs can follow nothing
#include <virtq/diag/checked_pages.hpp>

struct Pool {
    virtq::Pages allocate_pages(size_t) { return {}; }
    void free_pages(virtq::Pages) {}
};

struct Say {
    void operator()(virtq::PageReport const&) {}
};

void check(Pool& pool) {
    virtq::CheckedPages<Pool, Say, 0> const checked(pool, {});
}
