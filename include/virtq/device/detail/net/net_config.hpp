// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/device/config.hpp>
#include <virtq/device/net_types.hpp>
#include <virtq/spec/feature.hpp>
#include <virtq/spec/net.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// The device-specific configuration (§5.1.4). All zero before it is read, so that the driver is in .bss.
struct NetConfig {
    MacAddress mac{};
    uint16_t status = 0;
    uint16_t pairs = 0;  ///< how many the device has
    uint16_t mtu = 0;    ///< in bytes; 0: not said
    NetSpeed speed{};

    friend constexpr bool operator==(NetConfig const& a, NetConfig const& b) {
        return a.mac == b.mac && a.status == b.status && a.pairs == b.pairs && a.mtu == b.mtu && a.speed == b.speed;
    }
};

/// The features that a driver with these traits can use, beside those of the rings.
template <class Traits>
[[__nodiscard__]] constexpr Features net_features() {
    using Bit = spec::net::Feature;
    Features features = Features::of(Bit::csum, Bit::guest_csum, Bit::host_tso4, Bit::host_tso6, Bit::host_ecn,
                                     Bit::host_uso, Bit::mac, Bit::mtu, Bit::mrg_rxbuf, Bit::status, Bit::ctrl_vq,
                                     Bit::ctrl_rx, Bit::ctrl_rx_extra, Bit::ctrl_vlan, Bit::guest_announce,
                                     Bit::ctrl_mac_addr, Bit::ctrl_guest_offloads, Bit::speed_duplex);
    features.set(Bit::guest_hdrlen);
    features.set(Bit::notf_coal);
    if (Traits::pair_max > 1) {
        features.set(Bit::mq);
    }
    if (Traits::large_packets) {
        features = features |
                   Features::of(Bit::guest_tso4, Bit::guest_tso6, Bit::guest_ecn, Bit::guest_uso4, Bit::guest_uso6);
    }
    return features;
}

/// What this driver needs beside §5.1.3.1. It receives packets of 64 KiB in merged buffers only, because a single buffer is
/// too small. The standard lets ECN need one of two features; the driver needs the first. A feature with commands needs
/// the control queue, even if §5.1.3.1 does not list it.
struct NetNeeds {
    static constexpr size_t standard = sizeof spec::net::feature_needs / sizeof spec::net::feature_needs[0];
    static constexpr size_t own = 8;

    FeatureNeed rows[standard + own]{};

    constexpr NetNeeds() {
        using Bit = spec::net::Feature;
        for (size_t i = 0; i < standard; ++i) {
            rows[i] = spec::net::feature_needs[i];
        }
        size_t at = standard;
        constexpr Bit large[] = {Bit::guest_tso4, Bit::guest_tso6, Bit::guest_uso4, Bit::guest_uso6};
        for (Bit const bit : large) {
            rows[at++] = spec::net::need(bit, Bit::mrg_rxbuf);
        }
        rows[at++] = spec::net::need(Bit::guest_ecn, Bit::guest_tso4);
        rows[at++] = spec::net::need(Bit::host_ecn, Bit::host_tso4);
        rows[at++] = spec::net::need(Bit::ctrl_rx_extra, Bit::ctrl_vq);
        rows[at] = spec::net::need(Bit::ctrl_guest_offloads, Bit::ctrl_vq);
    }
};
inline constexpr NetNeeds net_needs{};

/// §5.1.4.2: what is no speed, or neither half nor full, is unknown.
template <Transport T>
[[__nodiscard__]] NetSpeed read_net_speed(T& transport) {
    namespace config = spec::net::config;
    constexpr uint32_t most = 0x7fffffff;
    uint32_t const megabits = transport.read_config32(config::speed.offset);
    auto const duplex = static_cast<spec::net::Duplex>(transport.read_config8(config::duplex.offset));
    bool const known = duplex == spec::net::Duplex::half_duplex || duplex == spec::net::Duplex::full_duplex;
    return {megabits <= most ? megabits : 0, known ? duplex : spec::net::Duplex::unknown};
}

/// Reads each field once, if its feature was negotiated (§2.5.1).
template <Transport T>
void read_net_fields(T& transport, Features const& features, NetConfig& read) {
    namespace config = spec::net::config;
    using Bit = spec::net::Feature;
    read = {};
    if (features.has(Bit::mac)) {
        for (uint16_t i = 0; i < spec::net::mac_bytes; ++i) {
            read.mac.bytes[i] = transport.read_config8(static_cast<uint16_t>(config::mac + i));
        }
    }
    // Without STATUS the link is assumed to be up (§5.1.4.2).
    read.status =
        features.has(Bit::status) ? transport.read_config16(config::status.offset) : spec::net::status_link_up;
    read.pairs = features.has(Bit::mq) ? transport.read_config16(config::max_virtqueue_pairs.offset) : uint16_t{1};
    if (features.has(Bit::mtu)) {
        read.mtu = transport.read_config16(config::mtu.offset);
    }
    if (features.has(Bit::speed_duplex)) {
        read.speed = read_net_speed(transport);
    }
}

/// Where the last field ends that is there with these features, in bytes. The address is there as a rule, also without MAC.
[[__nodiscard__]] inline uint32_t net_config_bytes(Features const& features) {
    namespace config = spec::net::config;
    using Bit = spec::net::Feature;
    return features.has(Bit::speed_duplex) ? config::duplex.offset + 1u
           : features.has(Bit::mtu)        ? config::mtu.offset + 2u
           : features.has(Bit::mq)         ? config::max_virtqueue_pairs.offset + 2u
           : features.has(Bit::status)     ? config::status.offset + 2u
                                           : spec::net::mac_bytes;
}

/// Reads the configuration without a change in between. After an error `config` is undefined. Errors: `config_unstable`,
/// those of `check_config`.
template <Transport T>
[[__nodiscard__]] Error read_net_config(T& transport, Features const& features, NetConfig& config) {
    if (Error const error = check_config(transport, net_config_bytes(features)); error != Error::none) {
        return error;
    }
    return read_config(transport, config,
                       [&](NetConfig& read) { detail::read_net_fields(transport, features, read); });
}

}  // namespace virtq::detail
