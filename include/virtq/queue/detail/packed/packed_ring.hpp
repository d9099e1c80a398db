// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/result.hpp>
#include <virtq/base/span.hpp>
#include <virtq/platform/detail/device_order.hpp>
#include <virtq/platform/detail/prediction.hpp>
#include <virtq/queue/burst.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/detail/batch.hpp>
#include <virtq/queue/detail/indirect_pool.hpp>
#include <virtq/queue/detail/packed/packed_chain.hpp>
#include <virtq/queue/detail/packed/packed_memory.hpp>
#include <virtq/queue/detail/packed/packed_position.hpp>
#include <virtq/queue/detail/packed/packed_shadow.hpp>
#include <virtq/queue/detail/packed/packed_walk.hpp>
#include <virtq/queue/detail/ring_life.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/fault.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/spec/feature.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

template <uint32_t N>
class PackedInOrder;
template <uint32_t N>
class PackedBurst;
template <uint32_t N, size_t Readable, size_t Writable>
class PackedRun;

/// The packed ring (§2.8): the protocol with the device. `VirtQueue` documents what each call does for the caller; the
/// comments here say how.
///
/// Descriptors are taken in ring order, and an id identifies each buffer. Chains that are added and not published, the
/// batch, are in the ring ready for the device. Only the flags of the batch's first descriptor are missing: `publish`
/// writes them last.
///
/// **Invariants** 1. `taken_`, the first descriptor of the batch, and `next_` follow each other in the ring, never
/// more than `size()` apart. `free_count_` is the rest of the ring. 2. An id is free or in flight, and private memory
/// alone knows which. 3. An id in flight is handed back once. 4. While `fault_` is set, nothing is allocated or
/// published, and only `drain` hands back chains.
template <uint32_t N>
class PackedRing : public RingLife<PackedRing<N>> {
public:
    using RingLife<PackedRing>::initialised;

    [[__nodiscard__]] uint16_t num_free() const { return free_count_; }

    /// Each side is a `Span`, a `Gather const&` or `FixedSegments`.
    template <class Readable, class Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(Readable readable, Writable writable, Token token) {
        size_t const count = readable.size() + writable.size();
        if (pool_.takes(count)) {
            return add_indirect<Readable, Writable>(readable, writable, token);
        }
        if (count - 1 >= free_count_) {  // count 0 wraps around, and is refused too
            return refuse(count);
        }
        if (next_.offset() + count >= memory_.size()) {
            return add_round<typename SideOf<Readable>::Type>(readable, writable, token);
        }
        return add_chain(Front<StraightWalk>{*this}, readable, writable, token);
    }

    template <class Get>
    [[__nodiscard__]] SubmittedBurst submit_burst(size_t count, Get chain_at) {
        return PackedBurst<N>::template submit<Get>(*this, count, chain_at);
    }
    [[__nodiscard__]] TakenBurst take_burst(Span<Completion> room) { return PackedBurst<N>::take(*this, room); }

    Notification publish() {
        if (first_flags_ == 0) {
            return {};
        }
        admit_pending();
        show_batch();
        return decide(first_);
    }

    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Completion take_used() {
        if (!takes_by_id_) {
            return PackedInOrder<N>::take(*this);
        }
        spec::PackedDescriptor const& next = next_used();
        uint16_t flags = memory_.load_flags(next);
        if (!is_used(flags)) {
            flags = look_again(flags);
            if (!is_used(flags)) {
                return {Token{}, 0, CompletionState::none};
            }
        }
        return take(next, flags);
    }

    [[__nodiscard__]] MaySleep enable_used_notifications() {
        VIRTQ_ASSERT(initialised(),
                     "enable_used_notifications() was called on a queue without memory. Call init() first.");
        if (!is_open()) {
            return MaySleep::broken;
        }
        notifications_on_ = true;
        ask_to_notify();
        return !batch_.is_over() || is_used(memory_.peek_flags(next_used())) ? MaySleep::no : MaySleep::yes;
    }

    void disable_used_notifications() {
        VIRTQ_ASSERT(initialised(),
                     "disable_used_notifications() was called on a queue without memory. Call init() first.");
        notifications_on_ = false;
        if (is_open()) {
            memory_.write_driver_event(spec::RingEvent::disable, 0);
        }
    }

private:
    using Layout = PackedLayout;
    using RingLife<PackedRing>::refuse;
    friend class RingLife<PackedRing>;
    friend class PackedInOrder<N>;
    friend class PackedBurst<N>;
    template <uint32_t, size_t, size_t>
    friend class PackedRun;
    friend class PackedInspector<N>;

