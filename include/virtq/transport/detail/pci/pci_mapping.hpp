// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq::detail {

/// Checks that the kernel's mappings of one device do not overlap. A kernel that returns one address for two
/// structures would otherwise write queue addresses into the doorbells.
class PciMappings {
public:
    /// Records a mapping of `bytes`, which is not 0. False if it overlaps an earlier one. There is room for all
    /// structures of a device.
    [[__nodiscard__]] constexpr bool add(uintptr_t first, uint32_t bytes) {
        for (Range const& other : ranges_) {
            bool const reaches_in = first < other.first && other.first - first < bytes;
            bool const is_within = first >= other.first && first - other.first < other.bytes;
            if (reaches_in || is_within) {
                return false;
            }
        }
        if (count_ < capacity) {
            ranges_[count_++] = {first, bytes};
        }
        return true;
    }

private:
    struct Range {
        uintptr_t first = 0;
        uint32_t bytes = 0;
    };
    static constexpr unsigned capacity = 4;  // common configuration, notification, ISR status, device configuration

    Range ranges_[capacity];
    unsigned count_ = 0;
};

}  // namespace virtq::detail
