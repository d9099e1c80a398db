// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>

/// Fetches a cache line before it is needed. A prefetch is only a hint: it has no architectural effect and never
/// faults. The device runs on another CPU, so nearly every cache line of a ring comes out of that CPU's cache. Empty
/// with -Os, and on targets without such an instruction.
namespace virtq::platform {

/// Prefetches for a read.
VIRTQ_ALWAYS_INLINE inline void prefetch_to_read(void const* address) {
#if defined(__OPTIMIZE_SIZE__)
    static_cast<void>(address);
#elif defined(__x86_64__)
    // Not the builtin: clang emits nothing for it if SSE is off, as it is in kernels.
    asm volatile("prefetcht0 %0" : : "m"(*static_cast<char const*>(address)));
#else
    __builtin_prefetch(address, 0);
#endif
}

/// Prefetches for a write. If the target can express that, it takes the line away from the other CPU.
VIRTQ_ALWAYS_INLINE inline void prefetch_to_write(void const* address) {
#if defined(__OPTIMIZE_SIZE__)
    static_cast<void>(address);
#elif defined(__x86_64__)
    // Not the builtin: it prefetches for a read unless the CPU is named (-mprfchw). The write then requests the line
    // again, and all is slower than without a prefetch. A 64-bit CPU without PREFETCHW treats it as a nop, except
    // perhaps the first ones of 2004.
    asm volatile("prefetchw %0" : : "m"(*static_cast<char const*>(address)));
#else
    __builtin_prefetch(address, 1);
#endif
}

}  // namespace virtq::platform
