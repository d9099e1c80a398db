// SPDX-License-Identifier: MIT
#include "ring_view.hpp"

#include "colour.hpp"
#include "decimal.hpp"

/// Chains have the places of a split ring, and descriptors those of a packed one. Of a packed ring only the next place
/// is known to be used: the others are at the device, as far as the driver has looked.
RingView::Counts RingView::counts() const {
    virtq::QueueSnapshot const& queue = snapshot_;
    if (queue.is_packed()) {
        uint32_t const all = queue.packed_ring.span(queue.size);
        uint32_t const pending = queue.packed_ring.pending_descriptors;
        uint32_t const used = queue.packed_ring.is_used() && all > pending ? 1 : 0;
        return {used, all - pending - used, pending};
    }
    uint32_t const used = queue.is_used_idx_believable() ? queue.answered() : 0;
    return {used, queue.offered() - used, static_cast<uint32_t>(queue.outstanding() - queue.offered())};
}

/// The place of the oldest chain that was not taken.
uint32_t RingView::begin() const {
    return snapshot_.is_packed() ? snapshot_.packed_ring.taken.offset() : number(snapshot_.taken) % snapshot_.size;
}

/// `distance` is counted in places from `begin` on.
uint32_t RingView::colour_of(uint32_t distance) const {
    Counts const counted = counts();
    return distance < counted.used                                         ? colour::used
           : distance < counted.used + counted.at_device                   ? colour::at_device
           : distance < counted.used + counted.at_device + counted.pending ? colour::pending
                                                                           : colour::free_place;
}

void RingView::draw(virtq::Framebuffer& frame, Font const& font, virtq::GpuRect const& area) const {
    frame.fill(area, colour::panel);
    uint32_t y = area.y + 8;
    uint32_t const x = area.x + 8;
    uint32_t const size = snapshot_.size;
    if (size == 0) {
        font.draw(frame, {x, y}, "ring: no picture yet", colour::dim, colour::panel);
        return;
    }
    font.draw(frame, {x, y}, snapshot_.is_packed() ? "packed ring of" : "split ring of", colour::text, colour::panel);
    font.draw(frame, {x + 15 * font.width(), y}, Decimal{size}.text(), colour::text, colour::panel);
    y += font.height() + 8;
    for (uint32_t place = 0; place < size; ++place) {
        uint32_t const distance = place >= begin() ? place - begin() : place + size - begin();
        frame.fill({x + place % column_count * step, y + place / column_count * step, side, side},
                   colour_of(distance));
    }
    y += (size + column_count - 1) / column_count * step + 8;
    Counts const counted = counts();
    struct Line {
        char const* text;
        uint32_t colour;
        uint32_t count;
    } const lines[] = {{"used, not taken yet", colour::used, counted.used},
                       {"at the device", colour::at_device, counted.at_device},
                       {"added, not published", colour::pending, counted.pending}};
    for (Line const& line : lines) {
        frame.fill({x, y, side, side}, line.colour);
        font.draw(frame, {x + 3 * font.width(), y}, Decimal{line.count}.text(), colour::text, colour::panel);
        font.draw(frame, {x + 7 * font.width(), y}, line.text, colour::text, colour::panel);
        y += step + 2;
    }
}
