// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/fence.hpp>

/// VIRTIO_F_ORDER_PLATFORM (§6): the device may be hardware, whose accesses the platform orders differently from those
/// of a CPU. The table shows what that needs in addition to the acquire and release of `ring_memory.hpp` and to
/// `full_fence`. It holds for rings in normal cacheable memory that the device accesses coherently:
///
/// | architecture | `before_publish` | `after_poll` | `full`     | why           |
/// |--------------|------------------|--------------|------------|---------------|
/// | x86, x86_64  | nothing          | nothing      | nothing    | (1)           |
/// | riscv        | nothing          | nothing      | nothing    | (2)           |
/// | aarch64, arm | `dmb osh`        | `dmb oshld`  | `dmb osh`  | (3)           |
/// | others       | full fence       | full fence   | full fence | nothing known |
///
/// (1) All observers see stores and loads of write-back memory in order; a locked add drains the store buffer.
/// (2) `fence` orders for harts and devices alike.
/// (3) Acquire, release and `dmb ish` order within the inner shareable domain only; a device may be in the outer one.
///
/// `dmb oshst` is too weak for `before_publish`, because it orders stores only. A buffer that is offered again was
/// read before. Without order between that read and the index, the device could write its next answer before the read.
///
/// arm before ARMv8 has no `dmb oshld` and uses `dmb osh`. The register accessors always order the notification.
namespace virtq::platform {

#if defined(__x86_64__) || defined(__i386__) || defined(__riscv)

/// Empty: this architecture needs nothing in addition.
class DeviceOrder {
public:
    enum class Kind : bool { smp, platform };
    constexpr DeviceOrder() = default;
    explicit constexpr DeviceOrder(Kind) {}

    void before_publish() const {}
    void after_poll() const {}
    void full() const { full_fence(); }
};

#else

class DeviceOrder {
public:
    enum class Kind : bool { smp, platform };
    constexpr DeviceOrder() = default;
    explicit constexpr DeviceOrder(Kind kind) : kind_(kind) {}

    /// Between the descriptors and the index or flags that make them available: pairs with the device's order of its
    /// reads. Also between the driver's reads of a buffer and the index or flags that offer it again: pairs with the
    /// device's order of reading these and writing to the buffer.
    void before_publish() const {
        if (kind_ == Kind::platform) {
            all_for_device();
        }
    }
    /// Between reading that a buffer is used and reading the entry that names it: pairs with the device's order of its
    /// writes.
    void after_poll() const {
        if (kind_ == Kind::platform) {
            loads_from_device();
        }
    }
    /// Replaces `full_fence` where that is too weak.
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
