// SPDX-License-Identifier: MIT
// EXPECT: CheckedPages: the sink must be callable with a virtq::PageReport const&
#include <virtq/diag/checked_pages.hpp>

struct Pool {
    virtq::Pages allocate_pages(size_t) { return {}; }
    void free_pages(virtq::Pages) {}
};

void print(char const* sentence);

void check(Pool& pool) {
    virtq::CheckedPages const checked(pool, print);
}
