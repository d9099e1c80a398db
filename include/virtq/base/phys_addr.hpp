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

    /// `bytes` further on.
    [[nodiscard]] constexpr PhysAddr operator+(uint64_t bytes) const { return PhysAddr{value + bytes}; }

    friend constexpr bool operator==(PhysAddr, PhysAddr) = default;
};

}  // namespace virtq
