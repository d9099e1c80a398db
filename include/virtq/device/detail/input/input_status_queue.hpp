// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/init.hpp>
#include <virtq/queue/option.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The status queue, a `SlotQueue`. QEMU reports the length of each event as written, although the device may only read it
/// (§2.7.8.2). Nothing depends on that length, so it is clamped.
template <class Queue>
class InputStatusQueue : public Queue {
public:
    template <class T, PageAllocator Allocator>
    [[__nodiscard__]] Status set_up(DeviceInit<T>& init, uint16_t index, Allocator& allocator,
                                    Features const& negotiated, QueueOption const& option) {
        return Queue::set_up(init, index, allocator, negotiated, clamping(option));
    }
    template <class T>
    [[__nodiscard__]] Status resume(DeviceInit<T>& init, uint16_t index, Features const& negotiated,
                                    QueueOption const& option) {
        return Queue::resume(init, index, negotiated, clamping(option));
    }

private:
    [[__nodiscard__]] static QueueOption clamping(QueueOption option) {
        option.over_reported = OverReportedLength::clamp;
        return option;
    }
};

}  // namespace virtq::detail
