// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/phys_addr.hpp>
#include <virtq/base/span.hpp>

#include <stdint.h>

namespace virtq {

/// One piece of a buffer that is contiguous for the device: a descriptor's worth (§2.7.5).
struct Segment {
    PhysAddr addr;
    uint32_t bytes = 0;
};

/// Segments that stand in two places, in this order.
struct Gather {
    Span<Segment const> front;
    Span<Segment const> back;

    [[nodiscard]] constexpr size_t size() const { return front.size() + back.size(); }
};

}  // namespace virtq
