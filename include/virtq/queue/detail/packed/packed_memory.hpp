// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/platform/detail/page_run.hpp>
#include <virtq/platform/detail/prefetch.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/queue/detail/packed/packed_position.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/layout.hpp>
#include <virtq/queue/segment.hpp>

#include <stdint.h>

namespace virtq::detail {

template <uint32_t N>
class PackedInspector;  // diag/ reads, and changes nothing

/// The memory that a packed queue shares with its device (§2.8): its pages, where each word is located, and who writes
/// it. The driver writes a descriptor to inform the device, then the device overwrites it. The driver reads each value
/// of the device once. What it needs later is kept elsewhere, in private memory.
class PackedMemory : public QueuePages {
public:
    /// The contents of a used descriptor, except for its flags (§2.8.4).
    struct Used {
        uint16_t id;
        uint32_t len;
    };

    /// Zeroes the pages, which may be dirty (§2.8.13), and lays the queue out in them.
    void place(PackedLayout layout) {
        zero();
        size_ = static_cast<uint16_t>(layout.size);
        events_ = reinterpret_cast<uint32_t*>(static_cast<unsigned char*>(virt()) + layout.driver_event_offset());
    }

    /// Prepares a ring that starts at `first`, as if it had run up to there. Descriptors before `first` look used on
    /// this lap, and all others on the previous lap. Call it before the device knows of the queue.
    void start_at(PackedPosition first) {
        for (uint16_t at = 0; at < size_; ++at) {
            bool const on_this_lap = at < first.offset();
            write_flags(ring()[at],
                        static_cast<uint16_t>(first.used_flags() ^ (on_this_lap ? 0 : PackedPosition::both_flags)));
        }
    }

    [[__nodiscard__]] uint16_t size() const { return size_; }

    // --- written by the driver ---

    /// The descriptor at an offset; at `size`, the end of the ring.
    [[__nodiscard__]] spec::PackedDescriptor* descriptor(uint16_t at) const { return ring() + at; }

    // The next three write a descriptor that the device does not reach yet.

    static void write_segment(spec::PackedDescriptor& target, PhysAddr addr, uint32_t bytes) {
        platform::store_plain(&target.addr, little_endian(addr.value));
        platform::store_plain(&target.len, little_endian(bytes));
    }
    /// Only the id of a chain's last descriptor counts (§2.8.6); the others have it for diag/.
    static void write_id(spec::PackedDescriptor& target, BufferId id) {
        platform::store_plain(&target.id, little_endian(number(id)));
    }
    /// In one store, because the device may poll the flags of a batch's first descriptor, which hide the batch.
    static void write_flags(spec::PackedDescriptor& target, uint16_t flags) {
        platform::store_relaxed(&target.flags, little_endian(flags));
    }

    /// Exposes the descriptor and all that was written before. Release: pairs with the device's acquire of these
    /// flags. Without it the device could see them before the descriptors that they expose (§2.8.21.1.1).
    static void expose(spec::PackedDescriptor& head, uint16_t flags) {
        platform::store_release(&head.flags, little_endian(flags));
    }

    /// Writes the driver event suppression structure in one store, so that the device never sees half of it.
    void write_driver_event(spec::RingEvent event, uint16_t place) {
        uint32_t const word = uint32_t{static_cast<uint16_t>(event)} << spec::ring_event_flags_shift | place;
        platform::store_relaxed(events_, little_endian(word));
    }

    // --- written by the device: each call is one read ---

    /// Acquire: pairs with the device's release of the used flags. Without it the driver could read the id, the length
    /// or the buffer before the device wrote them (§2.8.22).
    [[__nodiscard__]] static uint16_t load_flags(spec::PackedDescriptor const& one) {
        return little_endian(platform::load_acquire(&one.flags));
    }
    /// Relaxed: only to check whether the descriptor is used. It does not order the reads after it.
    [[__nodiscard__]] static uint16_t peek_flags(spec::PackedDescriptor const& one) {
        return little_endian(platform::load_relaxed(&one.flags));
    }
    [[__nodiscard__]] static Used load_used(spec::PackedDescriptor const& one) {
        return {little_endian(platform::load_relaxed(&one.id)), little_endian(platform::load_relaxed(&one.len))};
    }
    /// Prefetches the descriptors 128 bytes ahead, which are used soon. Past the end of the ring the hint is wasted.
    /// Not used with IN_ORDER, where a batch has one used descriptor.
    static void prefetch_behind(spec::PackedDescriptor const& one) { platform::prefetch_to_read(&one + 8); }
    /// Reads the device event suppression structure, in one read.
    [[__nodiscard__]] uint32_t load_device_event() const { return little_endian(platform::load_relaxed(events_ + 1)); }

private:
    template <uint32_t N>
    friend class PackedInspector;

    /// The descriptor ring, at the start of the pages. Driver and device write it.
    [[__nodiscard__]] spec::PackedDescriptor* ring() const { return static_cast<spec::PackedDescriptor*>(virt()); }

    uint16_t size_ = 0;           // first, because it fits behind the base's last byte
    uint32_t* events_ = nullptr;  ///< two words: the driver writes the first, the device the second
};

}  // namespace virtq::detail
