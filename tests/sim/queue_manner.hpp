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

}  // namespace virtq::sim