    static constexpr auto next_flag = static_cast<uint16_t>(spec::DescFlag::next);
    static constexpr auto write_flag = static_cast<uint16_t>(spec::DescFlag::write);

    /// What a chain that is added changes, in the members.
    template <class WalkOfChain>
    struct Front {
        using Walk = WalkOfChain;

        [[__nodiscard__]] Walk walk() const {
            return {ring.memory_, ring.next_, ring.memory_.size(), ring.hidden_flag_};
        }
        [[__nodiscard__]] PackedPosition const& position() const { return ring.next_; }
        [[__nodiscard__]] uint16_t& hidden_flag() const { return ring.hidden_flag_; }
        [[__nodiscard__]] BufferId& id() const { return ring.shadow_.free_head_place(); }
        /// Moves behind a chain, which `walk` has left.
        void pass(Walk const&, size_t count) const {
            ring.free_count_ = static_cast<uint16_t>(ring.free_count_ - count);
            Walk::pass(ring.next_, static_cast<uint16_t>(count), ring.memory_.size());
        }

        PackedRing& ring;
    };

    /// What a completion changes, in the members.
    struct Back {
        [[__nodiscard__]] BufferId& free_head() const { return ring.shadow_.free_head_place(); }
        void free_descriptors(uint16_t count) const { ring.free_descriptors(count); }

        PackedRing& ring;
    };

    /// Adds a chain that reaches the end of the ring, as few do.
    template <class Side>
    [[__nodiscard__]] [[gnu::__noinline__]] Error add_round(Side readable, Side writable, Token token) {
        return add_chain(Front<RoundWalk>{*this}, readable, writable, token);
    }

    template <class End, class Readable, class Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Error add_chain(End front, Readable const& readable,
                                                             Writable const& writable, Token token) {
        PackedChain chain{front.walk(), front.id()};
        if (Error const error = write_sides(chain, readable, writable, next_flag); error != Error::none) {
            return take_back(front.position().offset(), front.position().available_flags(), &chain.walk.last(), error);
        }
        size_t const count = readable.size() + writable.size();
        if constexpr (!knows_end<Readable, Writable>) {
            memory_.write_flags(chain.walk.last(), static_cast<uint16_t>(chain.last_flags & ~next_flag));
        }
        if (front.hidden_flag() != 0) {
            uint16_t const direction = readable.size() == 0 ? write_flag : uint16_t{0};
            front.hidden_flag() = 0;
            begin_batch(front.position(), static_cast<uint16_t>(direction | (count > 1 ? next_flag : uint16_t{0})));
        }
        record(front.id(), Extent::direct(count), chain.writable_bytes, token);
        front.pass(chain.walk, count);
        return Error::none;
    }

    [[__nodiscard__]] static Error check_request(uint32_t size, Features const& features) {
        if (Error const error = check_queue_size(size, N); error != Error::none) {
            return error;
        }
        bool const is_packed = features.has(spec::Feature::ring_packed) && !is_legacy(features);
        return is_packed ? Error::none : Error::ring_packed_not_negotiated;
    }

    /// A packed ring may have any address.
    [[__nodiscard__]] static constexpr Error check_place(Features const&, PhysAddr) { return Error::none; }

    /// Makes an empty queue in the pages, which may be dirty.
    void set_up(uint32_t size, Features const& features, QueueOption const& option) {
        id_limit_ = free_count_ = static_cast<uint16_t>(size);
        event_idx_ = features.has(spec::Feature::event_idx);
        in_order_ = features.has(spec::Feature::in_order);
        order_ = device_order(features);
        clamps_length_ = option.over_reported == OverReportedLength::clamp;
        memory_.place(PackedLayout{size});
        shadow_.reset(memory_.size());
        pool_.reset(IndirectShape::of(size, features, option.indirect));
        start_at(PackedPosition::start(number(option.first_index)));
    }

