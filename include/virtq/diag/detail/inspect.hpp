// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/packed/packed_inspector.hpp>
#include <virtq/diag/detail/split/split_inspector.hpp>
#include <virtq/queue/detail/any_ring.hpp>

#include <stdint.h>

/// Selects the inspector for the format of a queue. Nothing else in diag/ handles a negotiated format.
namespace virtq::detail {

template <uint32_t N, class Format, class Look>
auto inspect_ring(SplitRing<N, Format> const& ring, Look& look) {
    return look(SplitInspector<N, Format>{ring});
}

template <uint32_t N, class Look>
auto inspect_ring(PackedRing<N> const& ring, Look& look) {
    return look(PackedInspector<N>{ring});
}

template <uint32_t N, class Look>
auto inspect_ring(AnyRing<N> const& ring, Look& look) {
    return ring.is_packed() ? inspect_ring(ring.packed_ring(), look) : inspect_ring(ring.split_ring(), look);
}

/// Calls `look` with the inspector of the queue's ring.
template <uint32_t N, class Format, class Look>
auto inspect(VirtQueue<N, Format> const& queue, Look look) {
    return inspect_ring(SplitInspector<N, Format>::ring_of(queue), look);
}

}  // namespace virtq::detail
