// SPDX-License-Identifier: MIT
#pragma once

#include "font.hpp"

/// Bars with numbers above and below them.
class PlotView {
public:
    static constexpr uint32_t bar_max = 8;

    void clear() { count_ = 0; }
    /// Adds a bar; one that finds no room is dropped.
    void add(uint32_t label, uint64_t value);
    void draw(virtq::Framebuffer& frame, Font const& font, virtq::GpuRect const& area) const;

private:
    struct Bar {
        uint32_t label = 0;
        uint64_t value = 0;
    };

    uint32_t count_ = 0;
    Bar bars_[bar_max] = {};
};
