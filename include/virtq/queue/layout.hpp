// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/bit.hpp>
#include <virtq/base/phys_addr.hpp>
#include <virtq/platform/page_allocator.hpp>
#include <virtq/spec/packed_ring.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

/// Where the parts of a queue are located. A transport knows nothing else of a queue.
namespace virtq {

/// The unit of a legacy queue's 32-bit page number (§2.7.2). PCI fixes 4096; on MMIO we write it to GuestPageSize.
inline constexpr uint32_t pfn_unit_bytes = 4096;

/// What a transport programs into the device: the agreed size and the three areas (§2.6). The layout of a legacy queue
/// is fixed, so a legacy device takes only the page number of the descriptor area.
struct QueueAddresses {
    uint16_t size = 0;         ///< queue size in descriptors
    PhysAddr descriptor_area;  ///< descriptor table (§2.7.5), or descriptor ring (§2.8)
    PhysAddr driver_area;      ///< available ring (§2.7.6), or driver event suppression (§2.8.10)
    PhysAddr device_area;      ///< used ring (§2.7.8), or device event suppression (§2.8.10)

    /// The page number for a legacy device. `init` of a legacy queue has checked that it fits 32 bits.
    [[__nodiscard__]] constexpr uint32_t pfn() const {
        return static_cast<uint32_t>(descriptor_area.value / pfn_unit_bytes);
    }
};

/// The split queue in one physically contiguous run: descriptor table, available ring, padding to 4096 bytes, used
/// ring (§2.7, §2.7.2). Legacy and modern devices share this layout: the padding costs a modern queue at most one
/// page. It always has room for the two event words, because devices write `avail_event` even without EVENT_IDX.
struct SplitLayout {
    uint32_t size;  ///< queue size, a power of two up to 32768

    /// Bytes of the descriptor table (§2.7).
    [[__nodiscard__]] constexpr uint32_t descriptor_table_bytes() const { return 16 * size; }
    /// Bytes of the available ring, with `used_event` (§2.7).
    [[__nodiscard__]] constexpr uint32_t available_ring_bytes() const { return 6 + 2 * size; }
    /// Bytes of the used ring, with `avail_event` (§2.7).
    [[__nodiscard__]] constexpr uint32_t used_ring_bytes() const { return 6 + 8 * size; }

    /// Offset of the available ring from the start of the run.
    [[__nodiscard__]] constexpr uint32_t available_ring_offset() const { return descriptor_table_bytes(); }
    /// Offset of the used ring from the start of the run: a multiple of 4096 (§2.7.2).
    [[__nodiscard__]] constexpr uint32_t used_ring_offset() const {
        return detail::align_up(available_ring_offset() + available_ring_bytes(), spec::legacy_queue_align);
    }
    /// Bytes from the start of the run to the end of the last part.
    [[__nodiscard__]] constexpr uint32_t total_bytes() const { return used_ring_offset() + used_ring_bytes(); }
    /// Pages that an allocator must provide for the run.
    [[__nodiscard__]] constexpr uint32_t page_count() const {
        return detail::align_up(total_bytes(), page_bytes) / page_bytes;
    }

    /// Offset of `used_event` from the start of the available ring (§2.7.6).
    [[__nodiscard__]] constexpr uint32_t used_event_offset() const { return spec::avail_ring_offset + 2 * size; }
    /// Offset of `avail_event` from the start of the used ring (§2.7.8).
    [[__nodiscard__]] constexpr uint32_t avail_event_offset() const { return spec::used_ring_offset + 8 * size; }

    /// Addresses for the transport, if the run starts at `base`.
    [[__nodiscard__]] constexpr QueueAddresses addresses(PhysAddr base) const {
        return {static_cast<uint16_t>(size), base, base + available_ring_offset(), base + used_ring_offset()};
    }
};

static_assert(SplitLayout{256}.available_ring_offset() == 4096 && SplitLayout{256}.used_ring_offset() == 8192 &&
                  SplitLayout{256}.total_bytes() == 8192 + 2054,
              "§2.7: 16 * 256 bytes of descriptors, 6 + 2 * 256 of available ring, 6 + 8 * 256 of used ring");
static_assert(SplitLayout{1}.used_ring_offset() == 4096 && SplitLayout{1}.page_count() == 2,
              "§2.7.2: the smallest queue of a legacy device takes two pages");
static_assert(SplitLayout{spec::queue_size_max}.total_bytes() ==
                  16 * 32768 + detail::align_up(6 + 2 * 32768, 4096) + 6 + 8 * 32768,
              "§2.7.2: the legacy formula for the largest queue");
static_assert(spec::legacy_queue_align % spec::used_ring_alignment == 0 &&
                  spec::descriptor_table_alignment <= page_bytes && 16 % spec::available_ring_alignment == 0,
              "§2.7: each part starts on a multiple of its alignment");

/// The packed queue in one physically contiguous run: descriptor ring, driver event suppression, device event
/// suppression (§2.8, §2.8.10.1).
struct PackedLayout {
    uint32_t size;  ///< queue size, 1 to 32768

    /// Offset of the driver event suppression, behind the descriptor ring (§2.8.10).
    [[__nodiscard__]] constexpr uint32_t driver_event_offset() const { return 16 * size; }
    /// Offset of the device event suppression (§2.8.10).
    [[__nodiscard__]] constexpr uint32_t device_event_offset() const {
        return driver_event_offset() + spec::event_suppression_bytes;
    }
    /// Bytes from the start of the run to the end of the last part.
    [[__nodiscard__]] constexpr uint32_t total_bytes() const {
        return device_event_offset() + spec::event_suppression_bytes;
    }
    /// Pages that an allocator must provide for the run.
    [[__nodiscard__]] constexpr uint32_t page_count() const {
        return detail::align_up(total_bytes(), page_bytes) / page_bytes;
    }

    /// Addresses for the transport, if the run starts at `base`.
    [[__nodiscard__]] constexpr QueueAddresses addresses(PhysAddr base) const {
        return {static_cast<uint16_t>(size), base, base + driver_event_offset(), base + device_event_offset()};
    }
};

static_assert(PackedLayout{255}.page_count() == 1 && PackedLayout{256}.page_count() == 2,
              "§2.8.10.1: 16 bytes a descriptor, and 4 for each of the two event structures");
static_assert(PackedLayout{1}.driver_event_offset() % spec::event_suppression_alignment == 0 &&
                  PackedLayout{1}.device_event_offset() % spec::event_suppression_alignment == 0 &&
                  page_bytes % spec::descriptor_ring_alignment == 0,
              "§2.8.10.1: each part starts on a multiple of its alignment");

}  // namespace virtq
