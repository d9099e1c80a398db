// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>

namespace bench {

/// Zeroed, never given back, `offset` behind the start of a page. What lies at an address here has that address for
/// the device too.
void* allocate(size_t bytes, size_t offset = 0);

/// Where the requests of a contender lie in their page: not where its ring does, whose stores would hold up their
/// loads (a CPU compares the low 12 bits of addresses first).
inline constexpr size_t request_offset = 2240;

[[noreturn]] void fail(char const* sentence);

}  // namespace bench
