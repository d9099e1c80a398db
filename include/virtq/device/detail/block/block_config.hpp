// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/bit.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/block_types.hpp>
#include <virtq/device/config.hpp>
#include <virtq/device/negotiation.hpp>
#include <virtq/spec/block.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The features that the block driver can use. MQ only if it can use more than one queue.
[[__nodiscard__]] constexpr Features block_features(uint16_t queue_count_max) {
    using Bit = spec::block::Feature;
    Features features = Features::of(Bit::size_max, Bit::seg_max, Bit::ro, Bit::blk_size, Bit::flush, Bit::topology,
                                     Bit::config_wce, Bit::discard, Bit::write_zeroes);
    if (queue_count_max > 1) {
        features.set(Bit::mq);
    }
    return features;
}

/// Most bytes of one request to the device: hosts treat a length as a signed number.
inline constexpr uint32_t part_bytes_max = uint32_t{1} << 30;

/// What a disk reports in its configuration space (§5.2.4). Only fields whose features were negotiated are read. An
/// invalid value is replaced by one with which the driver can work, in most cases by "no limit". All zero before it is
/// read.
struct BlockConfig {
    uint64_t capacity_sectors = 0;
    uint32_t block_bytes = 0;    ///< a power of two of at least 512
    uint32_t segments = 0;       ///< most data segments of a request, the caller's own limit included
    uint32_t segment_bytes = 0;  ///< most bytes of a data segment, at most `part_bytes_max`
    BlockTopology topology;
    uint32_t discard_sectors = 0;       ///< most sectors of one discard
    uint32_t discard_alignment = 0;     ///< in sectors
    uint32_t write_zeroes_sectors = 0;  ///< most sectors of one write zeroes
    uint16_t queue_count = 0;
    bool write_zeroes_may_unmap = false;
    uint8_t filler[5] = {};  ///< so that there is no padding, and two can be compared as bytes

    friend bool operator==(BlockConfig const& a, BlockConfig const& b) {
        return __builtin_memcmp(&a, &b, sizeof(BlockConfig)) == 0;
    }
};
static_assert(__has_unique_object_representations(BlockConfig));

/// Most data segments of one request. `said` is the device's limit, 0 if it reports none; `own` is the caller's, 0 if
/// none. Without any limit it is one, because Firecracker and semu take the second data segment for the status.
[[__nodiscard__]] constexpr uint32_t data_segments(uint32_t said, uint32_t own) {
    if (own == 0) {
        return said != 0 ? said : 1;
    }
    return said != 0 && said < own ? said : own;
}

/// `value`, or `fallback` if it is 0, which cannot be meant as a limit.
[[__nodiscard__]] constexpr uint32_t limit_or(uint32_t value, uint32_t fallback) {
    return value != 0 ? value : fallback;
}

[[__nodiscard__]] constexpr uint32_t sensible_block_bytes(uint32_t bytes) {
    return bytes >= spec::block::sector_bytes && is_power_of_two(bytes) ? bytes : spec::block::sector_bytes;
}

/// A limit in sectors, rounded down to whole blocks: the parts of a request are whole blocks, as the request is
/// (§5.2.6.1). A limit below one block stays, and ends in an error when it is used.
[[__nodiscard__]] constexpr uint32_t whole_blocks(uint32_t sectors, uint32_t block_bytes) {
    uint32_t const block_sectors = block_bytes / spec::block::sector_bytes;
    return limit_or(sectors & ~(block_sectors - 1), sectors);
}

/// The unit in which a discard is split, in sectors: the device's alignment, or one block if that is no multiple of a
/// block.
[[__nodiscard__]] constexpr uint32_t split_alignment(uint32_t sectors, uint32_t block_bytes) {
    uint32_t const block_sectors = block_bytes / spec::block::sector_bytes;
    return (sectors & (block_sectors - 1)) == 0 ? limit_or(sectors, block_sectors) : block_sectors;
}

/// Reads each field once, and only if its feature was negotiated: otherwise it must not be read (§2.5.1) and counts as 0.
template <Transport T>
void read_block_fields(T& transport, Features const& features, uint32_t own_segments, BlockConfig& read) {
    namespace config = spec::block::config;
    using Bit = spec::block::Feature;
    auto const word = [&](Bit bit, uint16_t offset) {
        return features.has(bit) ? transport.read_config32(offset) : uint32_t{0};
    };
    read.capacity_sectors = read_config64_once(transport, config::capacity);
    uint32_t const size_max = word(Bit::size_max, config::size_max.offset);
    read.segment_bytes = size_max - 1 < part_bytes_max ? size_max : part_bytes_max;  // 0 is no limit
    // A limit of 0 cannot be meant: such a request carries no data.
    uint32_t const said = features.has(Bit::seg_max) ? limit_or(word(Bit::seg_max, config::seg_max.offset), 1) : 0;
    read.segments = data_segments(said, own_segments);
    read.block_bytes = sensible_block_bytes(word(Bit::blk_size, config::blk_size.offset));
    if (features.has(Bit::topology)) {
        read.topology = {transport.read_config8(config::physical_block_exp.offset),
                         transport.read_config8(config::alignment_offset.offset),
                         transport.read_config16(config::min_io_size.offset),
                         transport.read_config32(config::opt_io_size.offset)};
    }
    uint16_t const queues = features.has(Bit::mq) ? transport.read_config16(config::num_queues.offset) : uint16_t{0};
    read.queue_count = queues != 0 ? queues : uint16_t{1};
    auto const range = [&](uint32_t sectors) { return whole_blocks(limit_or(sectors, UINT32_MAX), read.block_bytes); };
    read.discard_sectors = range(word(Bit::discard, config::max_discard_sectors.offset));
    read.discard_alignment =
        split_alignment(word(Bit::discard, config::discard_sector_alignment.offset), read.block_bytes);
    read.write_zeroes_sectors = range(word(Bit::write_zeroes, config::max_write_zeroes_sectors.offset));
    read.write_zeroes_may_unmap =
        features.has(Bit::write_zeroes) && transport.read_config8(config::write_zeroes_may_unmap.offset) != 0;
}

/// Reads the configuration without a change in between. `own_segments` is the caller's own limit of data segments per
/// request; 0: none. After an error `config` is undefined. Errors: `config_unstable`; `config_absent`, `config_refused` or `config_too_short` if not even
/// the capacity can be read, which every disk has.
template <Transport T>
[[__nodiscard__]] Error read_block_config(T& transport, Features const& features, uint32_t own_segments,
                                          BlockConfig& config) {
    if (Error const error = check_config(transport, spec::block::config::capacity + 8); error != Error::none) {
        return error;
    }
    return read_config(transport, config,
                       [&](BlockConfig& read) { detail::read_block_fields(transport, features, own_segments, read); });
}

/// §5.2.5.1: a driver without ZONED must neither drive a host-managed disk nor accept its DISCARD.
template <Transport T>
[[__nodiscard__]] Error check_zones(T& transport, Features const& offered) {
    if (transport.is_legacy() || !offered.has(spec::block::Feature::zoned)) {
        return Error::none;
    }
    uint8_t const model = transport.read_config8(spec::block::config::zoned_model.offset);
    return model == spec::block::zoned_host_managed ? Error::zoned_host_managed : Error::none;
}

}  // namespace virtq::detail
