// SPDX-License-Identifier: MIT
#pragma once

/// The first of the three bins of failure: the caller broke the contract of a function. Such a breach goes to
/// one hook that the kernel defines; it is never reported as an `Error`, because no program can handle it.
///
/// Define the hook once in the kernel, or compile the checks out with `-DVIRTQ_ASSERTIONS=0` (the same value in
/// every translation unit). With the checks compiled out a breach is undefined; what the *device* does is
/// checked in every build.
#ifndef VIRTQ_ASSERTIONS
#define VIRTQ_ASSERTIONS 1
#endif

/// The kernel's own assertion hook: prints and stops. `rule` is a sentence that names the broken rule.
/// It must not return. May be called in whatever context the kernel calls the library from.
extern "C" [[__noreturn__]] void virtq_assertion_failed(char const* rule, char const* file, int line);

#if VIRTQ_ASSERTIONS
#define VIRTQ_ASSERT(condition, rule) \
    (__builtin_expect(!(condition), 0) ? virtq_assertion_failed(rule, __FILE__, __LINE__) : (void)0)
#else
#define VIRTQ_ASSERT(condition, rule) ((void)sizeof(!(condition)))
#endif
