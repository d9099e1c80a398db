// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/spec/block.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// What the device reads of one block request beside its data (§5.2.6), in pages of the driver's own. On a caller's stack,
/// the device could still read it after the caller has returned.
///
/// The header is followed by room for the range of a discard or write zeroes.
struct BlockFrame {
    spec::block::RequestHeader header;
    spec::block::Range range;

    /// Fills in the header. A legacy device reads it in the guest's byte order (§5.2.6.4).
    void put_header(spec::block::RequestType type, uint64_t sector, ByteOrder order) {
        platform::store_plain(&header.type, in_order(static_cast<uint32_t>(type), order));
        platform::store_plain(&header.reserved, uint32_t{0});
        platform::store_plain(&header.sector, in_order(sector, order));
    }
    void put_range(spec::block::Range const& wanted, ByteOrder order) {
        platform::store_plain(&range.sector, in_order(wanted.sector, order));
        platform::store_plain(&range.num_sectors, in_order(wanted.num_sectors, order));
        platform::store_plain(&range.flags, in_order(wanted.flags, order));
    }
};

/// The device never writes this value: a status byte that still has it was not written.
inline constexpr uint8_t block_status_unwritten = 0xff;

}  // namespace virtq::detail
