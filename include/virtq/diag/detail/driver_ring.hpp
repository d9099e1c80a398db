// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

/// The rings of a driver, whose types may differ.
namespace virtq::detail {

/// Accepts any queue. Stands for the visitor of `visit_ring` in the concept.
struct RingVisitor {
    template <uint32_t N, class Format>
    void operator()(VirtQueue<N, Format> const&) const {}
};
template <class D>
concept VisitsRings = requires(D& driver, uint16_t index, RingVisitor visit) {
    driver.visit_ring(index, visit);
};
template <class D>
concept GivesRings = requires(D& driver, uint16_t index) {
    driver.ring(index);
};
template <class D>
concept HasRings = GivesRings<D> || VisitsRings<D>;

/// Calls `visit(ring)` with the ring of queue `index`, if there is one.
template <class Driver, class Visit>
void visit_ring_of(Driver& driver, uint16_t index, Visit const& visit) {
    if constexpr (VisitsRings<Driver>) {
        driver.visit_ring(index, visit);
    } else {
        visit(driver.ring(index));
    }
}

}  // namespace virtq::detail
