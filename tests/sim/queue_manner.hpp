// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

/// How a device treats its queues, on any transport.
namespace virtq::sim {

/// When the device polls its queues.
enum class Attention : uint8_t {
    when_notified,  ///< only after a notification, until the queue is empty: a lost notification causes a visible hang
    polling,        ///< at each step; it tells the driver not to notify
};

/// What writing 1 to QueueReset or queue_reset does (§2.6.1, §4.1.4.3, §4.2.2).
enum class QueueReset : uint8_t {
    honest,
    keeps_writing,  ///< violates §2.6.1: resets the queue, but later writes to chains that it had fetched
    ignored         ///< violates §2.6.1: does nothing; QueueReset reads 0, QueueReady and the queue stay as they are
};

/// What writing 0 to the status of a live device does (§2.4.1).
enum class DeviceReset : uint8_t {
    honest,
    fails_alone,  ///< resets nothing; the status reads only FAILED for ever
    /// Resets nothing; adds FAILED to the status for ever.
    /// https://github.com/firecracker-microvm/firecracker/issues/3074
    adds_failed,
    /// Violates §2.4.1: the status reads 0, but enabled queues stay enabled and in use.
    /// https://github.com/sysprog21/kvm-host/pull/52
    keeps_queues,
};

}  // namespace virtq::sim
