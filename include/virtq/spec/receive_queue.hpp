// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/spec/device_id.hpp>
#include <virtq/spec/feature.hpp>

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

/// §5.1.3 (Network Device: Feature bits): those that decide how large a receive buffer must be, and which queues
/// exist.
enum class ReceiveFeature : uint8_t {
    guest_tso4 = 7,    // VIRTIO_NET_F_GUEST_TSO4
    guest_tso6 = 8,    // VIRTIO_NET_F_GUEST_TSO6
    guest_ufo = 10,    // VIRTIO_NET_F_GUEST_UFO
    mrg_rxbuf = 15,    // VIRTIO_NET_F_MRG_RXBUF
    mq = 22,           // VIRTIO_NET_F_MQ
    guest_uso4 = 54,   // VIRTIO_NET_F_GUEST_USO4
    guest_uso6 = 55,   // VIRTIO_NET_F_GUEST_USO6
    hash_report = 57,  // VIRTIO_NET_F_HASH_REPORT
    rss = 60,          // VIRTIO_NET_F_RSS
};

/// §5.1.6.3 (Setting Up Receive Buffers), §5.1.6.1 (Legacy Interface: Device Operation): the least size of a network
/// receive buffer, in bytes. The header of a legacy device without MRG_RXBUF lacks num_buffers.
[[__nodiscard__]] constexpr uint32_t net_receive_bytes(Features const& negotiated) {
    constexpr uint32_t packet = 1514;
    constexpr uint32_t large_packet = 65589;
    bool const merges = negotiated.has(ReceiveFeature::mrg_rxbuf);
    bool const short_header = !negotiated.has(Feature::version_1) && !merges;
    uint32_t const header = negotiated.has(ReceiveFeature::hash_report) ? 20 : short_header ? 10 : 12;
    if (merges) {
        return header;
    }
    constexpr Features large =
        Features::of(ReceiveFeature::guest_tso4, ReceiveFeature::guest_tso6, ReceiveFeature::guest_ufo,
                     ReceiveFeature::guest_uso4, ReceiveFeature::guest_uso6);
    return header + ((negotiated & large).empty() ? packet : large_packet);
}

/// What the standard requires of queue `queue` of this device type: §5.1.2, §5.3.2, §5.6.2, §5.8.2, §5.10.2, §5.14.2
/// (Virtqueues). The constants are the sizes of the structures that the device writes there.
[[__nodiscard__]] constexpr ReceiveQueue receive_queue(DeviceId device, uint16_t queue, Features const& negotiated) {
    constexpr uint32_t console_control = 8;  // struct virtio_console_control
    constexpr uint32_t scsi_event = 16;      // struct virtio_scsi_event
    constexpr uint32_t input_event = 8;      // struct virtio_input_event
    constexpr uint32_t socket_header = 44;   // struct virtio_vsock_hdr
    constexpr uint32_t socket_event = 4;     // struct virtio_vsock_event
    constexpr uint32_t sound_event = 8;      // struct virtio_snd_event
    bool const is_even = queue % 2 == 0;
    bool const many = negotiated.has(ReceiveFeature::mq) || negotiated.has(ReceiveFeature::rss);
    switch (device) {
        case DeviceId::net: return {is_even && (queue == 0 || many), queue != 0, net_receive_bytes(negotiated)};
        case DeviceId::console: return {is_even, false, queue == 2 ? console_control : 1};
        case DeviceId::scsi_host: return {queue == 1, false, scsi_event};
        case DeviceId::input: return {queue == 0, false, input_event};
        case DeviceId::socket: return {queue == 0 || queue == 2, false, queue == 0 ? socket_header : socket_event};
        case DeviceId::sound: return {queue == 1, false, sound_event};
        default: return {};
    }
}

}  // namespace virtq::spec
