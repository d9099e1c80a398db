// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/bit.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/config.hpp>
#include <virtq/device/negotiation.hpp>
#include <virtq/spec/block.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

namespace virtq::detail {

/// What the block driver can make use of. More than one queue only if it has room for them.
[[__nodiscard__]] constexpr Features block_features(uint16_t queue_count_max) {
    using Bit = spec::block::Feature;
    Features features = Features::of(Bit::size_max, Bit::seg_max, Bit::ro, Bit::blk_size, Bit::flush, Bit::topology,
                                     Bit::config_wce, Bit::discard, Bit::write_zeroes);
    if (queue_count_max > 1) {
        features.set(Bit::mq);
    }
    return features;
}

/// What a disk says of itself in its configuration space (§5.2.4), as far as its features say that the fields are
/// there. A value that makes no sense is taken for "no limit", because a driver that believed it could not work. All
/// zero before it is read.
struct BlockConfig {
    uint64_t capacity_sectors = 0;
    uint32_t block_bytes = 0;    ///< a power of two of at least 512
    uint32_t segments = 0;       ///< most data segments of a request, also by the caller's own limit
    uint32_t segment_bytes = 0;  ///< most bytes of each
    BlockTopology topology;
    uint32_t discard_sectors = 0;       ///< most sectors of one discard
    uint32_t discard_alignment = 0;     ///< in sectors
    uint32_t write_zeroes_sectors = 0;  ///< most sectors of one write zeroes
    uint16_t queue_count = 0;
    bool write_zeroes_may_unmap = false;

    friend constexpr bool operator==(BlockConfig const&, BlockConfig const&) = default;
};

/// Most data segments of one request. `said` is the device's limit, 0 if it does not say: then it takes one, unless
/// the caller knows better (Firecracker and semu take the next descriptor for the status). `own` is the caller's, 0 if
/// none.
[[__nodiscard__]] constexpr uint32_t data_segments(uint32_t said, uint32_t own) {
    if (own == 0) {
        return said != 0 ? said : 1;
    }
    return said != 0 && said < own ? said : own;
}

/// The value, or `fallback` for 0, which is no sensible limit.
[[__nodiscard__]] constexpr uint32_t limit_or(uint32_t value, uint32_t fallback) {
    return value != 0 ? value : fallback;
}

[[__nodiscard__]] constexpr uint32_t sensible_block_bytes(uint32_t bytes) {
    return bytes >= spec::block::sector_bytes && is_power_of_two(bytes) ? bytes : spec::block::sector_bytes;
}

/// A limit in sectors, rounded down to whole blocks: a part of a request is whole blocks, as the request is (§5.2.6.1).
/// A limit below one block stays, and ends in an error when it is used.
[[__nodiscard__]] constexpr uint32_t whole_blocks(uint32_t sectors, uint32_t block_bytes) {
    uint32_t const block_sectors = block_bytes / spec::block::sector_bytes;
    return limit_or(sectors & ~(block_sectors - 1), sectors);
}

/// Where a discard may be split: where the device says, unless that is inside of a block.
[[__nodiscard__]] constexpr uint32_t split_alignment(uint32_t sectors, uint32_t block_bytes) {
    uint32_t const block_sectors = block_bytes / spec::block::sector_bytes;
    return (sectors & (block_sectors - 1)) == 0 ? limit_or(sectors, block_sectors) : block_sectors;
}

/// 0 for a field whose feature was not negotiated: it is not touched (§2.5.1).
template <Transport T>
[[__nodiscard__]] uint32_t read_if(T& transport, Features const& features, spec::block::Feature bit,
                                   ReadOnly<uint32_t> field) {
    return features.has(bit) ? transport.read_config32(field.offset) : 0;
}

/// Reads each field once.
template <Transport T>
[[__nodiscard__]] BlockConfig read_block_fields(T& transport, Features const& features, uint32_t own_segments) {
    namespace config = spec::block::config;
    using Bit = spec::block::Feature;
    auto const word = [&](Bit bit, ReadOnly<uint32_t> field) { return read_if(transport, features, bit, field); };
    BlockConfig read;
    read.capacity_sectors = read_config64_once(transport, config::capacity);
    read.segment_bytes = limit_or(word(Bit::size_max, config::size_max), UINT32_MAX);
    // A request without data segments carries no data, so 0 cannot be meant.
    uint32_t const said = features.has(Bit::seg_max) ? limit_or(word(Bit::seg_max, config::seg_max), 1) : 0;
    read.segments = data_segments(said, own_segments);
    read.block_bytes = sensible_block_bytes(word(Bit::blk_size, config::blk_size));
    if (features.has(Bit::topology)) {
        read.topology = {transport.read_config8(config::physical_block_exp.offset),
                         transport.read_config8(config::alignment_offset.offset),
                         transport.read_config16(config::min_io_size.offset),
                         transport.read_config32(config::opt_io_size.offset)};
    }
    uint16_t const queues = features.has(Bit::mq) ? transport.read_config16(config::num_queues.offset) : uint16_t{1};
    read.queue_count = queues != 0 ? queues : uint16_t{1};
    auto const range = [&](uint32_t sectors) { return whole_blocks(limit_or(sectors, UINT32_MAX), read.block_bytes); };
    read.discard_sectors = range(word(Bit::discard, config::max_discard_sectors));
    read.discard_alignment = split_alignment(word(Bit::discard, config::discard_sector_alignment), read.block_bytes);
    read.write_zeroes_sectors = range(word(Bit::write_zeroes, config::max_write_zeroes_sectors));
    read.write_zeroes_may_unmap =
        features.has(Bit::write_zeroes) && transport.read_config8(config::write_zeroes_may_unmap.offset) != 0;
    return read;
}

/// The configuration, read without a change in between. `own_segments` is the caller's own limit of data segments a
/// request; 0: none. Errors: `config_unstable`; `config_absent`, `config_refused` or `config_too_short` if not even the
/// capacity is there, which every disk has.
template <Transport T>
[[__nodiscard__]] Result<BlockConfig> read_block_config(T& transport, Features const& features,
                                                        uint32_t own_segments = 0) {
    if (Status const there = check_config(transport, spec::block::config::capacity + 8); !there) {
        return there.error();
    }
    return read_config(transport, [&] { return detail::read_block_fields(transport, features, own_segments); });
}

/// What a driver of these traits asks of a disk. ACCESS_PLATFORM needs somebody who translates (§6): the mapper, and
/// for the driver's own pages an allocator whose physical addresses are the device's.
template <class Traits>
[[__nodiscard__]] constexpr Negotiation block_negotiation(BlockOption const& option) {
    Negotiation negotiation;
    negotiation.wanted = block_features(Traits::queue_count_max) | Traits::Format::wanted;
    if constexpr (!SameAs<typename Traits::Mapper, NoMapper>) {
        negotiation.wanted.set(spec::Feature::access_platform);
    }
    negotiation.unwanted = option.unwanted;
    negotiation.required = Traits::Format::required;
    negotiation.needs = spec::block::feature_needs;
    return negotiation;
}

}  // namespace virtq::detail
