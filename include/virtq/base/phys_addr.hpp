// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// An address as the device sees it: physical, or a bus address where an IOMMU or a bounce buffer is between.
/// A type of its own, because passing a virtual address is the most frequent reason why a device never answers.
namespace virtq {

struct PhysAddr {
    uint64_t value = 0;

    constexpr PhysAddr() = default;
    explicit constexpr PhysAddr(uint64_t address) : value(address) {}

    /// Does not compile, and says why. Implicit, so that it also answers where a pointer is passed as a `PhysAddr`.
    template <class T>
    constexpr PhysAddr(T* /*pointer*/) {  // NOLINT: it has to be found where a conversion is looked for
        static_assert(
            sizeof(T*) == 0,
            "PhysAddr is what the device sees: translate the pointer first (virt_to_phys), or take Pages::phys, "
            "and write PhysAddr{number}. A virtual address would be read as a physical one.");
    }

    /// `bytes` further on.
    [[__nodiscard__]] constexpr PhysAddr operator+(uint64_t bytes) const { return PhysAddr{value + bytes}; }

    friend constexpr bool operator==(PhysAddr, PhysAddr) = default;
};

}  // namespace virtq
