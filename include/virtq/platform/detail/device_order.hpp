// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/fence.hpp>

/// VIRTIO_F_ORDER_PLATFORM (§6): the device may be hardware, which is ordered as the platform says and not as one more
/// CPU. What that takes on top of the acquire and release of `ring_memory.hpp` and of `full_fence`, for rings in
/// normal cacheable memory that the device reads and writes coherently:
///
/// | architecture | publish     | look        | notify decision | why          |
/// |--------------|-------------|-------------|-----------------|--------------|
/// | x86, x86_64  | nothing     | nothing     | nothing         | (1)          |
/// | riscv        | nothing     | nothing     | nothing         | (2)          |
/// | aarch64, arm | `dmb osh`   | `dmb oshld` | `dmb osh`       | (3)          |
/// | others       | full fence  | full fence  | full fence      | nothing known |
///
/// (1) Stores and loads of write-back memory are in order for every observer; a locked add drains. (2) `fence` orders
/// for harts and devices alike. (3) Acquire, release and `dmb ish` order within the inner domain only; devices may be
/// in the outer one. `dmb oshst` is too weak for publish: it orders stores only, and a buffer that is offered again
/// was read before. Without order between that read and the index, the device could write the next answer first.
///
/// arm has no `dmb oshld` before ARMv8: `dmb osh` there. The doorbell is ordered by the register accessors, always.
namespace virtq::platform {

#if defined(__x86_64__) || defined(__i386__) || defined(__riscv)

/// Nothing to do, and no memory for it.
class DeviceOrder {
public:
    enum class Kind : bool { smp, platform };
    constexpr DeviceOrder() = default;
    explicit constexpr DeviceOrder(Kind) {}

    void before_publish() const {}
    void after_look() const {}
    void full() const { full_fence(); }
};

#else

class DeviceOrder {
public:
    enum class Kind : bool { smp, platform };
    constexpr DeviceOrder() = default;
    explicit constexpr DeviceOrder(Kind kind) : kind_(kind) {}

    /// Between the descriptors and what makes them available: pairs with the device's order of its reads. Also between
    /// the driver's reads of a buffer and the index or flags that offer it again: pairs with the device's order of its
    /// read of these and its writes to the buffer.
    void before_publish() const {
        if (kind_ == Kind::platform) {
            all_for_device();
        }
    }
    /// Between what says that a buffer is used and the entry that says which: pairs with the device's order of its
    /// writes.
    void after_look() const {
        if (kind_ == Kind::platform) {
            loads_from_device();
        }
    }
    /// In place of `full_fence`, where that is too weak.
    void full() const {
        if (kind_ == Kind::platform) {
            all_for_device();
        } else {
            full_fence();
        }
    }

private:
#if defined(__aarch64__)
    static void loads_from_device() {
        asm volatile("dmb oshld" ::: "memory");
    }
    static void all_for_device() {
        asm volatile("dmb osh" ::: "memory");
    }
#elif defined(__ARM_ARCH) && __ARM_ARCH >= 7
    static void loads_from_device() {
        asm volatile("dmb osh" ::: "memory");
    }
    static void all_for_device() {
        asm volatile("dmb osh" ::: "memory");
    }
#else
    static void loads_from_device() {
        full_fence();
    }
    static void all_for_device() {
        full_fence();
    }
#endif

    Kind kind_ = Kind::smp;
};

#endif

}  // namespace virtq::platform
