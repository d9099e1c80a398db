// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Wire layout of the packed virtqueue, §2.8 (Packed Virtqueues). Always little-endian: no legacy device has one.
namespace virtq::spec {

/// §2.8.1 (Driver and Device Ring Wrap Counters): descriptor flags that a split ring does not have.
enum class PackedDescFlag : uint16_t {
    avail_bit = 1u << 7,  ///< VIRTQ_DESC_F_AVAIL
    used_bit = 1u << 15,  ///< VIRTQ_DESC_F_USED
};

/// §2.8.13 (The Virtqueue Descriptor Format). The driver writes it to make a buffer available, the device to mark one
/// as used.
struct PackedDescriptor {
    uint64_t addr;   ///< where the buffer is, as the device sees it
    uint32_t len;    ///< length in bytes; of a used descriptor, the bytes that the device wrote
    uint16_t id;     ///< buffer ID, which the device returns when it has used the buffer
    uint16_t flags;  ///< a set of `DescFlag` and `PackedDescFlag`
};
static_assert(sizeof(PackedDescriptor) == 16 && offsetof(PackedDescriptor, len) == 8 &&
                  offsetof(PackedDescriptor, id) == 12 && offsetof(PackedDescriptor, flags) == 14,
              "A packed descriptor is 16 bytes: le64 addr, le32 len, le16 id, le16 flags (§2.8.13)");

/// §2.8.10 (Driver and Device Event Suppression): the flags, in the upper half of the structure's 32-bit word. The
/// lower half is a ring position: offset in bits 0 to 14, wrap counter in bit 15.
enum class RingEvent : uint16_t {
    enable = 0,   ///< RING_EVENT_FLAGS_ENABLE
    disable = 1,  ///< RING_EVENT_FLAGS_DISABLE
    desc = 2,     ///< RING_EVENT_FLAGS_DESC, with VIRTIO_F_EVENT_IDX only
};
inline constexpr unsigned ring_event_flags_shift = 16;  ///< §2.8.10: the `RingEvent` begins at this bit of the word
inline constexpr uint16_t ring_event_flags_mask = 3;  ///< §2.8.10: the bits of a `RingEvent`; the others are reserved
inline constexpr uint16_t ring_wrap_bit = 0x8000;     ///< §2.8.10: the wrap counter, in a ring position

/// §2.8.10.1 (Structure Size and Alignment), in bytes.
inline constexpr uint32_t descriptor_ring_alignment = 16;   ///< alignment of the descriptor area
inline constexpr uint32_t event_suppression_alignment = 4;  ///< §2.8.10.1: of an event suppression structure, in bytes
inline constexpr uint32_t event_suppression_bytes = 4;      ///< §2.8.10.1: size of such a structure, in bytes

}  // namespace virtq::spec
