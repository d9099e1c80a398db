// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/layout.hpp>
#include <virtq/spec/packed_ring.hpp>

#include <stdint.h>

namespace virtq {

/// The packed queue in one physically contiguous run: descriptor ring, driver event suppression, device event
/// suppression (§2.8, §2.8.10.1).
struct PackedLayout {
    uint32_t size;  ///< queue size, 1 to 32768

    [[__nodiscard__]] constexpr uint32_t driver_event_offset() const { return 16 * size; }
    [[__nodiscard__]] constexpr uint32_t device_event_offset() const {
        return driver_event_offset() + spec::event_suppression_bytes;
    }
    [[__nodiscard__]] constexpr uint32_t total_bytes() const {
        return device_event_offset() + spec::event_suppression_bytes;
    }
    [[__nodiscard__]] constexpr uint32_t page_count() const {
        return align_up(total_bytes(), page_bytes) / page_bytes;
    }

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
