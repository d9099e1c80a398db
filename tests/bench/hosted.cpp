// SPDX-License-Identifier: MIT
//
// What the contenders need from a program on this machine.
#include "memory.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

void* allocate(size_t bytes, size_t offset) {
    constexpr size_t page = 4096;
    size_t const all = (offset + bytes + page - 1) / page * page;
    void* const made = std::aligned_alloc(page, all);
    if (made == nullptr) {
        fail("out of memory");
    }
    return static_cast<char*>(std::memset(made, 0, all)) + offset;
}

void fail(char const* sentence) {
    std::fprintf(stderr, "bench: %s\n", sentence);
    std::exit(1);
}

}  // namespace bench

extern "C" [[noreturn]] void virtq_assertion_failed(char const* rule, char const*, int) {
    bench::fail(rule);
}
