// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>
#include <virtq/spec/feature.hpp>

#include <stddef.h>
#include <stdint.h>

/// Network device, §5.1 (Network Device).
namespace virtq::spec::net {

/// §5.1.3 (Feature bits).
enum class Feature : uint8_t {
    csum = 0,                        ///< VIRTIO_NET_F_CSUM
    guest_csum = 1,                  ///< VIRTIO_NET_F_GUEST_CSUM
    ctrl_guest_offloads = 2,         ///< VIRTIO_NET_F_CTRL_GUEST_OFFLOADS
    mtu = 3,                         ///< VIRTIO_NET_F_MTU
    mac = 5,                         ///< VIRTIO_NET_F_MAC
    gso = 6,                         ///< VIRTIO_NET_F_GSO (legacy)
    guest_tso4 = 7,                  ///< VIRTIO_NET_F_GUEST_TSO4
    guest_tso6 = 8,                  ///< VIRTIO_NET_F_GUEST_TSO6
    guest_ecn = 9,                   ///< VIRTIO_NET_F_GUEST_ECN
    guest_ufo = 10,                  ///< VIRTIO_NET_F_GUEST_UFO
    host_tso4 = 11,                  ///< VIRTIO_NET_F_HOST_TSO4
    host_tso6 = 12,                  ///< VIRTIO_NET_F_HOST_TSO6
    host_ecn = 13,                   ///< VIRTIO_NET_F_HOST_ECN
    host_ufo = 14,                   ///< VIRTIO_NET_F_HOST_UFO
    mrg_rxbuf = 15,                  ///< VIRTIO_NET_F_MRG_RXBUF
    status = 16,                     ///< VIRTIO_NET_F_STATUS
    ctrl_vq = 17,                    ///< VIRTIO_NET_F_CTRL_VQ
    ctrl_rx = 18,                    ///< VIRTIO_NET_F_CTRL_RX
    ctrl_vlan = 19,                  ///< VIRTIO_NET_F_CTRL_VLAN
    ctrl_rx_extra = 20,              ///< VIRTIO_NET_F_CTRL_RX_EXTRA
    guest_announce = 21,             ///< VIRTIO_NET_F_GUEST_ANNOUNCE
    mq = 22,                         ///< VIRTIO_NET_F_MQ
    ctrl_mac_addr = 23,              ///< VIRTIO_NET_F_CTRL_MAC_ADDR
    guest_rsc4 = 41,                 ///< VIRTIO_NET_F_GUEST_RSC4 (legacy)
    guest_rsc6 = 42,                 ///< VIRTIO_NET_F_GUEST_RSC6 (legacy)
    device_stats = 50,               ///< VIRTIO_NET_F_DEVICE_STATS
    hash_tunnel = 51,                ///< VIRTIO_NET_F_HASH_TUNNEL
    vq_notf_coal = 52,               ///< VIRTIO_NET_F_VQ_NOTF_COAL
    notf_coal = 53,                  ///< VIRTIO_NET_F_NOTF_COAL
    guest_uso4 = 54,                 ///< VIRTIO_NET_F_GUEST_USO4
    guest_uso6 = 55,                 ///< VIRTIO_NET_F_GUEST_USO6
    host_uso = 56,                   ///< VIRTIO_NET_F_HOST_USO
    hash_report = 57,                ///< VIRTIO_NET_F_HASH_REPORT
    guest_hdrlen = 59,               ///< VIRTIO_NET_F_GUEST_HDRLEN
    rss = 60,                        ///< VIRTIO_NET_F_RSS
    rsc_ext = 61,                    ///< VIRTIO_NET_F_RSC_EXT
    standby = 62,                    ///< VIRTIO_NET_F_STANDBY
    speed_duplex = 63,               ///< VIRTIO_NET_F_SPEED_DUPLEX
    rss_context = 64,                ///< VIRTIO_NET_F_RSS_CONTEXT
    guest_udp_tunnel_gso = 65,       ///< VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO
    guest_udp_tunnel_gso_csum = 66,  ///< VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM
    host_udp_tunnel_gso = 67,        ///< VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO
    host_udp_tunnel_gso_csum = 68,   ///< VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO_CSUM
    out_net_header = 69,             ///< VIRTIO_NET_F_OUT_NET_HEADER
    ipsec = 70,                      ///< VIRTIO_NET_F_IPSEC
};

/// A row of `feature_needs`.
[[__nodiscard__]] constexpr FeatureNeed need(Feature feature, Feature needs) {
    return {static_cast<uint8_t>(feature), static_cast<uint8_t>(needs)};
}

/// §5.1.3.1 (Feature bit requirements). A table cannot say "one of two", as GUEST_ECN, HOST_ECN, RSC_EXT and
/// HASH_TUNNEL need: a driver that wants one of these checks that itself.
inline constexpr FeatureNeed feature_needs[] = {
    need(Feature::guest_tso4, Feature::guest_csum),
    need(Feature::guest_tso6, Feature::guest_csum),
    need(Feature::guest_ufo, Feature::guest_csum),
    need(Feature::guest_uso4, Feature::guest_csum),
    need(Feature::guest_uso6, Feature::guest_csum),
    need(Feature::guest_udp_tunnel_gso, Feature::guest_tso4),
    need(Feature::guest_udp_tunnel_gso, Feature::guest_tso6),
    need(Feature::guest_udp_tunnel_gso, Feature::guest_uso4),
    need(Feature::guest_udp_tunnel_gso, Feature::guest_uso6),
    need(Feature::guest_udp_tunnel_gso_csum, Feature::guest_udp_tunnel_gso),
    need(Feature::host_tso4, Feature::csum),
    need(Feature::host_tso6, Feature::csum),
    need(Feature::host_ufo, Feature::csum),
    need(Feature::host_uso, Feature::csum),
    need(Feature::host_udp_tunnel_gso, Feature::host_tso4),
    need(Feature::host_udp_tunnel_gso, Feature::host_tso6),
    need(Feature::host_udp_tunnel_gso, Feature::host_uso),
    need(Feature::host_udp_tunnel_gso_csum, Feature::host_udp_tunnel_gso),
    need(Feature::ctrl_rx, Feature::ctrl_vq),
    need(Feature::ctrl_vlan, Feature::ctrl_vq),
    need(Feature::guest_announce, Feature::ctrl_vq),
    need(Feature::mq, Feature::ctrl_vq),
    need(Feature::ctrl_mac_addr, Feature::ctrl_vq),
    need(Feature::notf_coal, Feature::ctrl_vq),
    need(Feature::vq_notf_coal, Feature::ctrl_vq),
    need(Feature::rss, Feature::ctrl_vq),
    need(Feature::hash_tunnel, Feature::ctrl_vq),
    need(Feature::rss_context, Feature::ctrl_vq),
    need(Feature::rss_context, Feature::rss),
};

/// §5.1.2 (Virtqueues): the queue in which the device puts packets. `pair` is 0 for receiveq1. With `n` pairs, queue
/// `receive_queue(n)` is the control queue. `pair` is below 32768, so that the number fits 16 bits.
[[__nodiscard__]] constexpr uint16_t receive_queue(uint16_t pair) {
    return static_cast<uint16_t>(2u * pair);
}
/// §5.1.2 (Virtqueues): the queue in which the driver puts packets. `pair` is 0 for transmitq1.
[[__nodiscard__]] constexpr uint16_t transmit_queue(uint16_t pair) {
    return static_cast<uint16_t>(2u * pair + 1);
}

/// Length of a MAC address, in bytes.
inline constexpr uint32_t mac_bytes = 6;

/// §5.1.4 (Device configuration layout): offsets in the configuration space.
namespace config {
inline constexpr uint16_t mac = 0;                                     ///< MAC: the address of the card, `mac_bytes`
inline constexpr detail::ReadOnly<uint16_t> status{6};                 ///< STATUS: `status_link_up`, `status_announce`
inline constexpr detail::ReadOnly<uint16_t> max_virtqueue_pairs{8};    ///< MQ, RSS: 1 to 32768
inline constexpr detail::ReadOnly<uint16_t> mtu{10};                   ///< MTU: 68 to 65535, in bytes
inline constexpr detail::ReadOnly<uint32_t> speed{12};                 ///< SPEED_DUPLEX: Mbit/s; unknown from 2^31 on
inline constexpr detail::ReadOnly<uint8_t> duplex{16};                 ///< SPEED_DUPLEX: see `Duplex`
inline constexpr detail::ReadOnly<uint8_t> rss_max_key_size{17};       ///< RSS, HASH_REPORT: in bytes
inline constexpr detail::ReadOnly<uint16_t> rss_max_indirection{18};   ///< RSS: entries of its table
inline constexpr detail::ReadOnly<uint32_t> supported_hash_types{20};  ///< RSS, HASH_REPORT: a bit for each type
}  // namespace config

/// §5.1.4: bit 0 of `status`, VIRTIO_NET_S_LINK_UP.
inline constexpr uint16_t status_link_up = 1;
/// §5.1.4: bit 1 of `status`, VIRTIO_NET_S_ANNOUNCE. The driver announces its addresses, then sends `announce_ack`.
inline constexpr uint16_t status_announce = 2;

/// §5.1.4: values of `duplex`. §5.1.4.1 has them the other way round; QEMU and Linux agree with these.
enum class Duplex : uint8_t { half_duplex = 0, full_duplex = 1, unknown = 0xff };

/// §5.1.9 (Device Operation): precedes each packet. Further fields follow with HASH_REPORT, the UDP tunnel features,
/// OUT_NET_HEADER or IPSEC.
struct Header {
    uint8_t flags;         ///< `header_needs_csum` and others
    uint8_t gso_type;      ///< a `Gso`, perhaps with `gso_ecn`
    uint16_t hdr_len;      ///< length of the headers in front of the data to be split, in bytes
    uint16_t gso_size;     ///< most data of a packet after the split, in bytes
    uint16_t csum_start;   ///< where the checksum starts, in bytes from the start of the packet
    uint16_t csum_offset;  ///< where to store it, in bytes from `csum_start`
    uint16_t num_buffers;  ///< how many receive buffers the packet fills; 0 on transmission
};
static_assert(sizeof(Header) == 12 && offsetof(Header, hdr_len) == 2 && offsetof(Header, csum_start) == 6 &&
                  offsetof(Header, num_buffers) == 10,
              "A network header is 12 bytes: u8 flags, u8 gso_type, then five le16 (§5.1.9)");

/// §5.1.9.1 (Legacy Interface: Device Operation): without VERSION_1 and MRG_RXBUF the header lacks `num_buffers`.
inline constexpr uint32_t header_bytes_legacy = 10;
/// §5.1.9: with HASH_REPORT, 8 bytes more follow: le32 hash_value, le16 hash_report, le16 padding.
inline constexpr uint32_t header_bytes_with_hash = 20;

/// §5.1.9 (Device Operation), §5.1.9.1: length of the header, in bytes. Not for drivers that negotiate a UDP tunnel
/// feature, OUT_NET_HEADER or IPSEC.
[[__nodiscard__]] constexpr uint32_t header_bytes(Features const& negotiated) {
    if (negotiated.has(Feature::hash_report)) {
        return header_bytes_with_hash;
    }
    bool const has_count = negotiated.has(spec::Feature::version_1) || negotiated.has(Feature::mrg_rxbuf);
    return has_count ? uint32_t{sizeof(Header)} : header_bytes_legacy;
}

/// §5.1.9: bits of `Header::flags`.
inline constexpr uint8_t header_needs_csum = 1;  ///< VIRTIO_NET_HDR_F_NEEDS_CSUM: the checksum is not complete
inline constexpr uint8_t header_data_valid = 2;  ///< VIRTIO_NET_HDR_F_DATA_VALID: the device has checked it
inline constexpr uint8_t header_rsc_info = 4;    ///< VIRTIO_NET_HDR_F_RSC_INFO: csum_start, csum_offset are counters

/// §5.1.9: values of `Header::gso_type`, without `gso_ecn`.
enum class Gso : uint8_t {
    none = 0,    ///< VIRTIO_NET_HDR_GSO_NONE
    tcpv4 = 1,   ///< VIRTIO_NET_HDR_GSO_TCPV4
    udp = 3,     ///< VIRTIO_NET_HDR_GSO_UDP: fragments (UFO)
    tcpv6 = 4,   ///< VIRTIO_NET_HDR_GSO_TCPV6
    udp_l4 = 5,  ///< VIRTIO_NET_HDR_GSO_UDP_L4: datagrams (USO)
};
/// §5.1.9: bit 7 of `Header::gso_type`, VIRTIO_NET_HDR_GSO_ECN.
inline constexpr uint8_t gso_ecn = 0x80;

/// §5.1.9.5 (Control Virtqueue): starts a command. Its data follow, then the device-writable `Ack`.
struct Control {
    uint8_t group;    ///< `class` of the standard: a `ControlClass`
    uint8_t command;  ///< depends on the class
};
static_assert(sizeof(Control) == 2, "A network control header is 2 bytes: u8 class, u8 command (§5.1.9.5)");

/// §5.1.9.5: the answer of the device.
enum class Ack : uint8_t {
    ok = 0,   ///< VIRTIO_NET_OK
    err = 1,  ///< VIRTIO_NET_ERR
};

/// §5.1.9.5: what a command is about.
enum class ControlClass : uint8_t {
    rx = 0,              ///< VIRTIO_NET_CTRL_RX
    mac = 1,             ///< VIRTIO_NET_CTRL_MAC
    vlan = 2,            ///< VIRTIO_NET_CTRL_VLAN
    announce = 3,        ///< VIRTIO_NET_CTRL_ANNOUNCE
    mq = 4,              ///< VIRTIO_NET_CTRL_MQ
    guest_offloads = 5,  ///< VIRTIO_NET_CTRL_GUEST_OFFLOADS
    notf_coal = 6,       ///< VIRTIO_NET_CTRL_NOTF_COAL
};
/// §5.1.9.5.1 (Packet Receive Filtering). The data of each command are one byte: 1 on, 0 off. From `all_uni` on they
/// need CTRL_RX_EXTRA.
enum class RxCommand : uint8_t {
    promisc = 0,    ///< VIRTIO_NET_CTRL_RX_PROMISC
    all_multi = 1,  ///< VIRTIO_NET_CTRL_RX_ALLMULTI
    all_uni = 2,    ///< VIRTIO_NET_CTRL_RX_ALLUNI
    no_multi = 3,   ///< VIRTIO_NET_CTRL_RX_NOMULTI
    no_uni = 4,     ///< VIRTIO_NET_CTRL_RX_NOUNI
    no_bcast = 5,   ///< VIRTIO_NET_CTRL_RX_NOBCAST
};
/// §5.1.9.5.2 (Setting MAC Address Filtering).
enum class MacCommand : uint8_t {
    table_set = 0,  ///< VIRTIO_NET_CTRL_MAC_TABLE_SET: unicast, then multicast, each le32 count and addresses
    addr_set = 1,   ///< VIRTIO_NET_CTRL_MAC_ADDR_SET: an address
};
/// §5.1.9.5.3 (VLAN Filtering). The data are the le16 number of a VLAN.
enum class VlanCommand : uint8_t {
    add = 0,  ///< VIRTIO_NET_CTRL_VLAN_ADD
    del = 1,  ///< VIRTIO_NET_CTRL_VLAN_DEL
};
/// §5.1.9.5.4 (Gratuitous Packet Sending): VIRTIO_NET_CTRL_ANNOUNCE_ACK, without data.
inline constexpr uint8_t announce_ack = 0;
/// §5.1.9.5.6 (Automatic receive steering in multiqueue mode): VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, le16 number of pairs.
inline constexpr uint8_t mq_vq_pairs_set = 0;
/// §5.1.9.5.9 (Offloads State Configuration): VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, le64 bits by feature number.
inline constexpr uint8_t guest_offloads_set = 0;
/// §5.1.9.5.10 (Notifications Coalescing). The data are le32 max_packets and le32 max_usecs.
enum class CoalescingCommand : uint8_t {
    tx_set = 0,  ///< VIRTIO_NET_CTRL_NOTF_COAL_TX_SET
    rx_set = 1,  ///< VIRTIO_NET_CTRL_NOTF_COAL_RX_SET
};

}  // namespace virtq::spec::net
