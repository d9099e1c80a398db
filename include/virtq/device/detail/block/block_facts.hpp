// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_config.hpp>
#include <virtq/device/init.hpp>
#include <virtq/device/negotiation.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The properties of a disk: its negotiated features (§5.2.3) and its configuration (§5.2.4). A member of
/// `BlockDevice`. They change when the disk comes up, and when the driver reads the configuration again.
class BlockFacts {
public:
    /// In units of 512 bytes, whatever `block_bytes` is.
    [[__nodiscard__]] uint64_t capacity_sectors() const { return config_.capacity_sectors; }
    /// The block size in bytes: what the device reports, otherwise 512. A request must start and end at a multiple of
    /// it.
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

    /// What `agree` shall negotiate.
    void want(Features const& wanted, Features const& required, Features const& unwanted) {
        negotiation_ = Negotiation{};
        negotiation_.wanted = wanted;
        negotiation_.required = required;
        negotiation_.unwanted = unwanted;
        negotiation_.needs = spec::block::feature_needs;
    }
    /// Steps 1 to 6 of §3.1.1, then reads the configuration, which is permitted after them. Errors: those of
    /// `DeviceInit::negotiate`, of `read_block_config`, and `zoned_host_managed`.
    template <Transport T, Relax R>
    [[__nodiscard__]] Status agree(DeviceInit<T>& init, T& transport, BlockOption const& option, R& relax) {
        auto const check = [&](Features const& offered) { return check_zones(transport, offered); };
        if (Status const agreed = init.negotiate(negotiation_, option.reset_limit, relax, check); !agreed) {
            return agreed;
        }
        Error const error = read_block_config(transport, negotiated(), option.data_segments, config_);
        return error == Error::none ? Status{} : init.fail(error);
    }
    /// Reads the configuration. Returns whether it differs from the one before. Errors: those of `read_block_config`;
    /// then nothing has changed.
    template <Transport T>
    [[__nodiscard__]] Result<bool> read_again(T& transport, BlockOption const& option) {
        BlockConfig read;
        if (Error const error = read_block_config(transport, negotiated(), option.data_segments, read);
            error != Error::none) {
            return error;
        }
        bool const differs = read != config_;
        config_ = read;
        return differs;
    }
    /// §5.2.5: the cache mode of a disk that does not report it, or is not up.
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

    /// Clears the configuration when the disk is released. The negotiation stays, so that a failed `init` can be
    /// explained.
    void forget_config() { config_ = BlockConfig{}; }

private:
    /// §5.2.5.1: a driver without ZONED must neither drive a host-managed disk nor accept its DISCARD.
    template <Transport T>
    [[__nodiscard__]] static Error check_zones(T& transport, Features const& offered) {
        if (transport.is_legacy() || !offered.has(Bit::zoned)) {
            return Error::none;
        }
        uint8_t const model = transport.read_config8(spec::block::config::zoned_model.offset);
        return model == spec::block::zoned_host_managed ? Error::zoned_host_managed : Error::none;
    }

    Negotiation negotiation_;
    BlockConfig config_;
};

}  // namespace virtq::detail
