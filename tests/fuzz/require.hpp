// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/error.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>

/// What each fuzzer needs: the assertion hook, and a check of results. Include it in one file of a program only.
extern "C" void virtq_assertion_failed(char const* rule, char const* file, int line) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, rule);
    std::abort();
}

namespace virtq::test {

/// Ends the program if `condition` is false. The sanitizer prints the stack.
inline void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

[[nodiscard]] inline bool is_named(Error error) {
    return std::strcmp(describe(error), "Unknown.") != 0;
}

}  // namespace virtq::test
