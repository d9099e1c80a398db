// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq::detail {

/// Where a kernel has mapped the register structures of one device: no two of them can be at one place. A kernel that
/// gives each mapping the address of the last one would otherwise write queue addresses into the doorbells.
class PciMappings {
public:
    /// One more of `bytes`, which is not 0. False: some of them are those of an earlier one. There is room for all
    /// structures that a device has.
    [[__nodiscard__]] constexpr bool add(uintptr_t first, uint32_t bytes) {
        for (Range const& other : ranges_) {
            bool const reaches_in = first < other.first && other.first - first < bytes;
            bool const lies_in = first >= other.first && first - other.first < other.bytes;
            if (reaches_in || lies_in) {
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
