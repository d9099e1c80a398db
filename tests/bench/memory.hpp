// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>

namespace bench {

/// Returns zeroed memory, `offset` bytes after the start of a page, which is never freed. The device uses the same
/// address for it.
void* allocate(size_t bytes, size_t offset = 0);

/// Offset of a contender's requests in their page. It differs from that of the ring: a CPU first compares the low 12
/// bits of addresses, so stores to the ring would delay loads of requests at the same offset.
inline constexpr size_t request_offset = 2240;

[[noreturn]] void fail(char const* sentence);

}  // namespace bench
