// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/packed_inspector.hpp>
#include <virtq/diag/ring_inspector.hpp>
#include <virtq/diag/snapshot.hpp>
#include <virtq/queue/negotiated.hpp>

#include <stdint.h>

/// Where a look at a queue goes to the inspector of its format. Nothing else in diag/ knows that a format can be
/// negotiated.
namespace virtq {

namespace detail {

template <uint32_t N, class Format, class Look>
auto inspect_ring(SplitRing<N, Format> const& ring, Look& look) {
    return look(RingInspector<N, Format>{ring});
}
template <uint32_t N, class Look>
auto inspect_ring(PackedRing<N> const& ring, Look& look) {
    return look(PackedInspector<N>{ring});
}
template <uint32_t N, class Look>
auto inspect_ring(NegotiatedRing<N> const& ring, Look& look) {
    return ring.is_packed() ? inspect_ring(ring.packed_ring(), look) : inspect_ring(ring.split_ring(), look);
}

/// Calls `look` with the inspector of the queue's ring.
template <uint32_t N, class Format, class Look>
auto inspect(VirtQueue<N, Format> const& queue, Look look) {
    return inspect_ring(RingInspector<N, Format>::ring_of(queue), look);
}

}  // namespace detail

/// All words and numbers of a queue at this moment. For any context in which the queue may be called.
template <uint32_t N, class Format>
[[__nodiscard__]] QueueSnapshot take_snapshot(VirtQueue<N, Format> const& queue) {
    return detail::inspect(queue, [](auto const& ring) { return ring.snapshot(); });
}

}  // namespace virtq
