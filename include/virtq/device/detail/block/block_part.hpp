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
/// request, so a copy is cheap and can go ahead.
class BlockParts {
public:
    using Pieces = SegmentSplitter::Pieces;

    struct Size {
        uint32_t length = 0;       ///< of the part; 0: the limits allow no part at all
        uint32_t descriptors = 0;  ///< header, data or range, status
    };

    BlockParts(BlockRequest const& request, BlockLimit const& limit)
        : request_(request),
          limit_(limit),
          data_(has_range() ? Span<Segment const>{} : request.data, limit.data),
          sector_(request.sector) {}

    /// Decides how large the next part is, and goes behind it.
    [[__nodiscard__]] Size next() {
        if (has_range()) {
            uint32_t const sectors = range_sectors();
            sector_ += sectors;
            return {sectors, 3};
        }
        SegmentSplitter::Part const part = data_.next();
        sector_ += part.bytes / spec::block::sector_bytes;
        return {part.bytes, part.segments + 2};
    }

    /// Makes the next part, whose length `next` of a copy has decided, and goes behind it. Its data is in `pieces`.
    [[__nodiscard__]] BlockPart take(uint32_t length, Pieces& pieces) {
        BlockPart const part{detail::request_type(request_.operation), length, sector_,
                             detail::range_flags(request_.operation), data_.take(length, pieces)};
        sector_ += has_range() ? length : length / spec::block::sector_bytes;
        return part;
    }

    [[__nodiscard__]] bool at_end() const { return has_range() ? range_left() == 0 : data_.at_end(); }

private:
    [[__nodiscard__]] bool has_range() const {
        return detail::is_range_type(detail::request_type(request_.operation));
    }
    [[__nodiscard__]] uint64_t range_left() const { return request_.sector_count - (sector_ - request_.sector); }
    [[__nodiscard__]] uint32_t range_sectors() const {
        uint32_t const sectors = limit_.range_sectors;
        if (sectors >= range_left()) {
            return static_cast<uint32_t>(range_left());
        }
        return sectors > limit_.range_alignment ? sectors - sectors % limit_.range_alignment : sectors;
    }

    BlockRequest const& request_;
    BlockLimit const& limit_;
    SegmentSplitter data_;
    uint64_t sector_;  ///< where the next part begins
};

}  // namespace virtq::detail
