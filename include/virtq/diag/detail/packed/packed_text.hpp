// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/text_writer.hpp>
#include <virtq/diag/queue_snapshot.hpp>

#include <stdint.h>

namespace virtq::detail {

template <class Sink>
void print_position(TextWriter<Sink>& out, uint16_t word) {
    out.decimal(word & ~uint32_t{spec::ring_wrap_bit});
    out.text((word & spec::ring_wrap_bit) != 0 ? " lap 1" : " lap 0");
}

/// Prints the address of an area, and what its event suppression structure says.
template <class Sink>
void print_event(TextWriter<Sink>& out, char const* name, PhysAddr area, RingEventWord event, unsigned indent) {
    out.text("  ").text(name).column(indent).hex(area.value).column(34).text("event ").hex(event.word);
    switch (event.event()) {
        case spec::RingEvent::enable: out.text(", enabled"); break;
        case spec::RingEvent::disable: out.text(", disabled"); break;
        case spec::RingEvent::desc: print_position(out.text(", at "), event.place()); break;
        default: out.text(", reserved"); break;
    }
    out.line();
}

/// Prints the numbers of a packed ring. A position's wrap counter is printed as its lap.
template <class Sink>
void print_packed(TextWriter<Sink>& out, QueueSnapshot const& seen, unsigned indent) {
    PackedSnapshot const& packed_ring = seen.packed_ring;
    print_event(out, "driver area", seen.addresses.driver_area, packed_ring.driver_event, indent);
    print_event(out, "device area", seen.addresses.device_area, packed_ring.device_event, indent);
    out.text("  driver").column(indent).text("next ");
    print_position(out, packed_ring.next.word());
    print_position(out.text(", taken "), packed_ring.taken.word());
    out.text(packed_ring.is_used() ? " (used)," : " (not used),").words(" ", indent).room(5, indent);
    out.decimal(packed_ring.in_flight).words(" in flight, ", indent).room(5, indent);
    out.decimal(packed_ring.pending).words(" pending", indent).line();
}

}  // namespace virtq::detail
