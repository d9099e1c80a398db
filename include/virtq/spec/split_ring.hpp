// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Wire layout of the split virtqueue, §2.7 (Split Virtqueues). Little-endian for a modern device, the guest's native
/// byte order for a legacy one (§2.7.3).
namespace virtq::spec {

/// §2.7: the largest queue size.
inline constexpr uint32_t queue_size_max = 32768;

/// §2.7.5 (The Virtqueue Descriptor Table), flags of a descriptor.
enum class DescFlag : uint16_t {
    next = 1,      ///< VIRTQ_DESC_F_NEXT
    write = 2,     ///< VIRTQ_DESC_F_WRITE
    indirect = 4,  ///< VIRTQ_DESC_F_INDIRECT
};

/// §2.7.6 (The Virtqueue Available Ring).
enum class AvailFlag : uint16_t {
    no_interrupt = 1,  ///< VIRTQ_AVAIL_F_NO_INTERRUPT
};

/// §2.7.8 (The Virtqueue Used Ring).
enum class UsedFlag : uint16_t {
    no_notify = 1,  ///< VIRTQ_USED_F_NO_NOTIFY
};

/// §2.7.5: one entry of the descriptor table. Written by the driver only.
struct Descriptor {
    uint64_t addr;   ///< where the buffer is, as the device sees it
    uint32_t len;    ///< length of the buffer, in bytes
    uint16_t flags;  ///< a set of `DescFlag`
    uint16_t next;   ///< index of the chain's next descriptor, if `flags` has `DescFlag::next`
};
static_assert(sizeof(Descriptor) == 16 && offsetof(Descriptor, len) == 8 && offsetof(Descriptor, flags) == 12 &&
                  offsetof(Descriptor, next) == 14,
              "A descriptor is 16 bytes: le64 addr, le32 len, le16 flags, le16 next (§2.7.5)");

/// §2.7.8: one entry of the used ring. Written by the device only.
struct UsedElement {
    uint32_t id;   ///< index of the first descriptor of the used chain
    uint32_t len;  ///< bytes that the device wrote into the chain
};
static_assert(sizeof(UsedElement) == 8, "A used element is 8 bytes: le32 id, le32 len (§2.7.8)");

/// §2.7.6: offsets in the available ring; `ring[size]` is followed by `used_event`.
inline constexpr uint32_t avail_flags_offset = 0;  ///< le16, a set of `AvailFlag`
inline constexpr uint32_t avail_idx_offset = 2;  ///< §2.7.6: le16, how many chains the driver has added, modulo 65536
inline constexpr uint32_t avail_ring_offset = 4;  ///< §2.7.6: le16 each, the first descriptor of a chain

/// §2.7.8: offsets in the used ring; `ring[size]` is followed by `avail_event`.
inline constexpr uint32_t used_flags_offset = 0;  ///< le16, a set of `UsedFlag`
inline constexpr uint32_t used_idx_offset = 2;    ///< §2.7.8: le16, how many chains the device has used, modulo 65536
inline constexpr uint32_t used_ring_offset = 4;   ///< §2.7.8: where the `UsedElement`s begin

/// §2.7: alignment of the parts, in bytes.
inline constexpr uint32_t descriptor_table_alignment = 16;  ///< of the descriptor table
inline constexpr uint32_t available_ring_alignment = 2;     ///< §2.7: of the available ring, in bytes
inline constexpr uint32_t used_ring_alignment = 4;          ///< §2.7: of the used ring, in bytes

/// §2.7.2 (Legacy Interfaces: A Note on Virtqueue Layout), in bytes. PCI fixes it; on MMIO the driver chooses it.
inline constexpr uint32_t legacy_queue_align = 4096;

}  // namespace virtq::spec
