// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/description.hpp>

#include <stdint.h>

/// What a device said that its type does not permit. The ring is sound, so this is no `Fault`. The driver ignores what
/// the device said, or ends one request with `answer_invalid`, and goes on.
namespace virtq {

/// What the device did wrong; `describe` has a sentence for each reason. The numbers stay, as those of `Error`.
enum class DriverReason : uint8_t {
    none = 0,
    entropy_empty = 1,
    console_port_count = 2,
    console_message_short = 3,
    console_event_unknown = 4,
    console_port_unknown = 5,
    console_port_twice = 6,
    console_port_absent = 7,
    console_size_zero = 8,
    net_header_short = 9,
    net_buffer_count = 10,
    net_packet_short = 11,
    net_packet_above_mtu = 12,
    net_checksum_not_negotiated = 13,
    net_checksum_outside = 14,
    net_gso_not_negotiated = 15,
    net_gso_without_size = 16,
    net_pairs_zero = 17,
    net_answer_unknown = 18,
    net_gso_without_checksum = 19,
    net_ecn_unexpected = 20,
    p9_mount_tag_empty = 21,
    p9_mount_tag_outside = 22,
    p9_answer_short = 23,
    p9_size_small = 24,
    p9_size_above_room = 25,
    p9_size_above_written = 26,
    p9_tag_differs = 27,
    p9_type_unexpected = 28,
    gpu_display_count = 29,
    gpu_answer_short = 30,
    gpu_answer_unexpected = 31,
    gpu_fence_unknown = 32,
    gpu_display_size = 33,
    gpu_edid_size = 34,
    input_event_short = 35,
    input_size = 36,
    input_range = 37,
};

/// The first violation since `init` or `reset` that a driver found above the rings.
struct DriverFault {
    DriverReason reason = DriverReason::none;  ///< print it with `describe`; `none`: there was no violation
    uint16_t queue = 0;                        ///< the number of the queue
    uint32_t value = 0;                        ///< what the device wrote: a length, a number, a type

