// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/queue_snapshot.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/spec/packed_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The only class that reads the inside of a packed ring. Each access to shared memory is one read of one word through
/// `platform/`. Serialise its calls with those of the queue.
template <uint32_t N>
class PackedInspector {
public:
    explicit PackedInspector(PackedRing<N> const& ring) : ring_(ring) {}

    [[__nodiscard__]] QueueSnapshot snapshot() const {
        QueueSnapshot seen;
        read_state(seen);
        return seen;
    }
    /// Fills a fresh snapshot.
    void read_state(QueueSnapshot& seen) const {
        seen.format = RingFormat::packed_ring;
        seen.fault = ring_.fault_;
        seen.live = ring_.is_live();
        if (!ring_.initialised()) {
            return;
        }
        seen.size = ring_.size();
        seen.num_free = ring_.num_free();
        seen.event_idx = ring_.event_idx_;
        seen.in_order = ring_.in_order_;
        seen.notifications_on = ring_.notifications_on_;
        seen.pages = ring_.pages();
        seen.table_pages = ring_.table_pages();
        seen.table_length = table_length();
        seen.addresses = ring_.addresses();
        PackedSnapshot& packed_ring = seen.packed_ring;
        packed_ring.next = ring_.next_;
        packed_ring.taken = ring_.taken_;
        packed_ring.pending_descriptors = ring_.first_flags_ != 0 ? ring_.descriptors_from(ring_.first_) : uint16_t{0};
        count_chains(packed_ring);
        packed_ring.batch = ring_.batch_.left();
        // Read the device's flags first, with acquire: what the device wrote before them is visible to the reads
        // below.
        packed_ring.flags = flags(packed_ring.taken.offset());
        packed_ring.device_event.word = ring_.memory_.load_device_event();
        packed_ring.driver_event.word = little_endian(platform::load_relaxed(ring_.memory_.events_));
    }

    // Words of a descriptor in shared memory. Each call reads each word once.

    [[__nodiscard__]] uint16_t flags(uint16_t at) const {
        return ring_.memory_.load_flags(*ring_.memory_.descriptor(at));
    }
    [[__nodiscard__]] uint16_t id(uint16_t at) const {
        return little_endian(platform::load_relaxed(&ring_.memory_.ring()[at].id));
    }
    [[__nodiscard__]] Segment segment(uint16_t at) const { return load(ring_.memory_.ring()[at]); }
    /// What the device wrote to a descriptor that it has used.
    [[__nodiscard__]] PackedMemory::Used used_at(uint16_t at) const {
        return ring_.memory_.load_used(*ring_.memory_.descriptor(at));
    }

    /// Descriptor `entry` of an indirect table. It has no link.
    [[__nodiscard__]] spec::Descriptor table_entry(TableIndex table, uint16_t entry) const {
        auto const& at = ring_.pool_.template descriptors<spec::PackedDescriptor>(table)[entry];
        Segment const segment = load(at);
        return {segment.addr.value, segment.bytes, little_endian(platform::load_relaxed(&at.flags)), 0};
    }

    /// The 16-bit word `offset` bytes from the start of the queue's pages, without byte-order conversion.
    [[__nodiscard__]] uint16_t raw_word(uint32_t offset) const {
        return platform::load_relaxed(reinterpret_cast<uint16_t const*>(ring_.memory_.ring()) + offset / 2);
    }

    /// Without IN_ORDER: whether the device may use this id. The ring makes the same check before it takes a
    /// completion.
    [[__nodiscard__]] bool is_published(BufferId id) const {
        return ring_.shadow_.mark(id).is_published_head(ring_.batch_number_);
    }
    /// Without IN_ORDER: whether this id is of a chain that is added and not published.
    [[__nodiscard__]] bool is_pending(BufferId id) const {
        return ring_.shadow_.mark(id).is_pending_head(ring_.batch_number_);
    }

    /// What the driver knows of the buffers.
    [[__nodiscard__]] PackedShadow<N> const& shadow() const { return ring_.shadow_; }
    /// Where an indirect table is stored, and how many descriptors it can hold; 0: the queue has no tables.
    [[__nodiscard__]] PhysAddr table_phys(TableIndex table) const { return ring_.pool_.phys(table); }
    [[__nodiscard__]] uint16_t table_length() const {
        return ring_.pool_.has_tables() ? ring_.pool_.length() : uint16_t{0};
    }

    /// Offset of the first unpublished descriptor, if there is one.
    [[__nodiscard__]] uint16_t first_pending() const { return ring_.first_; }

    // With IN_ORDER: the oldest chain, and the chain after another one.

    [[__nodiscard__]] BufferId oldest() const { return ring_.oldest_; }
    [[__nodiscard__]] BufferId following(BufferId id) const { return ring_.following(id); }

private:
    /// Without IN_ORDER the ring keeps no count of its chains, so they are counted here.
    void count_chains(PackedSnapshot& packed_ring) const {
        if (ring_.in_order_) {
            packed_ring.pending = ring_.pending_;
            packed_ring.in_flight = ring_.in_flight_;
            return;
        }
        for (uint32_t i = 0; i < ring_.size(); ++i) {
            auto const id = static_cast<BufferId>(static_cast<uint16_t>(i));
            packed_ring.pending = static_cast<uint16_t>(packed_ring.pending + (is_pending(id) ? 1 : 0));
            packed_ring.in_flight = static_cast<uint16_t>(packed_ring.in_flight + (is_published(id) ? 1 : 0));
        }
    }

    [[__nodiscard__]] static Segment load(spec::PackedDescriptor const& entry) {
        return {PhysAddr{little_endian(platform::load_torn(&entry.addr))},
                little_endian(platform::load_relaxed(&entry.len))};
    }

    PackedRing<N> const& ring_;
};

}  // namespace virtq::detail
