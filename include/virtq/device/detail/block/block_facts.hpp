// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_config.hpp>
#include <virtq/device/init.hpp>
#include <virtq/device/negotiation.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq::detail {

/// What a disk is: the features that were agreed on (§5.2.3), and what its configuration says (§5.2.4). The part of
/// `BlockDevice` that answers questions. It changes when the disk comes up, and when the driver reads it again.
class BlockFacts {
public:
    [[__nodiscard__]] uint64_t capacity_sectors() const { return config_.capacity_sectors; }
    /// Sectors and lengths are multiples of this: 512, or what the device says.
    [[__nodiscard__]] uint32_t block_bytes() const { return config_.block_bytes; }
    [[__nodiscard__]] BlockTopology const& topology() const { return config_.topology; }
    [[__nodiscard__]] bool is_read_only() const { return has(Bit::ro); }
    /// Whether there is a write cache that `flush` empties (§5.2.5).
    [[__nodiscard__]] bool can_flush() const { return has(Bit::flush); }
    [[__nodiscard__]] bool can_discard() const { return has(Bit::discard); }
    [[__nodiscard__]] bool can_write_zeroes() const { return has(Bit::write_zeroes); }
    [[__nodiscard__]] Negotiation const& negotiation() const { return negotiation_; }

    using Bit = spec::block::Feature;

    [[__nodiscard__]] bool has(Bit bit) const { return negotiation_.negotiated.has(bit); }
    [[__nodiscard__]] Features const& negotiated() const { return negotiation_.negotiated; }
    [[__nodiscard__]] BlockConfig const& config() const { return config_; }

    /// Steps 1 to 6 of §3.1.1, and the configuration, which may be read behind them. Errors: those of
    /// `DeviceInit::negotiate`, of `read_block_config`, and `zoned_host_managed`.
    template <Transport T, Relax R>
    [[__nodiscard__]] Status agree(DeviceInit<T>& init, T& transport, Negotiation const& wish,
                                   BlockOption const& option, R& relax) {
        negotiation_ = wish;
        auto const check = [&](Features const& offered) { return check_zones(transport, offered); };
        if (Status const agreed = init.negotiate(negotiation_, option.reset_limit, relax, check); !agreed) {
            return agreed;
        }
        Result<bool> const read = read_again(transport, option);
        return read ? Status{} : init.fail(read.error());
    }
    /// Whether the configuration differs from what it was. Error: `config_unstable`; then nothing has changed.
    template <Transport T>
    [[__nodiscard__]] Result<bool> read_again(T& transport, BlockOption const& option) {
        Result<BlockConfig> const read = read_block_config(transport, negotiated(), option.data_segments);
        if (!read) {
            return read.error();
        }
        bool const differs = *read != config_;
        config_ = *read;
        return differs;
    }
    /// §5.2.5: of a disk that does not say, or is not up.
    [[__nodiscard__]] BlockCacheMode deduced_cache_mode() const {
        return can_flush() ? BlockCacheMode::writeback : BlockCacheMode::writethrough;
    }
    template <Transport T>
    [[__nodiscard__]] BlockCacheMode read_cache_mode(T& transport) const {
        if (!has(Bit::config_wce)) {
            return deduced_cache_mode();
        }
        bool const writeback = transport.read_config8(spec::block::config::writeback.offset) != 0;
        return writeback ? BlockCacheMode::writeback : BlockCacheMode::writethrough;
    }
    template <Transport T>
    [[__nodiscard__]] Status switch_cache_mode(T& transport, BlockCacheMode mode) const {
        if (!has(Bit::config_wce)) {
            return Error::not_supported;
        }
        transport.write_config8(spec::block::config::writeback.offset, static_cast<uint8_t>(mode));
        return read_cache_mode(transport) == mode ? Status{} : Status{Error::not_supported};
    }

    /// The disk is given back. What was negotiated stays, for whoever asks why.
    void forget_config() { config_ = BlockConfig{}; }

private:
    /// §5.2.5.1: a driver without zones neither drives a host-managed disk nor accepts DISCARD of it.
    template <Transport T>
    [[__nodiscard__]] static Error check_zones(T& transport, Features const& offered) {
        bool const is_host_managed =
            !transport.is_legacy() && offered.has(Bit::zoned) &&
            transport.read_config8(spec::block::config::zoned_model.offset) == spec::block::zoned_host_managed;
        return is_host_managed ? Error::zoned_host_managed : Error::none;
    }

    Negotiation negotiation_;
    BlockConfig config_;
};

}  // namespace virtq::detail
