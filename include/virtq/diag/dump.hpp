// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/driver_ring.hpp>
#include <virtq/diag/detail/packed/packed_picture.hpp>
#include <virtq/diag/detail/split/split_picture.hpp>
#include <virtq/diag/take_snapshot.hpp>

#include <stdint.h>

namespace virtq {

namespace detail {

template <uint32_t N, class Format, class Sink>
void print_picture(SplitInspector<N, Format> const& ring, Sink& sink, Lines budget) {
    SplitPicture<SplitInspector<N, Format>, Sink>{ring, sink, budget}.print_all();
}
template <uint32_t N, class Sink>
void print_picture(PackedInspector<N> const& ring, Sink& sink, Lines budget) {
    PackedPicture<N, Sink>{ring, sink, budget}.print_all();
}

}  // namespace detail

/// Prints a picture of a queue to any callable `void(char)`: at most `budget` lines and about ten more, of at most 79
/// columns. Only reads shared memory, each word once. Serialise it with calls on the queue.
template <uint32_t N, class Format, class Sink>
    requires TextSink<Sink>
void dump(VirtQueue<N, Format> const& queue, Sink&& sink, Lines budget = Lines{64}) {
    detail::inspect(queue, [&](auto const& ring) { detail::print_picture(ring, sink, budget); });
}

/// As above, for queue `queue_index` of a driver. Prints nothing if that queue is not set up.
template <class Driver, class Sink>
    requires TextSink<Sink> && detail::HasRings<Driver>
void dump(Driver& driver, uint16_t queue_index, Sink&& sink, Lines budget = Lines{64}) {
    detail::visit_ring_of(driver, queue_index, [&](auto const& ring) { dump(ring, sink, budget); });
}

/// As above, for the first queue of a driver.
template <class Driver, class Sink>
    requires TextSink<Sink> && detail::HasRings<Driver>
void dump(Driver& driver, Sink&& sink, Lines budget = Lines{64}) {
    dump(driver, uint16_t{0}, sink, budget);
}

}  // namespace virtq
