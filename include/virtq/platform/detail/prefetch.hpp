// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>

/// Fetches a cache line before it is needed: a hint, which by every architecture reads nothing, changes nothing and
/// does not fault, whatever the address. The device runs on another CPU, so that nearly every line of a ring comes out
/// of that CPU's cache. Nothing where small code is preferred, or where the target has no such instruction.
namespace virtq::platform {

/// To read it.
VIRTQ_ALWAYS_INLINE inline void prefetch_to_read(void const* address) {
#if defined(__OPTIMIZE_SIZE__)
    static_cast<void>(address);
#elif defined(__x86_64__)
    // Not the builtin, of which clang makes nothing where SSE is off, as it is in kernels.
    asm volatile("prefetcht0 %0" : : "m"(*static_cast<char const*>(address)));
#else
    __builtin_prefetch(address, 0);
#endif
}

/// To write it: where the target can say so, takes it away from the other CPU.
VIRTQ_ALWAYS_INLINE inline void prefetch_to_write(void const* address) {
#if defined(__OPTIMIZE_SIZE__)
    static_cast<void>(address);
#elif defined(__x86_64__)
    // Not the builtin, which fetches to read unless the CPU is named (-mprfchw): the write then has to ask once
    // more, and all is slower than without. A 64-bit CPU that lacks the instruction takes it for a nop, the first
    // of 2004 perhaps aside.
    asm volatile("prefetchw %0" : : "m"(*static_cast<char const*>(address)));
#else
    __builtin_prefetch(address, 1);
#endif
}

}  // namespace virtq::platform
