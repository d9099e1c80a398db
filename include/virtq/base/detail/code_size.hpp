// SPDX-License-Identifier: MIT
#pragma once

/// Inlines a function into every caller. A build that measures coverage defines it as empty. All attributes of the
/// library use the reserved spelling, so a kernel may define `always_inline`, `noinline` or `cold` as its own macros.
#ifndef VIRTQ_ALWAYS_INLINE
#define VIRTQ_ALWAYS_INLINE [[gnu::__always_inline__]]
#endif

/// For functions of the hot path, where measurement showed that inlining pays. With -Os the macro is empty: the
/// compiler decides, and usually makes one copy.
///
/// If a caller uses `[[gnu::target("general-regs-only")]]`, the compiler cannot inline these functions into it. Then
/// define the macro as empty for that file, or call the queue through a function without the attribute.
#ifndef VIRTQ_INLINE_FOR_SPEED
#ifdef __OPTIMIZE_SIZE__
#define VIRTQ_INLINE_FOR_SPEED
#else
#define VIRTQ_INLINE_FOR_SPEED VIRTQ_ALWAYS_INLINE
#endif
#endif
