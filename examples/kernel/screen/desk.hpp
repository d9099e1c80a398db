// SPDX-License-Identifier: MIT
#pragma once

#include "display.hpp"
#include "font.hpp"
#include "plot_view.hpp"
#include "ring_view.hpp"
#include "terminal.hpp"

/// What is on the screen: a bar of words to click, a terminal, and, if the window is wide enough, two pictures.
class Desk {
public:
    void open(virtq::Span<char const* const> words, PagePool& pages);
    /// Follows the host's window.
    void follow(PagePool& pages);
    /// Draws what has changed, and shows it.
    void show();
    /// Which word of the bar is there; null if none is.
    [[nodiscard]] char const* word_at(virtq::GpuPoint const& place) const;
    [[nodiscard]] bool has_pictures() const;

    void show_ring(virtq::QueueSnapshot const& snapshot);
    void clear_plot();
    void add_to_plot(uint32_t label, uint64_t value);

    Display display;
    Terminal terminal;

private:
    void lay_out();
    void draw_bar();
    [[nodiscard]] virtq::GpuRect ring_area() const;
    [[nodiscard]] virtq::GpuRect plot_area() const;

    Font font_;
    RingView ring_;
    PlotView plot_;
    virtq::Span<char const* const> words_;
};
