// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// What a wait with a poll limit does between two polls.
namespace virtq {

/// The kernel's hook, called between two polls of the device, in the caller's context. It may pause the CPU, yield to
/// the scheduler, or sleep for some microseconds. It may sleep until an interrupt only after it has called
/// `enable_used_notifications()` itself and got `MaySleep::yes`: notifications are off at first.
template <class Hook>
concept Relax = requires(Hook& hook) {
    hook();
};

/// How often a wait polls before it gives up; it polls at least once. With the default hook a poll takes some tens of
/// nanoseconds on hardware, so 100 million polls are a few seconds. With a hook that sleeps for a millisecond, 1000
/// polls are a second.
struct PollLimit {
    uint32_t count;  ///< how many polls, at most
};

/// The default hook: tells the CPU that this is a spin loop.
struct SpinRelax {
    /// Executes PAUSE on x86, YIELD from Armv7 on; elsewhere it is only a compiler barrier.
    void operator()() const {
#if defined(__x86_64__) || defined(__i386__)
        asm volatile("pause" ::: "memory");
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
        asm volatile("yield" ::: "memory");
#else
        asm volatile("" ::: "memory");
#endif
    }
};

static_assert(Relax<SpinRelax>);

}  // namespace virtq
