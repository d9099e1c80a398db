// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>

#include <stdint.h>

namespace virtq {

/// What to do if the device reports a used length above the chain's writable bytes. The length of a legacy device is
/// always clamped, because many set it incorrectly (§2.7.8.1).
enum class OverReportedLength : uint8_t {
    break_queue,  ///< the device is not trusted: the queue is broken
    clamp,        ///< report the writable total instead, for a modern device that is known to over-report
};

/// The indirect tables of a queue with VIRTIO_F_INDIRECT_DESC. `init` takes separate pages for them, `16 * length`
/// bytes a table. For a queue without tables, do not negotiate the feature (`BlockOption::unwanted`).
struct IndirectOption {
    uint16_t tables = 0;  ///< number of tables; 0: one for every fourth descriptor of the queue
    uint16_t length = 0;  ///< descriptors in a table, and so the longest chain that uses one; 0: 16
    /// The shortest chain that uses a table; 0: 3. With a table, a chain of two saves one descriptor of the ring. In
    /// return the driver writes one descriptor more, and the device fetches the table. A chain of three saves two
    /// descriptors (the README counts the instructions).
    uint16_t shortest = 0;
};

/// Options of `VirtQueue::init`. All zero is the default.
struct QueueOption {
    OverReportedLength over_reported = OverReportedLength::break_queue;  ///< whether to trust the device's used length
    /// Where both rings start: at 0 by the standard. A device with restored state resumes elsewhere, and a test starts
    /// just before the wrap. For a packed ring this is an offset, and bit 15 means wrap counter 0.
    RingIndex first_index{0};
    IndirectOption indirect{};  ///< ignored if INDIRECT_DESC was not negotiated
};

}  // namespace virtq
