// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Where and with what a modern device is notified of its queues (§4.1.4.4). It stores this for queues 0 to
/// `queue_count_max` - 1, or 0 to 15 if that is 0. For a higher queue it must follow from the number, and is computed.
template <uint16_t queue_count_max>
class PciDoorbells {
public:
    struct Doorbell {
        uint32_t offset = 0;  ///< in the notification structure
        uint16_t value = 0;   ///< the queue number, or queue_notif_config_data (§4.1.5.2)
        bool placed = false;
    };

    /// `offset` and `bytes` are those of the notification structure in its BAR.
    void use_structure(uint32_t offset, uint32_t bytes, uint32_t notify_off_multiplier) {
        offset_ = offset;
        bytes_ = bytes;
        multiplier_ = notify_off_multiplier;
    }

    /// Places the doorbell of a queue, which is written with `value`, `width` bytes wide. Errors: `pci_structure_invalid`
    /// outside of the structure, `queue_above_transport`.
    [[__nodiscard__]] Status place(uint16_t queue, uint16_t queue_notify_off, uint16_t value, uint32_t width) {
        uint64_t const offset = uint64_t{queue_notify_off} * multiplier_;
        if (offset + width > bytes_ || ((offset_ + offset) & (width - 1)) != 0) {
            return Error::pci_structure_invalid;
        }
        if (queue < stored) {
            doorbells_[queue] = {static_cast<uint32_t>(offset), value, true};
            return {};
        }
        // There is no room to store this offset. `of` computes it, also for all lower numbers.
        bool const follows = queue_count_max == 0 && offset == uint64_t{queue} * multiplier_ && value == queue &&
                             (multiplier_ & (width - 1)) == 0;
        if (!follows) {
            return Error::queue_above_transport;
        }
        computed_end_ = queue >= computed_end_ ? uint32_t{queue} + 1 : computed_end_;
        return {};
    }
    [[__nodiscard__]] Doorbell of(uint16_t queue) const {
        return queue < stored ? doorbells_[queue] : Doorbell{queue * multiplier_, queue, queue < computed_end_};
    }

private:
    static constexpr uint16_t stored = queue_count_max != 0 ? queue_count_max : 16;

    uint32_t offset_ = 0;  ///< to check the alignment
    uint32_t bytes_ = 0;
    uint32_t multiplier_ = 0;
    uint32_t computed_end_ = 0;  ///< one above the highest placed queue that is not stored, or 0
    Doorbell doorbells_[stored];
};

}  // namespace virtq::detail