    void start_at(PackedPosition first) {
        VIRTQ_ASSERT(first.offset() < memory_.size(),
                     "QueueOption::first_index is out of range. Give a packed ring an offset below its size.");
        fault_ = Fault{};
        takes_by_id_ = !in_order_;
        batch_ = Batch{};
        next_ = taken_ = first;
        first_flags_ = pending_ = in_flight_ = 0;
        hidden_flag_ = PackedPosition::avail_flag;
        batch_number_ = BatchNumber::first();
        oldest_ = BufferId{0};
        notifications_on_ = false;
        if (first.word() != PackedPosition::start(0).word()) {
            memory_.start_at(first);
        }
        memory_.write_driver_event(spec::RingEvent::disable, 0);
    }

    /// Restores the previous lap's flags on the descriptors from a position to `last`. Otherwise a later publish of
    /// the first one would expose them. A device that obeys the standard has not read that far.
    [[gnu::__cold__]] [[gnu::__noinline__]] Error take_back(uint16_t offset, uint16_t available_flags,
                                                            spec::PackedDescriptor const* last, Error error) {
        auto at = PackedPosition::at(offset, available_flags);
        for (;; at.step(memory_.size())) {
            spec::PackedDescriptor* const taken = memory_.descriptor(at.offset());
            memory_.write_flags(*taken, static_cast<uint16_t>(at.available_flags() ^ PackedPosition::avail_flag));
            if (taken == last) {
                return error;
            }
        }
    }

    /// Makes the chain at `from` the first of a batch: show_batch() writes the flags of its first descriptor.
    void begin_batch(PackedPosition const& from, uint16_t flags) {
        first_ = from.offset();
        first_flags_ = static_cast<uint16_t>(from.available_flags() | flags);
    }

    /// Makes the batch visible to the device (§2.8.21.1).
    VIRTQ_INLINE_FOR_SPEED void show_batch() {
        uint16_t const flags = first_flags_;
        first_flags_ = 0;
        hidden_flag_ = PackedPosition::avail_flag;
        expose(*memory_.descriptor(first_), flags);
    }
    /// Gives the first descriptor of a batch its flags, and with it exposes the batch.
    VIRTQ_INLINE_FOR_SPEED void expose(spec::PackedDescriptor& head, uint16_t flags) {
        memory_.attach();
        order_.before_publish();
        memory_.expose(head, flags);
    }

