// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/packed/packed_inspector.hpp>
#include <virtq/diag/detail/split/split_inspector.hpp>
#include <virtq/queue/detail/any_ring.hpp>

#include <stdint.h>

/// Selects the inspector for the format of a queue. Nothing else in diag/ handles a negotiated format.
namespace virtq::detail {

template <uint32_t N, class Format, class Visit>
auto inspect_ring(SplitRing<N, Format> const& ring, Visit& visit) {
    return visit(SplitInspector<N, Format>{ring});
}

template <uint32_t N, class Visit>
auto inspect_ring(PackedRing<N> const& ring, Visit& visit) {
    return visit(PackedInspector<N>{ring});
}

template <uint32_t N, class Visit>
auto inspect_ring(AnyRing<N> const& ring, Visit& visit) {
    return ring.is_packed() ? inspect_ring(ring.packed_ring(), visit) : inspect_ring(ring.split_ring(), visit);
}

/// Calls `visit` with the inspector of the queue's ring.
template <uint32_t N, class Format, class Visit>
auto inspect(VirtQueue<N, Format> const& queue, Visit visit) {
    return inspect_ring(SplitInspector<N, Format>::ring_of(queue), visit);
}

}  // namespace virtq::detail
