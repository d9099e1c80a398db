// SPDX-License-Identifier: MIT
#include "desk.hpp"

#include "colour.hpp"

extern "C" uint8_t const font_begin[];
extern "C" uint8_t const font_end[];

namespace {

constexpr uint32_t margin = 8;
constexpr uint32_t bar_height = 32;
constexpr uint32_t word_columns = 12;  // from a word of the bar to the next one
constexpr uint32_t picture_width = 304;
constexpr uint32_t ring_height = 200;
constexpr uint32_t width_with_pictures = 640 + picture_width + 2 * margin;
constexpr uint32_t height_with_pictures = 480;

}  // namespace

void Desk::open(virtq::Span<char const* const> words, PagePool& pages) {
    if (!font_.load({font_begin, static_cast<size_t>(font_end - font_begin)})) {
        serial::fail("the font is no PSF file of version 1 or 2");
    }
    words_ = words;
    display.open(pages);
    lay_out();
}

void Desk::follow(PagePool& pages) {
    if (display.follow(pages)) {
        lay_out();
        show();
    }
}

void Desk::show() {
    terminal.draw(display.frame, font_);
    display.flush();
}

bool Desk::has_pictures() const {
    return display.frame.width() >= width_with_pictures && display.frame.height() >= height_with_pictures;
}

/// Everything anew, on a screen that has only a background.
void Desk::lay_out() {
    uint32_t const taken = has_pictures() ? picture_width : 0;
    terminal.place({margin, bar_height + margin, display.frame.width() - 2 * margin - taken,
                    display.frame.height() - bar_height - 2 * margin},
                   font_);
    draw_bar();
    if (has_pictures()) {
        ring_.draw(display.frame, font_, ring_area());
        plot_.draw(display.frame, font_, plot_area());
    }
}

void Desk::draw_bar() {
    display.frame.fill({0, 0, display.frame.width(), bar_height}, colour::bar);
    uint32_t x = margin;
    for (char const* const word : words_) {
        font_.draw(display.frame, {x, (bar_height - font_.height()) / 2}, word, colour::text, colour::bar);
        x += word_columns * font_.width();
    }
}

char const* Desk::word_at(virtq::GpuPoint const& place) const {
    if (place.y >= bar_height || place.x < margin) {
        return nullptr;
    }
    uint32_t const number = (place.x - margin) / (word_columns * font_.width());
    return number < words_.size() ? words_[number] : nullptr;
}

virtq::GpuRect Desk::ring_area() const {
    return {display.frame.width() - picture_width, bar_height, picture_width, ring_height};
}

virtq::GpuRect Desk::plot_area() const {
    uint32_t const y = bar_height + ring_height + margin;
    return {display.frame.width() - picture_width, y, picture_width, display.frame.height() - y};
}

void Desk::show_ring(virtq::QueueSnapshot const& snapshot) {
    ring_.show(snapshot);
    if (has_pictures()) {
        ring_.draw(display.frame, font_, ring_area());
        show();
    }
}

void Desk::clear_plot() {
    plot_.clear();
}

void Desk::add_to_plot(uint32_t label, uint64_t value) {
    plot_.add(label, value);
    if (has_pictures()) {
        plot_.draw(display.frame, font_, plot_area());
        show();
    }
}
