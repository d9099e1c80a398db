// SPDX-License-Identifier: MIT
#include "plot_view.hpp"

#include "colour.hpp"
#include "decimal.hpp"
#include "divide.hpp"

namespace {

/// Draws a number in the middle of `width` pixels.
void draw_number(virtq::Framebuffer& frame, Font const& font, virtq::GpuPoint place, uint32_t width, uint64_t number,
                 uint32_t colour) {
    Decimal const digits{number};
    uint32_t const taken = digits.length() * font.width();
    place.x += taken < width ? (width - taken) / 2 : 0;
    font.draw(frame, place, digits.text(), colour, colour::panel);
}

}  // namespace

void PlotView::add(uint32_t label, uint64_t value) {
    if (count_ != bar_max) {
        bars_[count_++] = {label, value};
    }
}

void PlotView::draw(virtq::Framebuffer& frame, Font const& font, virtq::GpuRect const& area) const {
    constexpr uint32_t margin = 8;
    frame.fill(area, colour::panel);
    uint32_t const x = area.x + margin;
    uint32_t const line = font.height();
    if (count_ == 0) {
        font.draw(frame, {x, area.y + margin}, "plot: no picture yet", colour::dim, colour::panel);
        return;
    }
    font.draw(frame, {x, area.y + margin}, "reads a second,", colour::text, colour::panel);
    font.draw(frame, {x, area.y + margin + line}, "by how many are in flight", colour::text, colour::panel);
    uint64_t most = 1;
    for (uint32_t i = 0; i < count_; ++i) {
        most = bars_[i].value > most ? bars_[i].value : most;
    }
    uint32_t const pitch = (area.width - 2 * margin) / bar_max;
    uint32_t const width = pitch - 6;
    uint32_t const others = 4 * line + 4 * margin;  // the lines above and below the bars
    uint32_t const height = area.height > others ? area.height - others : 0;
    uint32_t const foot = area.y + area.height - margin - line - margin / 2;
    for (uint32_t i = 0; i < count_; ++i) {
        auto const bar = static_cast<uint32_t>(divide(bars_[i].value * height, most).quotient);
        uint32_t const left = x + i * pitch;
        frame.fill({left, foot - bar, width, bar}, colour::pending);
        draw_number(frame, font, {left, foot - bar - line}, width, bars_[i].value, colour::text);
        draw_number(frame, font, {left, foot + margin / 2}, width, bars_[i].label, colour::dim);
    }
}