    /// Whether there was a violation.
    [[__nodiscard__]] constexpr explicit operator bool() const { return reason != DriverReason::none; }
};

namespace detail {

[[__nodiscard__]] constexpr char const* driver_fault_sentence(DriverReason reason) {
    switch (reason) {
        case DriverReason::none: return "The device did nothing that its type does not permit.";
        case DriverReason::entropy_empty:
            return "The device returned a buffer without a random byte (§5.4.6.2: it must write at least one). Try again; if "
                   "this repeats, the host's source of randomness has failed.";
        case DriverReason::console_port_count:
            return "The console reports a max_nr_ports of 0, or more ports than there are queues for (§5.3.2). The driver "
                   "uses port 0, or as many as it has room for. Check max_ports of the device on the host.";
        case DriverReason::console_message_short:
            return "A control message of the console ends before its last field (§5.3.6.2). The driver ignored it. Update "
                   "the host.";
        case DriverReason::console_event_unknown:
            return "A control message of the console has an event that only drivers send, or that does not exist "
                   "(§5.3.6.2). The driver ignored it. Compare the value with VIRTIO 1.4.";
        case DriverReason::console_port_unknown:
            return "A control message of the console is about a port that is not below max_nr_ports (§5.3.6.2.1). The driver "
                   "ignored it. Check the byte order of the messages, which is little-endian.";
        case DriverReason::console_port_twice:
            return "The console added a port that exists already (§5.3.6.2.1). The driver ignored it. Reset the device if "
                   "the port does not work.";
        case DriverReason::console_port_absent:
            return "A control message is about a port that the console has not added, or has removed (§5.3.6.2.1). The "
                   "driver ignored it. Reset the device if the port does not work.";
        case DriverReason::console_size_zero:
            return "The console was resized to no columns or no rows (§5.3.6.2; rows are the upper 16 bits of the value). The driver "
                   "kept the old size. Check the terminal on the host.";
        case DriverReason::net_header_short:
            return "The card put less into a receive buffer than a packet header has (§5.1.9); the value is that length. The "
                   "buffer was dropped. If this repeats, reset the device, and compare the negotiated features.";
        case DriverReason::net_buffer_count:
            return "The card says that a packet fills no buffer, or more than there are (num_buffers, §5.1.9.4); the value is "
                   "the length of the first. It was dropped. If this repeats, reset the device.";
        case DriverReason::net_packet_short:
            return "The card delivered a packet shorter than an Ethernet header; the value is its length. It was dropped.";
        case DriverReason::net_packet_above_mtu:
            return "The card delivered a packet above its MTU (§5.1.4.1); the value is its length. It was dropped.";
        case DriverReason::net_checksum_not_negotiated:
            return "The card delivered a packet with a checksum flag, but GUEST_CSUM was not negotiated (§5.1.9.4.1); the value "
                   "is the packet's length. It was dropped.";
        case DriverReason::net_checksum_outside:
            return "The card says that a checksum lies outside its packet (csum_start, csum_offset, §5.1.9.4); the value is "
                   "the packet's length. It was dropped.";
        case DriverReason::net_gso_not_negotiated:
            return "The card delivered a packet that stands for several, of a kind that was not negotiated (gso_type, "
                   "§5.1.9.4.1); the value is the packet's length. It was dropped.";
        case DriverReason::net_gso_without_size:
            return "The card delivered a packet that stands for several, without their size (gso_size, §5.1.9.4.1); the value "
                   "is the packet's length. It was dropped.";
        case DriverReason::net_pairs_zero:
            return "The card reports no pair of queues, or too many for its control queue to have a number (§5.1.2, §5.1.4.1); "
                   "the value is max_virtqueue_pairs. The driver uses one pair and sends no commands. Check the host.";
        case DriverReason::net_answer_unknown:
            return "The card answered a command with neither VIRTIO_NET_OK nor VIRTIO_NET_ERR (§5.1.9.5); the value is the "
                   "answer. Its state is unknown: reset the device.";
        case DriverReason::net_gso_without_checksum:
            return "The card delivered a packet that stands for several, without NEEDS_CSUM (§5.1.9.4.1); the value is the "
                   "packet's length. It was dropped.";
        case DriverReason::net_ecn_unexpected:
            return "The card delivered a packet with the ECN bit of gso_type, but without TCP segmentation or GUEST_ECN "
                   "(§5.1.9.4.1); the value is the packet's length. It was dropped.";
        case DriverReason::p9_mount_tag_empty:
            return "The 9P device offers a mount tag of no bytes. mount_tag() is empty. Check the mount_tag of the device on "
                   "the host.";
        case DriverReason::p9_mount_tag_outside:
            return "The mount tag of the 9P device ends behind its configuration (tag_len, the value). mount_tag() is empty. "
                   "Compare tag_len with the mount_tag on the host.";
        case DriverReason::p9_answer_short:
            return "The device wrote less than the 7 bytes of a header for a 9P answer; the value is how many. The request "
                   "ended with answer_invalid. Look at the host's log of its 9P server.";
        case DriverReason::p9_size_small:
            return "The size in a 9P answer, the value, is less than the 7 bytes of its header. The request ended with "
                   "answer_invalid. Look at the host's log of its 9P server.";
        case DriverReason::p9_size_above_room:
            return "A 9P answer is longer than the room that it was given; the value is its size. The request ended with "
                   "answer_invalid. Check that no request asks for more than there is room for, and the msize.";
        case DriverReason::p9_size_above_written:
            return "The size in a 9P answer, the value, is more than the device wrote. The request ended with answer_invalid. "
                   "Look at the host's log of its 9P server.";
        case DriverReason::p9_tag_differs:
            return "A 9P answer has another tag than its request; the value is that tag. The request ended with "
                   "answer_invalid. Reset the device: the server may have mixed up two requests.";
        case DriverReason::p9_type_unexpected:
            return "A 9P answer is neither that to its request nor an error; the value is its type. The request ended with "
                   "answer_invalid. Compare the negotiated version of 9P with the request.";
        case DriverReason::gpu_display_count:
            return "The GPU reports no display, or more than 16 (num_scanouts, §5.7.4); the value is its number. The driver uses "
                   "1, or 16. Check max_outputs of the device on the host.";
        case DriverReason::gpu_answer_short:
            return "The GPU answered with less than the answer to this command has (§5.7.6.8); the value is the length. Whether "
                   "the command was executed is unknown: reset the device.";
        case DriverReason::gpu_answer_unexpected:
            return "The GPU answered with a type that is not one of this command (§5.7.6.8); the value is the type. Whether the "
                   "command was executed is unknown: reset the device.";
        case DriverReason::gpu_fence_unknown:
            return "The GPU answered without the fence of this command (§5.7.6.7); the value is the lower half of its fence_id. "
                   "The device may still read the picture: reset it.";
        case DriverReason::gpu_display_size:
            return "The GPU reports a display that is on, without pixels or with more than 16384 a side (§5.7.6.8); the value is "
                   "the larger side, or 0. Choose a size of your own, for example 1024 by 768 (§5.7.5).";
        case DriverReason::gpu_edid_size:
            return "The GPU reports an EDID that is longer than its answer, which holds 1024 bytes (§5.7.6.8); the value is its "
                   "length. Do without it: display() has the size.";
        case DriverReason::input_event_short:
            return "The input device put less into a buffer than the 8 bytes of an event (§5.8.6); the value is that length. The "
                   "event was dropped. If this repeats, reset the device: keys that were held may be released.";
        case DriverReason::input_size:
            return "The input device describes itself with more bytes than there is room for, or with fewer than the "
                   "structure has (§5.8.4); the value is the size. Do without this information, and check the host.";
        case DriverReason::input_range:
            return "The input device reports a range whose least value is above its largest one (§5.8.4); the value is the "
                   "axis. Do without this axis, and check the byte order: the fields are little-endian.";
    }
    return nullptr;
}

}  // namespace detail

/// What the device did, as a sentence: a constant string without a line end. Print `DriverFault::value` with it.
[[__nodiscard__]] constexpr char const* describe(DriverReason reason) {
    return detail::description_of<detail::driver_fault_sentence, 'D'>(reason);
}

}  // namespace virtq
