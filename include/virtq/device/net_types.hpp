// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/device/driver_types.hpp>
#include <virtq/queue/segment.hpp>
#include <virtq/spec/net.hpp>

#include <stdint.h>

/// The packets, offloads and options of `NetDevice`.
namespace virtq {

/// Compile-time options of `NetDevice`. Derive from them and change what differs.
struct NetTraits : DriverTraits {
    static constexpr uint16_t pair_max = 1;         ///< most pairs of queues to use, if the device has them
    static constexpr uint32_t buffer_bytes = 2048;  ///< of each receive buffer; at least 1534
    static constexpr uint32_t mac_table_max = 16;   ///< most addresses of `set_mac_table`
    static constexpr bool own_buffers = false;      ///< the kernel gives receive buffers of its own: `submit_receive`
    static constexpr uint32_t receive_headroom =
        12;  ///< with `own_buffers`: where a packet begins in its buffer; at least 12
    static constexpr bool large_packets = false;  ///< accepts packets of up to 65589 bytes: TSO and USO on receive
};

/// A MAC address, in the order in which it is sent.
struct MacAddress {
    uint8_t bytes[spec::net::mac_bytes] = {};  ///< the first is sent first

    /// Whether both are the same address.
    friend constexpr bool operator==(MacAddress const&, MacAddress const&) = default;
};

/// On or off, of something that the device can do.
enum class NetSwitch : uint8_t { off = 0, on = 1 };

/// What is known of the checksum of a packet (§5.1.9).
enum class NetChecksum : uint8_t {
    unknown,  ///< received: verify it. Sent: it is complete
    valid,    ///< received: the device has verified it
    partial,  ///< it covers the pseudo header only, see `csum_start`: complete it, or pass it on as it is
};

/// How a packet is to be checksummed and split, or was (§5.1.9). All zero: a plain packet.
struct NetOffload {
    NetChecksum checksum = NetChecksum::unknown;  ///< of the transport header
    spec::net::Gso gso = spec::net::Gso::none;    ///< the protocol of a packet that stands for several
    bool has_ecn = false;                         ///< with a TCP `gso`: the packet has the ECN bit
    uint16_t header_bytes = 0;   ///< with `gso`: bytes before the data that is split. Of a received packet only a hint
    uint16_t segment_bytes = 0;  ///< with `gso`: most data of each packet after the split (MSS)
    uint16_t csum_start = 0;     ///< with `partial`: where the checksum starts, in bytes from the start of the packet
    uint16_t csum_offset = 0;    ///< with `partial`: where it is stored, in bytes from `csum_start`
};

/// A packet to send, in one piece and without an offload, as `submit_burst` takes it.
struct NetFrame {
    Segment data;  ///< begins with the Ethernet header
    Token token;   ///< comes back when the packet was sent
};

/// A piece of a received packet, in a buffer of the driver's.
struct NetPart {
    uint8_t const* data = nullptr;  ///< the device can still change it: copy what you decide on, then check the copy
    uint32_t bytes = 0;             ///< how many
    uint16_t buffer = 0;            ///< the number of the buffer, for `give_back`
};

/// A received packet. It begins with the Ethernet header.
struct NetPacket {
    Span<NetPart const> parts;  ///< valid until the handler returns; the data behind it until it is given back
    uint32_t bytes = 0;         ///< of all parts together
    NetOffload offload{};       ///< checked against the packet and the negotiated features
};

/// A receive buffer of the kernel's own (`NetTraits::own_buffers`), contiguous for the device.
struct NetBuffer {
    uint8_t* data = nullptr;  ///< where the kernel sees it
    PhysAddr addr;            ///< where the device does
    uint32_t bytes = 0;       ///< at least `NetTraits::buffer_bytes`
    Token token;              ///< comes back with the packet
};

/// A piece of a packet in a buffer of the kernel's own, which is the kernel's again.
struct NetOwnPart {
    Token token;          ///< of the buffer
    uint32_t offset = 0;  ///< where the piece begins in the buffer
    uint32_t bytes = 0;   ///< how many bytes
};

/// A packet in buffers of the kernel's own. The device can still change the bytes, as it can any buffer that it had.
struct NetOwnPacket {
    Span<NetOwnPart const> parts;  ///< valid until the handler returns
    uint32_t bytes = 0;    ///< of all parts together; 0: it was no packet (`driver_fault`), and only its buffers come
    NetOffload offload{};  ///< as in `NetPacket`
};

/// What a handler of `receive_each` has done with a packet.
enum class NetUse : uint8_t {
    done,  ///< its buffers go back to the device
    kept,  ///< the kernel holds its buffers until it gives each of them back
};

/// How fast a link is (§5.1.4).
struct NetSpeed {
    uint32_t megabits = 0;                           ///< Mbit/s; 0: unknown
    spec::net::Duplex duplex = spec::net::Duplex{};  ///< whether both sides may send at once; of a known speed only

    /// Whether both are the same speed.
    friend constexpr bool operator==(NetSpeed const&, NetSpeed const&) = default;
};

}  // namespace virtq
