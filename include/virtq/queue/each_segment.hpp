// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/code_size.hpp>
#include <virtq/queue/segment.hpp>

#include <stddef.h>

/// Hands the segments of one side of a chain to `write`, in order, until it answers false for one. Returns whether it
/// did so for none.
namespace virtq {

template <class Write>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE constexpr bool each_segment(Span<Segment const> segments, Write const& write) {
    for (Segment const& segment : segments) {
        if (!write(segment)) {
            return false;
        }
    }
    return true;
}

template <class Write>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE constexpr bool each_segment(Gather const& segments, Write const& write) {
    return each_segment(segments.front, write) && each_segment(segments.back, write);
}

/// Straight-line code.
template <size_t Extent, class Write>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE constexpr bool each_segment(FixedSegments<Extent> segments, Write const& write) {
    if constexpr (Extent == 0) {
        return true;
    } else {
        return write(*segments.first) && each_segment(FixedSegments<Extent - 1>{segments.first + 1}, write);
    }
}

}  // namespace virtq
