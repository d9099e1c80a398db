// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/queue/segment.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// What one request of a device can carry.
struct PartLimit {
    uint32_t segments = 1;                ///< at most so many
    uint32_t segment_bytes = UINT32_MAX;  ///< each of at most so many bytes
    uint32_t bytes = UINT32_MAX;          ///< so many bytes together
    uint32_t granule = 1;                 ///< every part but the last is a multiple of this
};

/// Cuts a list of segments into parts that a device can carry. The parts are written to a small array of its own,
/// because a cut falls inside a segment of the caller's.
class SegmentCutter {
public:
    static constexpr uint32_t part_segments = 16;

    SegmentCutter(Span<Segment const> segments, PartLimit const& limit) : segments_(segments), limit_(limit) {
        if (limit_.segments > part_segments) {
            limit_.segments = part_segments;
        }
    }

    /// The next part; empty at the end, and when the limits do not allow a single granule.
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

    /// Whether all has been cut.
    [[__nodiscard__]] bool at_end() const { return index_ == segments_.size(); }

private:
    [[__nodiscard__]] static constexpr uint32_t smallest(uint32_t a, uint32_t b) { return a < b ? a : b; }

    /// One piece of at most `most` bytes.
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

    /// The last `bytes` bytes of the part go into the next one.
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
    size_t index_ = 0;     ///< the segment to cut next,
    uint32_t offset_ = 0;  ///< from this byte on
    Segment piece_[part_segments];
    uint32_t count_ = 0;
};

}  // namespace virtq::detail
