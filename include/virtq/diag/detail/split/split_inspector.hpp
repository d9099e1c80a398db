// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/queue_snapshot.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/virtqueue.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The only class that reads the inside of a split ring. Each access to shared memory is one read of one word through
/// `platform/`. Serialise its calls with those of the queue.
template <uint32_t N, class Format>
class SplitInspector {
public:
    explicit SplitInspector(SplitRing<N, Format> const& ring) : ring_(ring) {}

    /// The ring of a queue of any format.
    [[__nodiscard__]] static auto const& ring_of(VirtQueue<N, Format> const& queue) { return queue.ring_; }

    [[__nodiscard__]] QueueSnapshot snapshot() const {
        QueueSnapshot seen;
        look(seen);
        return seen;
    }
    /// Fills a fresh snapshot.
    void look(QueueSnapshot& seen) const {
        seen.fault = ring_.fault_;
        seen.live = ring_.is_live();
        if (!ring_.initialised()) {
            return;
        }
        seen.size = ring_.size();
        seen.num_free = ring_.num_free();
        seen.event_idx = ring_.event_idx_;
        seen.in_order = ring_.in_order();
        seen.notifications_on = ring_.notifications_on_;
        seen.pages = ring_.pages();
        seen.table_pages = ring_.table_pages();
        seen.table_length = table_length();
        seen.addresses = SplitLayout{seen.size}.addresses(seen.pages.phys);
        seen.added = ring_.added_;
        seen.published = ring_.published_;
        seen.decided = ring_.decided_;
        seen.taken = ring_.taken_;
        // Read the device's index first, with acquire: what the device wrote before it is visible to the reads below.
        seen.used_idx = ring_.memory_.load_used_index();
        seen.used_flags = ring_.memory_.load_used_flags();
        seen.avail_event = ring_.memory_.load_avail_event();
        seen.avail_flags = load_avail(Memory::avail_flags);
        seen.avail_idx = static_cast<RingIndex>(load_avail(Memory::avail_idx));
        seen.used_event = static_cast<RingIndex>(load_avail(Memory::avail_ring + ring_.size()));
    }

    /// A descriptor, as it is in shared memory.
    [[__nodiscard__]] spec::Descriptor descriptor(DescIndex desc) const {
        return look(ring_.memory_.table()[number(desc)]);
    }
    /// Descriptor `entry` of an indirect table, as it is in shared memory.
    [[__nodiscard__]] spec::Descriptor table_entry(TableIndex table, uint16_t entry) const {
        return look(ring_.pool_.template descriptors<spec::Descriptor>(table)[entry]);
    }
    /// The head in the available ring at `index`, not validated.
    [[__nodiscard__]] uint16_t avail_entry(RingIndex index) const {
        return load_avail(Memory::avail_ring + number(ring_.memory_.slot(index)));
    }
    [[__nodiscard__]] spec::UsedElement used_element(RingIndex index) const {
        return ring_.memory_.load_used_element(ring_.memory_.slot(index));
    }
    /// The 16-bit word `offset` bytes from the start of the queue's pages, without byte-order conversion.
    [[__nodiscard__]] uint16_t raw_word(uint32_t offset) const {
        return platform::load_relaxed(reinterpret_cast<uint16_t const*>(ring_.memory_.table()) + offset / 2);
    }

    /// What the driver knows of the descriptors.
    [[__nodiscard__]] SplitShadow<N> const& shadow() const { return ring_.shadow_; }
    /// Where an indirect table is stored, and how many descriptors it can hold; 0: the queue has no tables.
    [[__nodiscard__]] PhysAddr table_phys(TableIndex table) const { return ring_.pool_.phys(table); }
    [[__nodiscard__]] uint16_t table_length() const {
        return ring_.pool_.has_tables() ? ring_.pool_.length() : uint16_t{0};
    }

    /// Without IN_ORDER: whether this is the head of a chain of `add` that is not published.
    [[__nodiscard__]] bool is_pending(DescIndex head) const {
        return ring_.shadow_.mark(head).is_pending_head(ring_.batch_number_);
    }

    /// The descriptors or the table that a chain of `add` takes. Not with IN_ORDER.
    [[__nodiscard__]] Extent extent(DescIndex head) const {
        Link link = ring_.shadow_.link(head);
        size_t count = 1;
        for (; !link.is_end(); ++count) {
            link = ring_.shadow_.link(link.target());
        }
        return link.has_table() ? Extent::indirect(link.table()) : Extent::direct(count);
    }

    // With IN_ORDER: where the shadow keeps a chain, the head of the oldest chain, and the head after a chain.

    [[__nodiscard__]] DescIndex place(RingIndex index) const {
        return static_cast<DescIndex>(number(ring_.memory_.slot(index)));
    }
    [[__nodiscard__]] DescIndex oldest_head() const { return ring_.oldest_head_; }
    [[__nodiscard__]] DescIndex behind(DescIndex head, Extent extent) const {
        return static_cast<DescIndex>(
            static_cast<uint16_t>((number(head) + extent.descriptors()) & (ring_.size() - 1)));
    }
    /// How many chains the last used entry still completes.
    [[__nodiscard__]] uint16_t batch() const { return ring_.batch_.left(); }

private:
    using Memory = SplitMemory;

    [[__nodiscard__]] spec::Descriptor look(spec::Descriptor const& entry) const {
        return {wire(platform::load_torn(&entry.addr)), wire(platform::load_relaxed(&entry.len)),
                wire(platform::load_relaxed(&entry.flags)), wire(platform::load_relaxed(&entry.next))};
    }

    [[__nodiscard__]] uint16_t load_avail(uint32_t word) const {
        return wire(platform::load_relaxed(ring_.memory_.avail_ + word));
    }
    template <class Word>
    [[__nodiscard__]] Word wire(Word word) const {
        return ring_.memory_.wire(word);
    }

    SplitRing<N, Format> const& ring_;
};

}  // namespace virtq::detail
