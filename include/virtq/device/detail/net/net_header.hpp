// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/base/error.hpp>
#include <virtq/device/driver_fault.hpp>
#include <virtq/device/net_types.hpp>
#include <virtq/spec/net.hpp>

#include <stdint.h>

namespace virtq::detail {

/// How many bytes of a receive buffer the device fills at most, with the header if the packet begins in it.
template <class Traits>
inline constexpr uint32_t net_usable_bytes =
    Traits::own_buffers ? Traits::buffer_bytes - Traits::receive_headroom + uint32_t{sizeof(spec::net::Header)}
                        : Traits::buffer_bytes;

/// The longest packet (§5.1.9.3.1, §5.1.4.1): one of 65535 bytes behind an Ethernet header, two VLAN tags and what
/// tunnels add, and the header of the device.
inline constexpr uint32_t net_packet_max = 65589 + sizeof(spec::net::Header);

/// Most buffers of one packet: as many as the longest packet fills, also without `large_packets`, for a large MTU.
template <class Traits>
inline constexpr uint32_t net_parts_max = (net_packet_max + net_usable_bytes<Traits> - 1) / net_usable_bytes<Traits>;

/// The header in front of each packet (§5.1.9): how long it is, what may be in it, and how it is written and read.
class NetHeader {
public:
    using Bit = spec::net::Feature;
    using Gso = spec::net::Gso;

    static constexpr uint32_t ethernet_bytes = 14;
    static constexpr uint32_t vlan_bytes = 4;

    NetHeader() = default;
    /// `mtu` is the device's; 0: it has none.
    NetHeader(Features const& negotiated, ByteOrder order, uint32_t mtu)
        : negotiated_(negotiated),
          bytes_(spec::net::header_bytes(negotiated)),
          send_room_(mtu != 0 ? mtu + vlan_bytes : UINT32_MAX - ethernet_bytes),
          receive_room_(mtu != 0 ? mtu + 2 * vlan_bytes : UINT32_MAX - ethernet_bytes),
          merges_(negotiated.has(Bit::mrg_rxbuf)),
          order_(order) {}

    /// Its length, in bytes.
    [[__nodiscard__]] uint32_t bytes() const { return bytes_; }

    /// How many bytes of it have a meaning for this driver.
    [[__nodiscard__]] uint32_t wire_bytes() const {
        return bytes_ < sizeof(spec::net::Header) ? bytes_ : uint32_t{sizeof(spec::net::Header)};
    }
    /// The byte order of the device's words.
    [[__nodiscard__]] ByteOrder order() const { return order_; }

    // --- sending ---

    /// Whether a packet without an offload may have `packet_bytes`.
    [[__nodiscard__]] bool is_plain_packet(uint64_t packet_bytes) const {
        return packet_bytes - ethernet_bytes <= send_room_;  // less than a header wraps around
    }
    /// Whether the device splits packets of this protocol.
    [[__nodiscard__]] bool can_split(Gso gso) const {
        switch (gso) {
            case Gso::tcpv4: return negotiated_.has(Bit::host_tso4);
            case Gso::tcpv6: return negotiated_.has(Bit::host_tso6);
            case Gso::udp_l4: return negotiated_.has(Bit::host_uso);
            default: return false;
        }
    }

    /// Whether a packet of `packet_bytes` may be sent like this. Errors: `not_supported` for what was not negotiated,
    /// `packet_length_invalid`, `offload_invalid`.
    [[__nodiscard__]] Error check_send(NetOffload const& offload, uint64_t packet_bytes) const {
        if (packet_bytes < ethernet_bytes) {
            return Error::packet_length_invalid;
        }
        if (offload.checksum == NetChecksum::partial) {
            if (!negotiated_.has(Bit::csum)) {
                return Error::not_supported;
            }
            if (!holds_checksum(offload, packet_bytes)) {
                return Error::offload_invalid;
            }
        }
        if (offload.gso != Gso::none) {
            return check_gso(offload, packet_bytes);
        }
        if (offload.has_ecn) {
            return Error::offload_invalid;
        }
        return is_plain_packet(packet_bytes) ? Error::none : Error::packet_length_invalid;
    }

    /// The header of a packet with a partial checksum that `check_send` accepted.
    [[__nodiscard__]] spec::net::Header encode(NetOffload const& offload) const {
        auto const gso = static_cast<uint8_t>(offload.gso);
        spec::net::Header header{};
        header.flags = spec::net::header_needs_csum;
        header.gso_type = offload.has_ecn ? static_cast<uint8_t>(gso | spec::net::gso_ecn) : gso;
        header.hdr_len = wire(offload.header_bytes);
        header.gso_size = wire(offload.segment_bytes);
        header.csum_start = wire(offload.csum_start);
        header.csum_offset = wire(offload.csum_offset);
        return header;
    }

    // --- receiving ---

