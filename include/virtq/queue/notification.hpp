// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>

namespace virtq {

/// What publishing decided: whether the device wants an available buffer notification (§2.7.10). The queue knows
/// no bus: device code hands the decision to its transport, outside the queue's lock if it likes.
struct [[__nodiscard__]] Notification {
    bool needed = false;
    /// Where the driver goes on, for a transport with VIRTIO_F_NOTIFICATION_DATA (§2.9): the available index, or of a
    /// packed ring the offset with the wrap counter in bit 15.
    uint16_t next = 0;

    [[__nodiscard__]] constexpr explicit operator bool() const { return needed; }
};

/// §2.7.10.1 with VIRTIO_F_EVENT_IDX: whether the entry number `event` is among those from `from` up to, not
/// including, `to`. Modulo 2^16, so a batch may cross 65535.
[[__nodiscard__]] constexpr bool passes_event(RingIndex event, RingIndex from, RingIndex to) {
    return distance(event, to) != 0 && distance(event, to) <= distance(from, to);
}

}  // namespace virtq
