// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

/// How a device treats its queues, whatever transport they are behind.
namespace virtq::sim {

/// When the device looks at its queues.
enum class Attention : uint8_t {
    when_notified,  ///< only after a notification, until nothing is left: a lost notification hangs, and is seen
    polling,        ///< at each step, and it tells the driver not to notify
};

/// What writing 1 to QueueReset or queue_reset does (§2.6.1, §4.1.4.3, §4.2.2).
enum class QueueReset : uint8_t {
    honest,
    keeps_writing,  ///< a lie: the queue is reset, and chains that the device had fetched are written all the same
    ignored         ///< a lie: nothing, and QueueReset reads as 0, while QueueReady and the queue stay as they are
};

/// What writing 0 to the status of a live device does (§2.4.1).
enum class DeviceReset : uint8_t {
    honest,
    fails_alone,  ///< the status reads FAILED and nothing else, for ever, and nothing was reset
    /// FAILED is added to the status, for ever, and nothing was reset.
    /// https://github.com/firecracker-microvm/firecracker/issues/3074
    adds_failed,
    /// A lie: the status reads 0, and enabled queues stay enabled and in use.
    /// https://github.com/sysprog21/kvm-host/pull/52
    keeps_queues,
};

}  // namespace virtq::sim
