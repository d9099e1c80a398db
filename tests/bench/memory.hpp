// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>

namespace bench {

/// Zeroed, page-aligned, never given back. What lies at an address here has that address for the device too.
void* allocate(size_t bytes);

[[noreturn]] void fail(char const* sentence);

}  // namespace bench
