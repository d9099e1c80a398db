// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/driver_fault.hpp>
#include <virtq/platform/detail/word.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Keeps the first `DriverFault`. Users of all queues note and read it, so its words are atomic. Two that note at once
/// may leave the reason of one with the value of the other.
class DriverFaultNote {
public:
    void note(DriverFault const& fault) {
        if (platform::load_word(&reason_) == 0) {
            platform::store_word(&value_, fault.value);
            platform::store_word(&queue_, fault.queue);
            platform::store_word(&reason_, static_cast<uint16_t>(fault.reason));
        }
    }
    void clear() { platform::store_word(&reason_, uint16_t{0}); }
    [[__nodiscard__]] DriverFault read() const {
        auto const reason = static_cast<DriverReason>(platform::load_word(&reason_));
        return reason == DriverReason::none
                   ? DriverFault{}
                   : DriverFault{reason, platform::load_word(&queue_), platform::load_word(&value_)};
    }

private:
    uint32_t value_ = 0;
    uint16_t queue_ = 0;
    uint16_t reason_ = 0;
};

}  // namespace virtq::detail
