// SPDX-License-Identifier: MIT
#pragma once

/// Whether the kernel is compiled for size: what the compiler was asked for, with -Os or -Oz.
namespace virtq {

#ifdef __OPTIMIZE_SIZE__
inline constexpr bool prefers_size = true;
#else
inline constexpr bool prefers_size = false;
#endif

}  // namespace virtq

/// Of a function of the hot path: inlined wherever it is called, because it is measured so. Where size is preferred
/// the compiler decides, which is then one copy of it.
#ifdef __OPTIMIZE_SIZE__
#define VIRTQ_INLINE_FOR_SPEED
#else
#define VIRTQ_INLINE_FOR_SPEED [[gnu::always_inline]]
#endif
