// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/detail/endian.hpp>
#include <virtq/platform/detail/fence.hpp>
#include <virtq/platform/detail/page_run.hpp>
#include <virtq/platform/detail/prefetch.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/layout.hpp>
#include <virtq/queue/segment.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

template <uint32_t N, class Format>
class SplitInspector;  // diag/ reads, and changes nothing

/// The memory that a split queue shares with its device (§2.7): its pages, its byte order, where each word is located,
/// and who writes it. The driver writes only to inform the device, and reads each value of the device once. What it
/// needs later is kept elsewhere, in private memory.
class SplitMemory : public QueuePages {
public:
    /// Zeroes the pages, which may be dirty, and lays the queue out in them, before the device knows of it. Both
    /// indices start at `first`. `avail_event` is what the device would write: with EVENT_IDX a request for the first
    /// notification, otherwise 0.
    void place(SplitLayout layout, ByteOrder order, RingIndex first, RingIndex avail_event) {
        zero();
        if constexpr (native_byte_order != ByteOrder::little) {
            order_ = order;
        }
        mask_ = layout.size - 1;
        auto* const base = static_cast<unsigned char*>(virt());
        auto* const avail = reinterpret_cast<uint16_t*>(base + layout.available_ring_offset());
        auto* const used_ring_words = reinterpret_cast<uint16_t*>(base + layout.used_ring_offset());
        avail_ = avail;
        used_ = used_ring_words;
        uint16_t const index = wire(number(first));
        platform::store_relaxed(avail + avail_idx, index);
        platform::store_relaxed(used_ring_words + used_idx, index);
        platform::store_relaxed(used_ring_words + used_ring + 4 * size_t{layout.size}, wire(number(avail_event)));
    }

    [[__nodiscard__]] Slot slot(RingIndex index) const { return slot_of(index, mask_); }
    [[__nodiscard__]] uint16_t size() const { return static_cast<uint16_t>(mask_ + 1); }

    /// The greatest descriptor number, which is the queue size minus one.
    [[__nodiscard__]] uint32_t mask() const { return mask_; }

    // --- written by the driver ---

    /// Writes a descriptor that is not exposed yet.
    void write_descriptor(DescIndex desc, Segment const& segment, uint16_t flags, DescIndex next) {
        write(table()[subscript(desc)], segment, flags, next);
    }
    [[__nodiscard__]] spec::Descriptor* descriptor(DescIndex desc) const { return table() + subscript(desc); }

    /// As above, for a descriptor of the ring or of an indirect table.
    void write(spec::Descriptor& entry, Segment const& segment, uint16_t flags, DescIndex next) {
        platform::store_plain(&entry.addr, wire(segment.addr.value));
        platform::store_plain(&entry.len, wire(segment.bytes));
        platform::store_plain(&entry.flags, wire(flags));
        platform::store_plain(&entry.next, wire(number(next)));
    }
    void write_flags(spec::Descriptor& entry, uint16_t flags) { platform::store_plain(&entry.flags, wire(flags)); }

    /// Writes an entry of the available ring that is not exposed yet.
    void write_avail_entry(Slot slot, DescIndex head) {
        platform::store_plain(avail_ + avail_ring + subscript(slot), wire(number(head)));
    }

    /// Exposes all entries before `index`. Release: pairs with the device's acquire of the index. Without it the
    /// device could see the index before the descriptors and entries that it exposes (§2.7.13.3.1).
    void publish_avail_index(RingIndex index) { platform::store_release(avail_ + avail_idx, wire(number(index))); }

    void write_avail_flags(uint16_t flags) { platform::store_relaxed(avail_ + avail_flags, wire(flags)); }
    VIRTQ_ALWAYS_INLINE void write_used_event(RingIndex event) {
        platform::store_relaxed(avail_ + avail_ring + size_t{mask_} + 1, wire(number(event)));
    }

    // --- written by the device: each call is one read ---

    /// Acquire: pairs with the device's release of the index. Without it the driver could read an entry, or the buffer
    /// that it names, before the device wrote it (§2.7.8.2).
    [[__nodiscard__]] RingIndex load_used_index() const {
        return static_cast<RingIndex>(wire(platform::load_acquire(used_ + used_idx)));
    }
    /// Relaxed: for comparison only. It does not order the reads after it.
    [[__nodiscard__]] RingIndex peek_used_index() const {
        return static_cast<RingIndex>(wire(platform::load_relaxed(used_ + used_idx)));
    }
    [[__nodiscard__]] spec::UsedElement load_used_element(Slot slot) const {
        spec::UsedElement const* const entry = used_element(slot);
        return {wire(platform::load_relaxed(&entry->id)), wire(platform::load_relaxed(&entry->len))};
    }
    /// Prefetches the entries 128 bytes ahead, which are taken soon. Past the end of the ring the hint is wasted. Not
    /// used with IN_ORDER, where a batch has one entry.
    void prefetch_behind(Slot slot) const { platform::prefetch_to_read(used_element(slot) + 16); }
    /// Prefetches a descriptor that becomes free, because the next chain is written there.
    void prefetch_to_write(DescIndex desc) const { platform::prefetch_to_write(descriptor(desc)); }
    [[__nodiscard__]] uint16_t load_used_flags() const { return wire(platform::load_relaxed(used_ + used_flags)); }
    [[__nodiscard__]] RingIndex load_avail_event() const {
        return static_cast<RingIndex>(wire(platform::load_relaxed(avail_event())));
    }

private:
    template <uint32_t N, class Format>
    friend class SplitInspector;

    // Offsets in 16-bit words.
    static constexpr uint32_t avail_flags = spec::avail_flags_offset / 2;
    static constexpr uint32_t avail_idx = spec::avail_idx_offset / 2;
    static constexpr uint32_t avail_ring = spec::avail_ring_offset / 2;
    static constexpr uint32_t used_flags = spec::used_flags_offset / 2;
    static constexpr uint32_t used_idx = spec::used_idx_offset / 2;
    static constexpr uint32_t used_ring = spec::used_ring_offset / 2;

    /// The descriptor table, at the start of the pages.
    [[__nodiscard__]] spec::Descriptor* table() const { return static_cast<spec::Descriptor*>(virt()); }
    [[__nodiscard__]] spec::UsedElement const* used_element(Slot slot) const {
        return reinterpret_cast<spec::UsedElement const*>(used_ + used_ring) + subscript(slot);
    }
    /// The word behind the last used element. Not with `size()`, which would be narrowed to 16 bits first.
    [[__nodiscard__]] uint16_t* avail_event() const { return used_ + used_ring + 4 * (size_t{mask_} + 1); }

    /// Converts between native and ring byte order, in both directions. A modern ring is little-endian, a legacy one
    /// native (§2.7.3), so a little-endian host never swaps.
    template <class Word>
    [[__nodiscard__]] Word wire(Word word) const {
        if constexpr (native_byte_order == ByteOrder::little) {
            return word;
        } else {
            return in_order(word, order_);
        }
    }

    ByteOrder order_ = ByteOrder::little;  // first, because it fits behind the base's last byte
    uint32_t mask_ = 0;                    ///< size - 1; as wide as a register, so that no use has to widen it
    uint16_t* avail_ = nullptr;            ///< available ring with used_event, written by the driver
    uint16_t* used_ = nullptr;             ///< used ring with avail_event, written by the device
};

}  // namespace virtq::detail
