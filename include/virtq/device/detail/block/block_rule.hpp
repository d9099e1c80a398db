// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/error.hpp>
#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_config.hpp>
#include <virtq/spec/block.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Checks a request by §5.2.6.1 and by what the disk reported, before the disk gets it.
class BlockRule {
public:
    constexpr BlockRule(BlockConfig const& config, Features const& negotiated)
        : config_(config), negotiated_(negotiated) {}

    [[__nodiscard__]] Error check(BlockRequest const& request) {
        switch (request.operation) {
            case BlockOperation::read: return check_data(request);
            case BlockOperation::write: return has(Bit::ro) ? Error::read_only : check_data(request);
            case BlockOperation::flush: return has(Bit::flush) ? Error::none : Error::not_supported;
            case BlockOperation::discard: return has(Bit::discard) ? check_change(request) : Error::not_supported;
            case BlockOperation::write_zeroes:
                return has(Bit::write_zeroes) ? check_change(request) : Error::not_supported;
            case BlockOperation::write_zeroes_may_unmap:
                return has(Bit::write_zeroes) && config_.write_zeroes_may_unmap ? check_change(request)
                                                                                : Error::not_supported;
            case BlockOperation::get_id: return check_id(request);
        }
        return Error::not_supported;
    }

    /// Whether a read or write of one segment breaks no rule and fits one part, as nearly all do. If not, `check` says
    /// what is wrong, unless the request only has to be split.
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE bool is_plain(BlockOperation operation, uint64_t sector,
                                                        Segment const& data) const {
        uint64_t const sectors = data.bytes / spec::block::sector_bytes;
        uint64_t const off_block = (sector * spec::block::sector_bytes | data.bytes) & (config_.block_bytes - 1);
        return data.bytes - 1 < config_.segment_bytes && off_block == 0 && (data.addr.value >> 63) == 0 &&
               sectors <= config_.capacity_sectors && sector <= config_.capacity_sectors - sectors &&
               (operation == BlockOperation::read || !has(Bit::ro));
    }

    /// Bytes of data in the request that `check` accepted, counted once.
    [[__nodiscard__]] uint64_t data_bytes() const { return data_bytes_; }

private:
    using Bit = spec::block::Feature;

    [[__nodiscard__]] bool has(Bit bit) const { return negotiated_.has(bit); }

    [[__nodiscard__]] Error check_data(BlockRequest const& request) {
        uint64_t bytes = 0;
        for (Segment const& segment : request.data) {
            if (segment.bytes == 0) {
                return Error::segment_empty;
            }
            if ((segment.addr.value >> 63) != 0) {
                return Error::segment_address_virtual;  // QEMU may report success for such a read, and lose the data
            }
            bytes += segment.bytes;
        }
        if (bytes == 0 || (bytes & (config_.block_bytes - 1)) != 0) {
            return Error::length_not_block_multiple;
        }
        data_bytes_ = bytes;
        return check_place(request.sector, bytes / spec::block::sector_bytes);
    }

    [[__nodiscard__]] Error check_change(BlockRequest const& request) const {
        if (has(Bit::ro)) {
            return Error::read_only;
        }
        return request.sector_count == 0 ? Error::length_not_block_multiple
                                         : check_place(request.sector, request.sector_count);
    }

    [[__nodiscard__]] Error check_place(uint64_t sector, uint64_t sectors) const {
        uint32_t const block_sectors = config_.block_bytes / spec::block::sector_bytes;
        if (((sector | sectors) & (block_sectors - 1)) != 0) {
            return Error::length_not_block_multiple;
        }
        bool const fits = sectors <= config_.capacity_sectors && sector <= config_.capacity_sectors - sectors;
        return fits ? Error::none : Error::beyond_capacity;
    }

    /// §5.2.6.1: exactly 20 bytes, here in one segment, so that any device takes them in one request.
    [[__nodiscard__]] Error check_id(BlockRequest const& request) {
        data_bytes_ = spec::block::id_bytes;
        bool const fits = request.data.size() == 1 && request.data[0].bytes == spec::block::id_bytes;
        return fits ? Error::none : Error::length_not_block_multiple;
    }

    BlockConfig const& config_;
    Features const& negotiated_;
    uint64_t data_bytes_ = 0;
};

}  // namespace virtq::detail
