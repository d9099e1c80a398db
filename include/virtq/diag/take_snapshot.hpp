// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/inspect.hpp>
#include <virtq/diag/queue_snapshot.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

namespace virtq {

/// Reads the state of a queue. May be called in any context in which the queue may be called.
template <uint32_t N, class Format>
[[__nodiscard__]] QueueSnapshot take_snapshot(VirtQueue<N, Format> const& queue) {
    return detail::inspect(queue, [](auto const& ring) { return ring.snapshot(); });
}

}  // namespace virtq
