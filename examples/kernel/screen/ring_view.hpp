// SPDX-License-Identifier: MIT
#pragma once

#include "font.hpp"

#include <virtq/diag/diag.hpp>

/// A picture of a ring: a box for each place, whose colour says who has it.
class RingView {
public:
    /// What a place is, in the order of a ring: used, at the device, pending, free.
    struct Counts {
        uint32_t used = 0;       ///< the device is done with it, and the driver has not looked
        uint32_t at_device = 0;  ///< the device has it
        uint32_t pending = 0;    ///< added, and not published
    };

    void show(virtq::QueueSnapshot const& snapshot) { snapshot_ = snapshot; }
    void draw(virtq::Framebuffer& frame, Font const& font, virtq::GpuRect const& area) const;
    [[nodiscard]] Counts counts() const;

private:
    static constexpr uint32_t column_count = 16;
    static constexpr uint32_t step = 18;  ///< from a box to the next one
    static constexpr uint32_t side = 16;  ///< of a box

    [[nodiscard]] uint32_t begin() const;
    [[nodiscard]] uint32_t colour_of(uint32_t distance) const;

    virtq::QueueSnapshot snapshot_;
};
