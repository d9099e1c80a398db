// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block_config.hpp>
#include <virtq/device/block_request.hpp>
#include <virtq/device/segment_cutter.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq {

/// One request as the device gets it.
struct BlockPart {
    spec::block::RequestType type = spec::block::RequestType::flush;
    uint64_t sector = 0;         ///< as it stands in the header
    Span<Segment const> data{};  ///< empty for a flush, and for a range
    spec::block::Range range{};  ///< of a discard or write zeroes
    bool has_range = false;

    [[nodiscard]] bool device_writes() const {
        return type == spec::block::RequestType::in || type == spec::block::RequestType::get_id;
    }
    [[nodiscard]] uint32_t data_bytes() const {
        uint32_t bytes = 0;
        for (Segment const& segment : data) {
            bytes += segment.bytes;
        }
        return bytes;
    }
    /// Header, data or range, status.
    [[nodiscard]] uint32_t descriptors() const { return static_cast<uint32_t>(data.size()) + (has_range ? 1 : 0) + 2; }
};

/// Most of what one device request can carry.
struct BlockLimit {
    PartLimit data;
    uint32_t range_sectors = UINT32_MAX;  ///< of a discard or write zeroes
    uint32_t range_alignment = 1;         ///< where a range is cut, in sectors
};

/// The limits of an operation on a device, in a queue whose chains have room for `segments` of data.
[[nodiscard]] inline BlockLimit block_limit(BlockConfig const& config, BlockOperation operation, uint32_t segments) {
    constexpr uint32_t part_bytes_maximum = uint32_t{1} << 30;  // hosts take a length for a signed number
    BlockLimit limit;
    limit.data.segments = segments;
    limit.data.segment_bytes = config.segment_bytes;
    limit.data.bytes = part_bytes_maximum;
    limit.data.granule = config.block_bytes;
    if (operation == BlockOperation::discard) {
        limit.range_sectors = config.discard_sectors;
        limit.range_alignment = config.discard_alignment;
    } else {
        limit.range_sectors = config.write_zeroes_sectors;
    }
    return limit;
}

/// Turns a request into the parts that the device can carry; most have one.
class BlockParts {
public:
    BlockParts(BlockRequest const& request, BlockLimit const& limit)
        : request_(request),
          limit_(limit),
          cutter_(request.data, limit.data),
          whole_(fits(request.data, limit.data)),
          sector_(request.sector),
          sectors_left_(request.sector_count) {}

    /// The next part. `at_end` says whether it was the last. False: the device's limits allow no part at all.
    [[nodiscard]] bool next(BlockPart& part) {
        part = BlockPart{};
        part.type = type_of(request_.operation);
        switch (request_.operation) {
            case BlockOperation::flush: at_end_ = true; return true;
            case BlockOperation::discard:
            case BlockOperation::write_zeroes:
            case BlockOperation::write_zeroes_may_unmap: next_range(part); return true;
            case BlockOperation::read:
            case BlockOperation::write:
            case BlockOperation::get_id: return next_data(part);
        }
        return false;
    }

    [[nodiscard]] bool at_end() const { return at_end_; }

private:
    using Type = spec::block::RequestType;

    [[nodiscard]] static constexpr Type type_of(BlockOperation operation) {
        switch (operation) {
            case BlockOperation::read: return Type::in;
            case BlockOperation::write: return Type::out;
            case BlockOperation::flush: return Type::flush;
            case BlockOperation::discard: return Type::discard;
            case BlockOperation::write_zeroes:
            case BlockOperation::write_zeroes_may_unmap: return Type::write_zeroes;
            case BlockOperation::get_id: return Type::get_id;
        }
        return Type::flush;
    }

    [[nodiscard]] static bool fits(Span<Segment const> data, PartLimit const& limit) {
        uint64_t bytes = 0;
        bool fits = data.size() <= limit.segments;
        for (Segment const& segment : data) {
            bytes += segment.bytes;
            fits = fits && segment.bytes <= limit.segment_bytes;
        }
        return fits && bytes <= limit.bytes;
    }

    [[nodiscard]] bool next_data(BlockPart& part) {
        part.data = whole_ ? request_.data : cutter_.next();
        if (part.data.empty()) {
            return false;
        }
        at_end_ = whole_ || cutter_.at_end();
        part.sector = sector_;
        sector_ += part.data_bytes() / spec::block::sector_bytes;
        return true;
    }

    /// §5.2.6: the header's sector is unused; the range has its own.
    void next_range(BlockPart& part) {
        uint32_t sectors = limit_.range_sectors;
        if (sectors >= sectors_left_) {
            sectors = static_cast<uint32_t>(sectors_left_);
        } else if (sectors > limit_.range_alignment) {
            sectors -= sectors % limit_.range_alignment;
        }
        bool const unmap = request_.operation == BlockOperation::write_zeroes_may_unmap;
        part.range = {sector_, sectors, unmap ? spec::block::range_unmap : 0};
        part.has_range = true;
        sector_ += sectors;
        sectors_left_ -= sectors;
        at_end_ = sectors_left_ == 0;
    }

    BlockRequest const& request_;
    BlockLimit const& limit_;
    SegmentCutter cutter_;
    bool whole_;
    bool at_end_ = false;
    uint64_t sector_;
    uint64_t sectors_left_;
};

}  // namespace virtq