    /// How many buffers a packet fills. Without MRG_RXBUF always one; devices that write another number are known.
    [[__nodiscard__]] uint16_t buffers(spec::net::Header const& header) const {
        return merges_ ? wire(header.num_buffers) : uint16_t{1};
    }
    /// Whether a packet fills one buffer, and uses no offload.
    [[__nodiscard__]] bool is_plain(spec::net::Header const& header) const {
        return (header.flags | header.gso_type) == 0 && buffers(header) == 1;
    }
    /// Whether a used length is that of a header and a packet that uses no offload.
    [[__nodiscard__]] bool is_plain_length(uint32_t length) const {
        return length >= bytes_ && is_received_plain(length - bytes_);
    }

    /// What the header of a received packet of `packet_bytes` says. A length of headers above that is no hint.
    [[__nodiscard__]] NetOffload decode(spec::net::Header const& header, uint32_t packet_bytes) const {
        NetOffload offload;
        if ((header.flags & spec::net::header_needs_csum) != 0) {
            offload.checksum = NetChecksum::partial;
        } else if ((header.flags & spec::net::header_data_valid) != 0) {
            offload.checksum = NetChecksum::valid;
        }
        offload.gso = static_cast<Gso>(header.gso_type & ~spec::net::gso_ecn);
        offload.has_ecn = (header.gso_type & spec::net::gso_ecn) != 0;
        uint16_t const header_bytes = wire(header.hdr_len);
        offload.header_bytes = header_bytes <= packet_bytes ? header_bytes : uint16_t{0};
        offload.segment_bytes = wire(header.gso_size);
        offload.csum_start = wire(header.csum_start);
        offload.csum_offset = wire(header.csum_offset);
        return offload;
    }

    /// What is wrong with a received packet of `packet_bytes`, which is `none` as a rule.
    [[__nodiscard__]] DriverReason check_received(NetOffload const& offload, uint32_t packet_bytes) const {
        if (packet_bytes < ethernet_bytes) {
            return DriverReason::net_packet_short;
        }
        if (offload.checksum != NetChecksum::unknown && !negotiated_.has(Bit::guest_csum)) {
            return DriverReason::net_checksum_not_negotiated;
        }
        if (offload.checksum == NetChecksum::partial && !holds_checksum(offload, packet_bytes)) {
            return DriverReason::net_checksum_outside;
        }
        if (offload.gso == Gso::none) {
            return offload.has_ecn                   ? DriverReason::net_ecn_unexpected
                   : is_received_plain(packet_bytes) ? DriverReason::none
                                                     : DriverReason::net_packet_above_mtu;
        }
        if (!may_receive(offload.gso)) {
            return DriverReason::net_gso_not_negotiated;
        }
        if (offload.segment_bytes == 0) {
            return DriverReason::net_gso_without_size;
        }
        if (offload.checksum != NetChecksum::partial) {
            return DriverReason::net_gso_without_checksum;
        }
        bool const may_have_ecn = negotiated_.has(Bit::guest_ecn) && offload.gso != Gso::udp_l4;
        return offload.has_ecn && !may_have_ecn ? DriverReason::net_ecn_unexpected : DriverReason::none;
    }

private:
    /// Whether a received packet without an offload may have `packet_bytes`.
    [[__nodiscard__]] bool is_received_plain(uint32_t packet_bytes) const {
        return packet_bytes - ethernet_bytes <= receive_room_;  // less than a header wraps around
    }

    /// Whether the 16 bits of the checksum are inside the packet (§5.1.9).
    [[__nodiscard__]] static bool holds_checksum(NetOffload const& offload, uint64_t packet_bytes) {
        return uint64_t{offload.csum_start} + offload.csum_offset + 2 <= packet_bytes;
    }

    /// §5.1.9.2.1: a packet that is to be split has a partial checksum, a size for the pieces, and headers.
    [[__nodiscard__]] Error check_gso(NetOffload const& offload, uint64_t packet_bytes) const {
        if (!can_split(offload.gso) || (offload.has_ecn && !negotiated_.has(Bit::host_ecn))) {
            return Error::not_supported;
        }
        bool const is_sound = offload.checksum == NetChecksum::partial && offload.segment_bytes != 0 &&
                              offload.header_bytes >= ethernet_bytes && offload.header_bytes <= packet_bytes &&
                              !(offload.has_ecn && offload.gso == Gso::udp_l4);
        return is_sound ? Error::none : Error::offload_invalid;
    }

    [[__nodiscard__]] bool may_receive(Gso gso) const {
        switch (gso) {
            case Gso::tcpv4: return negotiated_.has(Bit::guest_tso4);
            case Gso::tcpv6: return negotiated_.has(Bit::guest_tso6);
            case Gso::udp_l4: return negotiated_.has(Bit::guest_uso4) || negotiated_.has(Bit::guest_uso6);
            default: return false;
        }
    }

    /// Converts to or from the byte order of the header: a legacy device has the guest's (§5.1.9.1).
    [[__nodiscard__]] uint16_t wire(uint16_t word) const { return in_order(word, order_); }

    Features negotiated_;
    uint32_t bytes_ = 0;
    // Most bytes behind the Ethernet header of a packet without an offload.
    uint32_t send_room_ = 0;     ///< with a VLAN tag
    uint32_t receive_room_ = 0;  ///< with two
    bool merges_ = false;        ///< MRG_RXBUF
    ByteOrder order_ = ByteOrder::little;
};

}  // namespace virtq::detail
