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

/// Splits a list of segments into parts that a device can carry. It is a position in the list: a copy starts from there
/// again, and finds the same parts.
class SegmentSplitter {
public:
    static constexpr uint32_t part_segments = 16;

    /// Where the segments of a part are written: a split may fall inside a caller's segment.
    using Pieces = Segment[part_segments];

    struct Part {
        uint32_t bytes = 0;
        uint32_t segments = 0;
    };

    SegmentSplitter(Span<Segment const> segments, PartLimit const& limit) : segments_(segments), limit_(&limit) {}

    /// Writes the next part, which is as large as the limits allow, and goes behind it. Its length is 0 at the end, and
    /// if the limits allow not even one granule.
    [[__nodiscard__]] Part next(Pieces& pieces) {
        size_t const index = index_;
        uint32_t const offset = offset_;
        for (uint32_t most = limit_->bytes;;) {  // ends: the second turn takes whole granules
            Part const part = walk(most, pieces);
            uint32_t const extra = part.bytes % limit_->granule;
            if (extra == 0 || at_end()) {
                return part;
            }
            most = part.bytes - extra;
            index_ = index;
            offset_ = offset;
        }
    }

    /// Whether all data has been handed out.
    [[__nodiscard__]] bool at_end() const { return index_ == segments_.size(); }

private:
    [[__nodiscard__]] static constexpr uint32_t smallest(uint32_t a, uint32_t b) { return a < b ? a : b; }

    /// Goes on by at most `most` bytes, and writes the pieces.
    [[__nodiscard__]] Part walk(uint32_t most, Pieces& pieces) {
        uint32_t const segments = smallest(limit_->segments, part_segments);
        Part part;
        while (!at_end() && part.segments < segments && part.bytes < most) {
            Segment const& segment = segments_[index_];
            uint32_t const fits = smallest(limit_->segment_bytes, most - part.bytes);
            uint32_t const bytes = smallest(segment.bytes - offset_, fits);
            pieces[part.segments++] = Segment{segment.addr + offset_, bytes};
            part.bytes += bytes;
            offset_ += bytes;
            if (offset_ == segment.bytes) {
                ++index_;
                offset_ = 0;
            }
        }
        return part;
    }

    Span<Segment const> segments_;
    PartLimit const* limit_;
    size_t index_ = 0;     ///< the segment that the next piece is taken from
    uint32_t offset_ = 0;  ///< the first byte of it that was not taken
};

}  // namespace virtq::detail
