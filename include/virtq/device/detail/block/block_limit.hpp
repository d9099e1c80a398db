// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_config.hpp>
#include <virtq/device/detail/segment_splitter.hpp>

#include <stdint.h>

namespace virtq::detail {

/// What one request to the device can carry at most.
struct BlockLimit {
    PartLimit data;
    uint32_t range_sectors = UINT32_MAX;  ///< most sectors of a discard or write zeroes
    uint32_t range_granule =
        1;  ///< sectors of every split range but the last are a multiple, if `range_sectors` permits
};

/// The limits of one operation on a device, in a queue whose chains have room for `segments` data segments.
[[__nodiscard__]] inline BlockLimit block_limit(BlockConfig const& config, BlockOperation operation,
                                                uint32_t segments) {
    BlockLimit limit;
    limit.data.segments = segments;
    limit.data.segment_bytes = config.segment_bytes;
    limit.data.bytes = part_bytes_max;
    limit.data.granule = config.block_bytes;
    if (operation == BlockOperation::discard) {
        limit.range_sectors = config.discard_sectors;
        limit.range_granule = config.discard_alignment;
    } else {
        limit.range_sectors = config.write_zeroes_sectors;
    }
    return limit;
}

}  // namespace virtq::detail
