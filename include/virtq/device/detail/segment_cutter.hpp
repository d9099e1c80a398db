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

/// Splits a list of segments into parts that a device can carry. A split may fall inside a caller's segment, so each
/// part is written to a small array of the object.
class SegmentCutter {
public:
    static constexpr uint32_t part_segments = 16;

    SegmentCutter(Span<Segment const> segments, PartLimit const& limit) : segments_(segments), limit_(limit) {
        if (limit_.segments > part_segments) {
            limit_.segments = part_segments;
        }
    }

    /// The next part, valid until the next call. Empty at the end, and if the limits allow not even one granule.
    [[__nodiscard__]] Span<Segment const> next() {
        count_ = 0;
        uint32_t bytes = 0;
        while (index_ < segments_.size() && count_ < limit_.segments && bytes < limit_.bytes) {
            bytes += take(smallest(limit_.segment_bytes, limit_.bytes - bytes));
        }
        if (index_ < segments_.size()) {
            give_back(bytes % limit_.granule);
        }
        return {piece_, count_};
    }

    /// Whether all data has been handed out.
    [[__nodiscard__]] bool at_end() const { return index_ == segments_.size(); }

private:
    [[__nodiscard__]] static constexpr uint32_t smallest(uint32_t a, uint32_t b) { return a < b ? a : b; }

    /// Appends a piece of at most `most` bytes to the part. Returns its length.
    uint32_t take(uint32_t most) {
        Segment const& segment = segments_[index_];
        uint32_t const rest = segment.bytes - offset_;
        uint32_t const bytes = smallest(rest, most);
        piece_[count_++] = Segment{segment.addr + offset_, bytes};
        offset_ += bytes;
        if (offset_ == segment.bytes) {
            ++index_;
            offset_ = 0;
        }
        return bytes;
    }

    /// Shortens this part by `bytes` bytes; the next part begins with them.
    void give_back(uint32_t bytes) {
        while (bytes != 0) {
            Segment& last = piece_[count_ - 1];
            uint32_t const back = smallest(bytes, last.bytes);
            if (offset_ == 0) {
                --index_;
                offset_ = segments_[index_].bytes;
            }
            offset_ -= back;
            last.bytes -= back;
            bytes -= back;
            count_ -= last.bytes == 0 ? 1 : 0;
        }
    }

    Span<Segment const> segments_;
    PartLimit limit_;
    size_t index_ = 0;     ///< the segment that the next piece is taken from
    uint32_t offset_ = 0;  ///< the first byte of it that was not taken
    Segment piece_[part_segments];
    uint32_t count_ = 0;
};

}  // namespace virtq::detail
