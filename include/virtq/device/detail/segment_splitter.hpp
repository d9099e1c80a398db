// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/queue/segment.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// What one part can carry at most.
struct PartLimit {
    uint32_t segments = 1;                ///< most segments
    uint32_t segment_bytes = UINT32_MAX;  ///< most bytes of a segment
    uint32_t bytes = UINT32_MAX;          ///< most bytes of all segments together
    uint32_t granule = 1;                 ///< the length of every part but the last is a multiple of this
};

/// Splits a list of segments into parts that a device can carry. It is a position in the list, so a copy is cheap and
/// can go ahead.
class SegmentSplitter {
public:
    static constexpr uint32_t part_segments = 16;

    /// Where the segments of a part are written: a split may fall inside a caller's segment.
    using Pieces = Segment[part_segments];

    struct Part {
        uint32_t bytes = 0;
        uint32_t segments = 0;
    };

    SegmentSplitter(Span<Segment const> segments, PartLimit const& limit) : segments_(segments), limit_(limit) {}

    /// Goes behind the next part, which is as large as the limits allow. Its length is 0 at the end, and if the limits
    /// allow not even one granule.
    [[__nodiscard__]] Part next() {
        size_t const index = index_;
        uint32_t const offset = offset_;
        Part part = walk(limit_.bytes, nullptr);
        if (uint32_t const extra = part.bytes % limit_.granule; extra != 0 && !at_end()) {
            index_ = index;
            offset_ = offset;
            part = walk(part.bytes - extra, nullptr);
        }
        return part;
    }

    /// Writes the next `bytes` bytes, which `next` of a copy has found, and goes behind them.
    [[__nodiscard__]] Span<Segment const> take(uint32_t bytes, Pieces& pieces) {
        return {pieces, walk(bytes, pieces).segments};
    }

    /// Whether all data has been handed out.
    [[__nodiscard__]] bool at_end() const { return index_ == segments_.size(); }

private:
    [[__nodiscard__]] static constexpr uint32_t smallest(uint32_t a, uint32_t b) { return a < b ? a : b; }

    /// Goes on by at most `most` bytes, and writes the pieces to an array if there is one.
    [[__nodiscard__]] Part walk(uint32_t most, Segment* pieces) {
        uint32_t const segments = smallest(limit_.segments, part_segments);
        Part part;
        while (!at_end() && part.segments < segments && part.bytes < most) {
            Segment const& segment = segments_[index_];
            uint32_t const fits = smallest(limit_.segment_bytes, most - part.bytes);
            Segment const piece{segment.addr + offset_, smallest(segment.bytes - offset_, fits)};
            if (pieces != nullptr) {
                pieces[part.segments] = piece;
            }
            ++part.segments;
            part.bytes += piece.bytes;
            offset_ += piece.bytes;
            if (offset_ == segment.bytes) {
                ++index_;
                offset_ = 0;
            }
        }
        return part;
    }

    Span<Segment const> segments_;
    PartLimit const& limit_;
    size_t index_ = 0;     ///< the segment that the next piece is taken from
    uint32_t offset_ = 0;  ///< the first byte of it that was not taken
};

}  // namespace virtq::detail
