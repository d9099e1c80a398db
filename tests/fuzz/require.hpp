// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

/// What a fuzzer has to bring: the assertion hook, and a way to say that a result is wrong. Included by one file a
/// program.
extern "C" void virtq_assertion_failed(char const* rule, char const* file, int line) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, rule);
    std::abort();
}

namespace virtq::test {

/// Ends the program if not; the stack that the sanitizer prints says where.
inline void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

}  // namespace virtq::test
