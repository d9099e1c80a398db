// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>

#include <stdint.h>

namespace virtq {

/// What to do with a used length above what was writable. Legacy devices are always cut: they are known to lie
/// (§2.7.8.1).
enum class OverReportedLength : uint8_t {
    break_queue,  ///< the device is not trusted: the queue is broken
    clamp,        ///< for a modern device in the field that over-reports: the writable total is taken
};

/// The indirect tables of a queue with VIRTIO_F_INDIRECT_DESC, which `init` takes in pages of their own. They cost
/// `16 * length` bytes each. For none, leave the feature out of what is wanted (`BlockOption::unwanted`).
struct IndirectOption {
    uint16_t tables = 0;  ///< 0: one for every fourth descriptor of the queue
    uint16_t length = 0;  ///< descriptors of a table, so the longest chain that uses one; 0: 16
    /// The shortest chain that uses one; 0: 3. A chain of two saves one descriptor of the ring and costs one more that
    /// the driver writes, and a table that the device fetches; one of three saves two (the README has the
    /// instructions).
    uint16_t shortest = 0;
};

/// Options of `VirtQueue::init`. All zero is the default.
struct QueueOption {
    OverReportedLength over_reported = OverReportedLength::break_queue;
    /// Where both rings start. The standard starts at 0; a device whose state was restored goes on elsewhere, and a
    /// test starts just before the wrap. A packed ring takes it as an offset, and bit 15 for wrap counter 0.
    RingIndex first_index{0};
    IndirectOption indirect{};
};

}  // namespace virtq
