// SPDX-License-Identifier: MIT
#pragma once

/// Inlines a function wherever it is called. The attributes of this library have the reserved spelling, so that a
/// kernel may define `always_inline`, `noinline` or `cold` as macros of its own. A build that counts lines defines it
/// as nothing.
#ifndef VIRTQ_ALWAYS_INLINE
#define VIRTQ_ALWAYS_INLINE [[gnu::__always_inline__]]
#endif

/// Of a function of the hot path: inlined wherever it is called, because it is measured so. Where size is preferred
/// the compiler decides, and usually makes one copy of it. A function cannot have one inlined that is compiled for
/// another target, as one with `[[gnu::target("general-regs-only")]]` is in a file that is not: define it as nothing
/// for such a file, or call the queue by a function without the attribute.
#ifndef VIRTQ_INLINE_FOR_SPEED
#ifdef __OPTIMIZE_SIZE__
#define VIRTQ_INLINE_FOR_SPEED
#else
#define VIRTQ_INLINE_FOR_SPEED VIRTQ_ALWAYS_INLINE
#endif
#endif
