// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// An address as the device sees it: physical, or a bus address if an IOMMU or a bounce buffer is in between. It has
/// its own type because a virtual address in its place is the most frequent reason why a device never answers.
struct PhysAddr {
    uint64_t value = 0;  ///< the number that the device gets

    constexpr PhysAddr() = default;
    /// Takes a number that is such an address already: it translates nothing.
    explicit constexpr PhysAddr(uint64_t address) : value(address) {}

    /// Rejects pointers at compile time, with an explanation. It is implicit to also catch a pointer passed as a
    /// `PhysAddr`.
    template <class T>
    constexpr PhysAddr(T* /*pointer*/) {  // NOLINT: must be implicit to catch a conversion
        static_assert(
            sizeof(T*) == 0,
            "PhysAddr is what the device sees: translate the pointer first (virt_to_phys), or take Pages::phys, "
            "and write PhysAddr{number}. A virtual address would be read as a physical one.");
    }

    /// The address `bytes` bytes further on.
    [[__nodiscard__]] constexpr PhysAddr operator+(uint64_t bytes) const { return PhysAddr{value + bytes}; }

    /// Whether both are the same address.
    friend constexpr bool operator==(PhysAddr, PhysAddr) = default;
};

}  // namespace virtq
