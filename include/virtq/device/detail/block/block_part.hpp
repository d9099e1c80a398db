// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_limit.hpp>
#include <virtq/device/detail/segment_splitter.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq::detail {

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

/// One request as the device gets it: a request of the caller, or a part of one.
struct BlockPart {
    spec::block::RequestType type = spec::block::RequestType::flush;
    uint32_t length = 0;  ///< bytes of data, or sectors of a range
    uint64_t sector = 0;  ///< the first one of the data, or of the range
    uint32_t range_flags = 0;
    Span<Segment const> data{};  ///< empty for a flush, and for a range

    [[__nodiscard__]] bool device_writes() const {
        return type == spec::block::RequestType::in || type == spec::block::RequestType::get_id;
    }
    [[__nodiscard__]] bool has_range() const { return is_range_type(type); }
    /// Header, data or range, status.
    [[__nodiscard__]] uint32_t descriptors() const { return has_range() ? 3 : static_cast<uint32_t>(data.size()) + 2; }
};

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
/// require several parts, which `BlockParts` finds.
[[__nodiscard__]] inline bool make_whole(BlockPart& part, BlockRequest const& request, uint64_t data_bytes,
                                         BlockLimit const& limit) {
    part.type = detail::request_type(request.operation);
    if (part.type == spec::block::RequestType::flush) {
        return true;
    }
    part.sector = request.sector;
    if (part.has_range()) {
        part.length = static_cast<uint32_t>(request.sector_count);
        part.range_flags = detail::range_flags(request.operation);
        return request.sector_count <= limit.range_sectors;
    }
    part.length = static_cast<uint32_t>(data_bytes);
    part.data = request.data;
    return detail::fits(request.data, data_bytes, limit.data);
}

/// Splits a request into parts that the device can carry. The request must not be a flush. It is a position in the
/// request: a copy starts from there again, and finds the same parts.
class BlockParts {
public:
    using Pieces = SegmentSplitter::Pieces;

    /// A read or write ignores the number of sectors, and a range has no data.
    BlockParts(BlockRequest const& request, BlockLimit const& limit)
        : type_(detail::request_type(request.operation)),
          range_flags_(detail::range_flags(request.operation)),
          limit_(&limit),
          data_(is_range() ? Span<Segment const>{} : request.data, limit.data),
          sector_(request.sector),
          range_left_(is_range() ? request.sector_count : 0) {}

    /// Makes the next part, and goes behind it. Its data is in `pieces`. Its length is 0 if the limits allow no part.
    [[__nodiscard__]] BlockPart next(Pieces& pieces) {
        BlockPart part{type_, 0, sector_, range_flags_};
        if (part.has_range()) {
            part.length = range_sectors();
            range_left_ -= part.length;
            sector_ += part.length;
        } else {
            SegmentSplitter::Part const data = data_.next(pieces);
            part.length = data.bytes;
            part.data = {pieces, data.segments};
            sector_ += data.bytes / spec::block::sector_bytes;
        }
        return part;
    }

    [[__nodiscard__]] bool at_end() const { return range_left_ == 0 && data_.at_end(); }

private:
    [[__nodiscard__]] bool is_range() const { return detail::is_range_type(type_); }
    [[__nodiscard__]] uint32_t range_sectors() const {
        uint32_t const sectors = limit_->range_sectors;
        if (sectors >= range_left_) {
            return static_cast<uint32_t>(range_left_);
        }
        return sectors > limit_->range_granule ? sectors - sectors % limit_->range_granule : sectors;
    }

    spec::block::RequestType type_;
    uint32_t range_flags_;
    BlockLimit const* limit_;
    SegmentSplitter data_;
    uint64_t sector_;      ///< where the next part begins
    uint64_t range_left_;  ///< sectors of a range that are in no part yet
};

}  // namespace virtq::detail
