// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_config.hpp>
#include <virtq/device/detail/segment_cutter.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq::detail {

/// One request as the device gets it: a request of the caller, or a part of one.
struct BlockPart {
    spec::block::RequestType type = spec::block::RequestType::flush;
    uint64_t sector = 0;         ///< written to the header
    Span<Segment const> data{};  ///< empty for a flush, and for a range
    uint32_t data_bytes = 0;     ///< bytes of all of `data`
    spec::block::Range range{};  ///< of a discard or write zeroes
    bool has_range = false;

    [[__nodiscard__]] bool device_writes() const {
        return type == spec::block::RequestType::in || type == spec::block::RequestType::get_id;
    }
    /// How many descriptors it takes: header, data or range, status.
    [[__nodiscard__]] uint32_t descriptors() const {
        return static_cast<uint32_t>(data.size()) + (has_range ? 1 : 0) + 2;
    }

    void set_data(Span<Segment const> segments, uint32_t bytes, uint64_t first_sector) {
        sector = first_sector;
        data = segments;
        data_bytes = bytes;
    }
    /// §5.2.6: the header's sector is unused; the range has its own.
    void set_range(uint64_t first_sector, uint32_t sectors, uint32_t flags) {
        range = {first_sector, sectors, flags};
        has_range = true;
    }
};

/// What one request to the device can carry at most.
struct BlockLimit {
    PartLimit data;
    uint32_t range_sectors = UINT32_MAX;  ///< most sectors of a discard or write zeroes
    uint32_t range_alignment = 1;  ///< in sectors; split ranges are multiples of this, if `range_sectors` permits
};

/// The limits of one operation on a device, in a queue whose chains have room for `segments` data segments.
[[__nodiscard__]] inline BlockLimit block_limit(BlockConfig const& config, BlockOperation operation,
                                                uint32_t segments) {
    constexpr uint32_t part_bytes_max = uint32_t{1} << 30;  // hosts treat a length as a signed number
    BlockLimit limit;
    limit.data.segments = segments;
    limit.data.segment_bytes = config.segment_bytes;
    limit.data.bytes = part_bytes_max;
    limit.data.granule = config.block_bytes;
    if (operation == BlockOperation::discard) {
        limit.range_sectors = config.discard_sectors;
        limit.range_alignment = config.discard_alignment;
    } else {
        limit.range_sectors = config.write_zeroes_sectors;
    }
    return limit;
}

[[__nodiscard__]] constexpr spec::block::RequestType request_type(BlockOperation operation) {
    using Type = spec::block::RequestType;
    switch (operation) {
        case BlockOperation::read: return Type::in;
        case BlockOperation::write: return Type::out;
        case BlockOperation::flush: break;  // `BlockRule` rejects everything that is not listed here
        case BlockOperation::discard: return Type::discard;
        case BlockOperation::write_zeroes:
        case BlockOperation::write_zeroes_may_unmap: return Type::write_zeroes;
        case BlockOperation::get_id: return Type::get_id;
    }
    return Type::flush;
}

[[__nodiscard__]] constexpr bool is_range_type(spec::block::RequestType type) {
    return type == spec::block::RequestType::discard || type == spec::block::RequestType::write_zeroes;
}

[[__nodiscard__]] constexpr uint32_t range_flags(BlockOperation operation) {
    return operation == BlockOperation::write_zeroes_may_unmap ? spec::block::range_unmap : 0;
}

[[__nodiscard__]] inline bool fits(Span<Segment const> data, uint64_t bytes, PartLimit const& limit) {
    if (data.size() > limit.segments || bytes > limit.bytes) {
        return false;
    }
    if (bytes > limit.segment_bytes) {  // otherwise no segment can exceed the limit
        for (Segment const& segment : data) {
            if (segment.bytes > limit.segment_bytes) {
                return false;
            }
        }
    }
    return true;
}

/// Makes the whole request one part, the usual case. `data_bytes` is what `BlockRule` has counted. False: the limits
/// require several parts, which `BlockParts` makes.
[[__nodiscard__]] inline bool make_whole(BlockPart& part, BlockRequest const& request, uint64_t data_bytes,
                                         BlockLimit const& limit) {
    part.type = detail::request_type(request.operation);
    if (part.type == spec::block::RequestType::flush) {
        return true;
    }
    if (detail::is_range_type(part.type)) {
        part.set_range(request.sector, static_cast<uint32_t>(request.sector_count),
                       detail::range_flags(request.operation));
        return request.sector_count <= limit.range_sectors;
    }
    part.set_data(request.data, static_cast<uint32_t>(data_bytes), request.sector);
    return detail::fits(request.data, data_bytes, limit.data);
}

/// Splits a request into parts that the device can carry. The request must not be a flush.
class BlockParts {
public:
    BlockParts(BlockRequest const& request, BlockLimit const& limit)
        : request_(request),
          limit_(limit),
          cutter_(request.data, limit.data),
          sector_(request.sector),
          sectors_left_(request.sector_count) {}

    /// Fills in the next part; `at_end` then tells whether it was the last. False: the limits allow no part at all.
    [[__nodiscard__]] bool next(BlockPart& part) {
        part = BlockPart{};
        part.type = detail::request_type(request_.operation);
        if (detail::is_range_type(part.type)) {
            next_range(part);
            return true;
        }
        return next_data(part);
    }

    [[__nodiscard__]] bool at_end() const { return at_end_; }

private:
    [[__nodiscard__]] bool next_data(BlockPart& part) {
        Span<Segment const> const data = cutter_.next();
        uint32_t bytes = 0;
        for (Segment const& segment : data) {
            bytes += segment.bytes;
        }
        part.set_data(data, bytes, sector_);
        sector_ += bytes / spec::block::sector_bytes;
        at_end_ = cutter_.at_end();
        return bytes != 0;
    }

    void next_range(BlockPart& part) {
        uint32_t sectors = limit_.range_sectors;
        if (sectors >= sectors_left_) {
            sectors = static_cast<uint32_t>(sectors_left_);
        } else if (sectors > limit_.range_alignment) {
            sectors -= sectors % limit_.range_alignment;
        }
        part.set_range(sector_, sectors, detail::range_flags(request_.operation));
        sector_ += sectors;
        sectors_left_ -= sectors;
        at_end_ = sectors_left_ == 0;
    }

    BlockRequest const& request_;
    BlockLimit const& limit_;
    SegmentCutter cutter_;
    bool at_end_ = false;
    uint64_t sector_;
    uint64_t sectors_left_;
};

}  // namespace virtq::detail