    /// Whether the device wants a notification for the descriptors from the offset `first` up to `next_`.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Notification decide(uint16_t first) {
        // Pairs with the device's full fence between asking for a notification (its event structure) and reading the
        // next descriptor once more. Without it our flags could become visible after our read of that structure. Then
        // the device sleeps, we do not notify, and the chain waits for ever (§2.8.21.3.1).
        order_.full();
        return {wants_notification(memory_.load_device_event(), first), next_.word()};
    }

    /// Adds a chain in an indirect table, with one descriptor of the ring (§2.8.7).
    template <class Readable, class Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Error add_indirect(Readable readable, Writable writable, Token token) {
        size_t const count = readable.size() + writable.size();
        if (free_count_ == 0) {
            return refuse(count);
        }
        size_t const at = pool_.offset(pool_.front());
        PackedTable entries{pool_.template descriptors_at<spec::PackedDescriptor>(at)};
        if (Error const error = write_sides(entries, readable, writable, 0); error != Error::none) {
            return error;
        }
        TableIndex const table = pool_.take();
        BufferId& id = shadow_.free_head_place();
        write_table_descriptor(id, Segment{pool_.phys_at(at), static_cast<uint32_t>(16 * count)});
        record(id, Extent::indirect(table), entries.writable_bytes, token);
        --free_count_;
        return Error::none;
    }

    /// Writes the ring's descriptor of a chain in an indirect table, and moves `next_` behind it.
    void write_table_descriptor(BufferId id, Segment const& table) {
        constexpr auto indirect = static_cast<uint16_t>(spec::DescFlag::indirect);
        spec::PackedDescriptor& in_ring = *memory_.descriptor(next_.offset());
        auto flags = static_cast<uint16_t>(next_.available_flags() | indirect);
        if (hidden_flag_ != 0) {
            flags ^= hidden_flag_;
            hidden_flag_ = 0;
            begin_batch(next_, indirect);
        }
        next_.step(memory_.size());
        memory_.write_segment(in_ring, table.addr, table.bytes);
        memory_.write_id(in_ring, id);
        memory_.write_flags(in_ring, flags);
    }

    /// Records what take_used() needs to know of the chain. It gets the free id, which becomes the next free one.
    void record(BufferId& free_id, Extent extent, uint32_t writable_bytes, Token token) {
        BufferId const id = free_id;
        shadow_.set_token(id, token);
        shadow_.set_bytes(id, writable_bytes);
        if (in_order_) [[__unlikely__]] {
            shadow_.set_extent(id, extent);
            free_id = following(id);
            ++pending_;
        } else {
            shadow_.set_mark(id, Mark::head_in(batch_number_));
            shadow_.take(free_id, extent);
        }
    }

    /// From here on the device may use the pending chains. Before that, their ids in used descriptors are violations.
    void admit_pending() {
        if (in_order_) {
            in_flight_ = static_cast<uint16_t>(in_flight_ + pending_);
            pending_ = 0;
            return;
        }
        shadow_.settle(batch_number_);
        batch_number_ = batch_number_.next();
    }

    /// Descriptors from the offset `first` up to `next_`, or all descriptors if the two offsets are equal.
    [[__nodiscard__]] uint16_t descriptors_from(uint16_t first) const {
        uint16_t const behind = next_.offset();
        return static_cast<uint16_t>(behind > first ? behind - first : behind + memory_.size() - first);
    }

    [[__nodiscard__]] bool wants_notification(uint32_t event, uint16_t first) const {
        auto const flags = static_cast<spec::RingEvent>(
            static_cast<uint16_t>((event >> spec::ring_event_flags_shift) & spec::ring_event_flags_mask));
        if (flags == spec::RingEvent::desc && event_idx_) {
            return passes_event(static_cast<uint16_t>(event), next_, descriptors_from(first), memory_.size());
        }
        return flags != spec::RingEvent::disable;  // a reserved value notifies, which is safe
    }

    /// Whether the ring has memory and no fault. Otherwise nothing of it is read.
    [[__nodiscard__]] bool is_open() const { return id_limit_ != 0; }

    /// The descriptor that the device will use next.
    [[__nodiscard__]] spec::PackedDescriptor const& next_used() const { return *memory_.descriptor(taken_.offset()); }
    /// Whether both flags equal the wrap counter of this lap (§2.8.1).
    [[__nodiscard__]] bool is_used(uint16_t flags) const { return taken_.is_used(flags); }
    /// Takes the used descriptor `next`; `flags` are the flags that were read from it.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Completion take(spec::PackedDescriptor const& next, uint16_t flags) {
        order_.after_poll();
        memory_.prefetch_behind(next);
        PackedMemory::Used entry = memory_.load_used(next);
        if (!is_usual(entry)) [[__unlikely__]] {
            entry.len = judge(entry, flags);
            if (fault_) {
                return {Token{}, 0, CompletionState::broken};
            }
        }
        return take_checked(Back{*this}, entry);
    }

    /// Whether a used descriptor is of a chain in flight, with a length that it may have.
    [[__nodiscard__]] bool is_usual(PackedMemory::Used entry) const {
        auto const id = static_cast<BufferId>(entry.id);
        return entry.id < id_limit_ && shadow_.mark(id).is_published_head(batch_number_) &&
               entry.len <= shadow_.bytes(id);
    }
    /// Judges any other one: returns its length, corrected, or breaks the queue.
    [[__nodiscard__]] [[gnu::__noinline__]] uint32_t judge(PackedMemory::Used entry, uint16_t flags) {
        if (entry.id >= id_limit_) {
            return break_queue(FaultReason::used_id_out_of_range, entry.id);
        }
        auto const id = static_cast<BufferId>(entry.id);
        if (!shadow_.mark(id).is_published_head(batch_number_)) {
            return break_queue(FaultReason::used_id_not_in_flight, entry.id);
        }
        return correct_length(id, entry.len, flags);
    }

    /// Frees the chain of a used descriptor that was checked.
    template <class End>
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE Completion take_checked(End&& back, PackedMemory::Used entry) {
        auto const id = static_cast<BufferId>(entry.id);
        Extent const extent = shadow_.extent(id);
        if (extent.has_table()) {
            pool_.give_back(extent.table());
            back.free_descriptors(1);
        } else {
            // The next used slot depends on this chain's length, which we have only just loaded. Predicting it avoids
            // the stall.
            back.free_descriptors(usual_length_.confirm(extent.descriptors()));
        }
        shadow_.release(back.free_head(), id);
        return {shadow_.token(id), entry.len, CompletionState::ready};
    }

    /// Of a length above the writable bytes: returns it corrected, or breaks the queue. Without WRITE the length is
    /// reserved (§2.8.4), so any value is allowed, and nothing was written. A possible length is accepted even without
    /// WRITE, because QEMU 7.2 never sets WRITE in a used descriptor.
    [[__nodiscard__]] uint32_t correct_length(BufferId id, uint32_t len, uint16_t flags) {
        if ((flags & write_flag) == 0) {
            return 0;
        }
        return clamps_length_ ? shadow_.bytes(id) : break_queue(FaultReason::used_length_above_writable, len);
    }

    [[__nodiscard__]] BufferId following(BufferId id) const {
        auto const next = static_cast<uint16_t>(number(id) + 1);
        return static_cast<BufferId>(next == memory_.size() ? uint16_t{0} : next);
    }

    void free_descriptors(uint16_t count) {
        taken_.advance(count, memory_.size());
        free_count_ = static_cast<uint16_t>(free_count_ + count);
    }

    /// Asks the device to notify when it uses the next buffer.
    void ask_to_notify() {
        memory_.write_driver_event(event_idx_ ? spec::RingEvent::desc : spec::RingEvent::enable, taken_.word());
        // Pairs with the device's full fence between using a descriptor and reading our event structure. Without it we
        // could read the descriptor before our request is visible. Then we see nothing used, the device sees no
        // request, and we sleep for ever.
        order_.full();
    }

    /// Called if the next descriptor is not used. With EVENT_IDX and notifications on, requests a notification for it
    /// and reads its flags once more. Returns the flags that it read, otherwise `seen`.
    [[__nodiscard__]] [[gnu::__noinline__]] uint16_t look_again(uint16_t seen) {
        if (!notifications_on_ || !event_idx_) {
            return seen;
        }
        ask_to_notify();
        return memory_.load_flags(next_used());
    }

    /// Nothing can be allocated, published or taken any more.
    void close() {
        takes_by_id_ = false;
        free_count_ = id_limit_ = first_flags_ = 0;
        batch_ = Batch{};
    }

    /// The device violated the standard. From now on every call reports it. Nothing of the ring is read afterwards, so
    /// `fault_` keeps the first violation.
    /// Returns 0.
    [[gnu::__cold__]] [[gnu::__noinline__]] uint32_t break_queue(FaultReason reason, uint32_t value) {
        fault_ = Fault{reason, value};
        close();
        return 0;
    }

    template <class Each>
    void drain_chains(Each& each) {
        in_order_ ? PackedInOrder<N>::drain(*this, each) : this->template drain_heads<BufferId>(each);
    }

    // Hot and private: what the driver needs later is here and in the shadow, not in the ring. The attribute lets a
    // member use the padding of the one before. All members take at most 18 bytes a descriptor and 128 more.
    PackedMemory memory_;       // shared with the device
    PackedPosition next_;       // behind the last chain that was added
    PackedPosition taken_;      // where the device writes the next used descriptor
    uint16_t id_limit_ = 0;     // the size; 0 while not open, so that no id is valid
    uint16_t first_flags_ = 0;  // flags of the batch's first descriptor; 0: no batch
    uint16_t first_ = 0;        // its offset; in another 32-bit word: GCC would merge the two stores, with shifts
    uint16_t free_count_ = 0;   // descriptors
    uint16_t hidden_flag_ = 0;  // AVAIL if the next chain begins a batch, to hide its first descriptor; otherwise 0
    uint16_t pending_ = 0;      // with IN_ORDER: chains added and not published
    uint16_t in_flight_ = 0;    // with IN_ORDER: chains published and not taken
    BatchNumber batch_number_;  // of the batch that is not published yet
    BufferId oldest_{};         // with IN_ORDER: id of the oldest chain
    bool event_idx_ = false;
    bool in_order_ = false;
    [[__no_unique_address__]] Batch batch_;  // with IN_ORDER: what the last used descriptor completes
    [[__no_unique_address__]] Fault fault_;
    bool takes_by_id_ = false;           // the ring is open, without IN_ORDER
    bool notifications_on_ : 1 = false;  // here, because the padding is free
    bool clamps_length_ : 1 = false;
    platform::Prediction usual_length_;  // predicted length of a chain without a table
    [[__no_unique_address__]] platform::DeviceOrder order_;
    IndirectPool<N> pool_;
    PackedShadow<N> shadow_;
};

}  // namespace virtq::detail
