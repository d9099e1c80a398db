// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>

#include <stdint.h>

namespace virtq {

/// What to do with a used length above what was writable. Legacy devices are always cut: they are known to lie
/// (§2.7.8.1).
enum class OverReportedLength : uint8_t {
    breaks_queue,  ///< the device is not trusted: the queue is broken
    is_cut,        ///< for a modern device in the field that over-reports: the writable total is taken
};

/// Options of `VirtQueue::init`.
struct QueueOption {
    OverReportedLength over_reported = OverReportedLength::breaks_queue;
    /// Where both rings start. The standard starts at 0; a device whose state was restored goes on elsewhere, and a
    /// test starts just before the wrap.
    RingIndex first_index{0};
};

}  // namespace virtq
