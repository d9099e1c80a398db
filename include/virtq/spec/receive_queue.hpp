// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/spec/console.hpp>
#include <virtq/spec/device_id.hpp>
#include <virtq/spec/feature.hpp>
#include <virtq/spec/input.hpp>
#include <virtq/spec/net.hpp>

#include <stdint.h>

/// Receive and event queues: the device uses a buffer there only when something arrives, so buffers may wait there for
/// any time. diag/ must not take that for a fault.
namespace virtq::spec {

/// What the standard requires of one queue of a device.
struct ReceiveQueue {
    bool is_one = false;  ///< whether it is a receive or event queue
    /// The control queue may be at this index instead. Its chains begin with device-readable bytes.
    bool may_be_control = false;
    uint32_t least_bytes = 0;  ///< device-writable bytes that each chain needs
};

/// §5.1.9.3 (Setting Up Receive Buffers): the least size of a network receive buffer, in bytes.
[[__nodiscard__]] constexpr uint32_t net_receive_bytes(Features const& negotiated) {
    constexpr uint32_t packet = 1514;
    constexpr uint32_t large_packet = 65589;
    constexpr Features large =
        Features::of(net::Feature::guest_tso4, net::Feature::guest_tso6, net::Feature::guest_ufo,
                     net::Feature::guest_uso4, net::Feature::guest_uso6);
    uint32_t const header = net::header_bytes(negotiated);
    if (negotiated.has(net::Feature::mrg_rxbuf)) {
        return header;
    }
    return header + ((negotiated & large).empty() ? packet : large_packet);
}

/// What the standard requires of queue `queue` of this device type: §5.1.2, §5.3.2, §5.6.2, §5.8.2, §5.10.2, §5.14.2
/// (Virtqueues). The constants are the sizes of the structures that the device writes there.
[[__nodiscard__]] constexpr ReceiveQueue receive_queue(DeviceId device, uint16_t queue, Features const& negotiated) {
    constexpr uint32_t scsi_event = 16;     // struct virtio_scsi_event
    constexpr uint32_t socket_header = 44;  // struct virtio_vsock_hdr
    constexpr uint32_t socket_event = 4;    // struct virtio_vsock_event
    constexpr uint32_t sound_event = 8;     // struct virtio_snd_event
    bool const is_even = queue % 2 == 0;
    bool const many = negotiated.has(net::Feature::mq) || negotiated.has(net::Feature::rss);
    switch (device) {
        case DeviceId::net: return {is_even && (queue == 0 || many), queue != 0, net_receive_bytes(negotiated)};
        case DeviceId::console:
            return {is_even, false, queue == console::control_receive_queue ? uint32_t{sizeof(console::Control)} : 1};
        case DeviceId::scsi_host: return {queue == 1, false, scsi_event};
        case DeviceId::input: return {queue == input::event_queue, false, sizeof(input::Event)};
        case DeviceId::socket: return {queue == 0 || queue == 2, false, queue == 0 ? socket_header : socket_event};
        case DeviceId::sound: return {queue == 1, false, sound_event};
        default: return {};
    }
}

}  // namespace virtq::spec
