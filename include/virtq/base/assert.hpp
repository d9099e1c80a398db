// SPDX-License-Identifier: MIT
#pragma once

/// The first of three kinds of failure: the caller broke the contract of a function. The library then calls one hook
/// that the kernel defines. It never reports such a breach as an `Error`, because no program could handle it.
///
/// Define the hook once in the kernel, or compile the checks out with `-DVIRTQ_ASSERTIONS=0`, the same value in every
/// translation unit. With the checks compiled out, a breach is undefined behaviour. What the *device* does is checked
/// in every build.
#ifndef VIRTQ_ASSERTIONS
#define VIRTQ_ASSERTIONS 1
#endif

/// The kernel's assertion hook: it prints and stops, and must not return. `rule` is a sentence that names the broken
/// rule. The hook runs in the context in which the kernel called the library.
extern "C" [[__noreturn__]] void virtq_assertion_failed(char const* rule, char const* file, int line);

#if VIRTQ_ASSERTIONS
#define VIRTQ_ASSERT(condition, rule) \
    (__builtin_expect(!(condition), 0) ? virtq_assertion_failed(rule, __FILE__, __LINE__) : (void)0)
#else
#define VIRTQ_ASSERT(condition, rule) ((void)sizeof(!(condition)))
#endif
