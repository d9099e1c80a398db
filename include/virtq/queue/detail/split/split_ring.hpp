// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/result.hpp>
#include <virtq/base/span.hpp>
#include <virtq/platform/detail/device_order.hpp>
#include <virtq/queue/burst.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/detail/batch.hpp>
#include <virtq/queue/detail/indirect_shape.hpp>
#include <virtq/queue/detail/ring_life.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/detail/split/split_chain.hpp>
#include <virtq/queue/detail/split/split_memory.hpp>
#include <virtq/queue/detail/split/split_shadow.hpp>
#include <virtq/queue/fault.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/spec/feature.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

struct Split;

}  // namespace virtq

namespace virtq::detail {

template <class Ring>
class DescriptorTier;
template <class Ring>
class SplitInOrder;
template <class Ring>
class SplitBurst;

/// The split ring (§2.7): the protocol with the device, and the chain tier over it. `VirtQueue` documents what each
/// call does for the caller; the comments here say how.
///
/// **Invariants** 1. `taken_` ≤ `seen_` ≤ `published_` ≤ `added_` in free-running order, and never more than `size()`
/// apart. 2. A descriptor is free, the caller's, or in flight, and private memory alone knows which. 3. A head in
/// flight is handed back once. 4. While `fault_` is set, nothing is allocated or published, and only `drain` hands
/// back chains.
template <uint32_t N, class Format = Split>
class SplitRing : public RingLife<SplitRing<N, Format>> {
public:
    using RingLife<SplitRing>::initialised;
    static constexpr uint32_t capacity = N;

    [[__nodiscard__]] uint16_t num_free() const { return shadow_.free_count(); }
    [[__nodiscard__]] bool in_order() const { return Format::has_in_order && in_order_; }

    /// Each side is a `Span`, a `Gather const&` or `FixedSegments`.
    template <class Readable, class Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(Readable readable, Writable writable, Token token) {
        return add_at(Front{*this}, readable, writable, token);
    }

    template <class Get>
    [[__nodiscard__]] SubmittedBurst submit_burst(size_t count, Get chain_at) {
        return Burst::template submit<Get>(*this, count, chain_at);
    }
    [[__nodiscard__]] TakenBurst take_burst(Span<Completion> room) { return Burst::take(*this, room); }

    Notification publish() {
        RingIndex const from = decided_;
        RingIndex const added = added_;
        if (from == added && (!can_go_round || published_ == added)) {
            return {false, number(added)};
        }
        expose();
        decided_ = added;
        // Pairs with the device's full fence between asking for a notification (or moving avail_event) and reading the
        // available index once more. Without it our index could become visible after our read of the suppression word.
        // Then the device sleeps, we do not notify, and the chain waits for ever (§2.7.13.4.1).
        order_.full();
        bool const needed = event_idx_ ? decides_for(from, added, memory_.load_avail_event())
                                       : (memory_.load_used_flags() & no_notify_flag) == 0;
        return {needed, number(added)};
    }

    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Completion take_used() {
        if (taken_ == seen_ && in_order()) {  // with IN_ORDER the indices are always equal
            return take_oldest<InOrder>(*this);
        }
        return free_used(next_entry());
    }

    [[__nodiscard__]] MaySleep enable_used_notifications() {
        VIRTQ_ASSERT(initialised(),
                     "enable_used_notifications() was called on a queue without memory. Call init() first.");
        if (!is_open_) {
            return MaySleep::broken;
        }
        notifications_on_ = true;
        if (event_idx_) {
            memory_.write_used_event(taken_);
        } else {
            memory_.write_avail_flags(0);
        }
        // Pairs with the device's full fence between publishing its index and reading used_event or the flags. Without
        // it the device could read the old word while we read the old index: it does not notify, and we sleep.
        order_.full();
        return has_used() ? MaySleep::no : MaySleep::yes;
    }

    /// Whether take_used() or poll_used() would return a completion, or `broken`.
    [[__nodiscard__]] bool has_used() const {
        return !is_open_ || has_seen_more() || memory_.peek_used_index() != taken_;
    }

    void disable_used_notifications() {
        VIRTQ_ASSERT(initialised(),
                     "disable_used_notifications() was called on a queue without memory. Call init() first.");
        notifications_on_ = false;
        // With EVENT_IDX the flags stay 0 (§2.7.7.1), and used_event is no longer moved.
        if (is_open_ && !event_idx_) {
            memory_.write_avail_flags(static_cast<uint16_t>(spec::AvailFlag::no_interrupt));
        }
    }

private:
    using Tables = typename Format::template Tables<N>;
    using InOrder = SplitInOrder<SplitRing>;
    using Burst = SplitBurst<SplitRing>;
    using Tier = DescriptorTier<SplitRing>;
    using FreeList = typename SplitShadow<N>::FreeList;
    using Layout = SplitLayout;
    using RingLife<SplitRing>::refuse;
    friend class RingLife<SplitRing>;
    friend InOrder;
    friend Burst;
    friend Tier;
    friend class SplitInspector<N, Format>;

    static constexpr auto no_notify_flag = static_cast<uint16_t>(spec::UsedFlag::no_notify);
    static constexpr uint16_t most_undecided = spec::queue_size_max;
    /// Whether a full round of chains can wait for a decision, so that `decided_` equals `added_` (see `decides_for`).
    static constexpr bool can_go_round = Format::has_descriptor_tier && most_undecided + N > UINT16_MAX;
    static constexpr uint16_t link_flags = static_cast<uint16_t>(spec::DescFlag::next);
    static constexpr uint16_t write_flag = static_cast<uint16_t>(spec::DescFlag::write);

    [[__nodiscard__]] static Error check_request(uint32_t size, Features const& features) {
        if (size != 0 && size <= spec::queue_size_max && !is_power_of_two(size)) {
            return Error::queue_size_not_power_of_two;
        }
        if (Error const error = check_queue_size(size, N); error != Error::none) {
            return error;
        }
        bool const unknown = features.has(spec::Feature::ring_packed) ||
                             (!Format::has_in_order && features.has(spec::Feature::in_order));
        return unknown ? Error::feature_not_supported_by_queue : Error::none;
    }

    /// A legacy device takes a 32-bit page number, and 0 means "no queue" (§4.2.4).
    [[__nodiscard__]] static Error check_place(Features const& features, PhysAddr run) {
        if (!is_legacy(features)) {
            return Error::none;
        }
        uint64_t const pfn = run.value / pfn_unit_bytes;
        if (pfn == 0) {
            return Error::pfn_zero;
        }
        return fits_32_bits(pfn) ? Error::none : Error::pfn_above_32_bits;
    }

    /// Makes an empty queue in the pages, which may be dirty.
    void set_up(uint32_t size, Features const& features, QueueOption const& option) {
        bool const legacy = is_legacy(features);
        event_idx_ = features.has(spec::Feature::event_idx);
        if constexpr (Format::has_in_order) {
            in_order_ = features.has(spec::Feature::in_order);
        }
        order_ = device_order(features);
        clamps_length_ = legacy | (option.over_reported == OverReportedLength::clamp);  // `|` needs no branch
        RingIndex const first = option.first_index;
        memory_.place(SplitLayout{size}, legacy ? native_byte_order : ByteOrder::little, first,
                      event_idx_ ? first : RingIndex{0});
        shadow_.reset(static_cast<uint16_t>(size));
        pool_.reset(IndirectShape::of(size, features, option.indirect));
        start_at(first);
    }

    void start_at(RingIndex first) {
        fault_ = Fault{};
        is_open_ = true;
        added_ = published_ = decided_ = seen_ = taken_ = first;
        if constexpr (Format::has_in_order) {
            batch_ = Batch{};
            batched_ = first;
            oldest_head_ = DescIndex{0};
        }
        batch_number_ = BatchNumber::first();
        notifications_on_ = false;
        if (event_idx_) {
            // One entry behind the device's index: the device notifies only after a full round.
            memory_.write_used_event(advance(first, UINT16_MAX));
        } else {
            memory_.write_avail_flags(static_cast<uint16_t>(spec::AvailFlag::no_interrupt));
        }
    }

    /// The members that adding a chain changes. A burst uses its own copies instead, in registers: the compiler must
    /// assume that each store to the ring changes the members.
    struct Front {
        [[__nodiscard__]] RingIndex& added() const { return ring.added_; }
        [[__nodiscard__]] FreeList free_list() const { return ring.shadow_.free_list(); }

        SplitRing& ring;
    };

    /// Adds a chain at `front`, and moves `front` behind it. `End` is `Front`, or a reference to the copies of a
    /// burst. An error changes nothing.
    template <class End, class Readable, class Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Error add_at(End front, Readable readable, Writable writable,
                                                          Token token) {
        size_t const count = readable.size() + writable.size();
        if constexpr (Tables::exist) {
            if (pool_.takes(count)) {
                return add_indirect<End>(front, readable, writable, token);
            }
        }
        if (count - 1 >= front.free_list().count) {  // count 0 wraps around, and is refused too
            return refuse(count);
        }
        SplitChain<N> chain{memory_, shadow_, front.free_list().head};
        if (Error const error = write_sides(chain, readable, writable, link_flags); error != Error::none) {
            return error;
        }
        if constexpr (!knows_end<Readable, Writable>) {
            memory_.write_flags(*chain.entry, writable.size() != 0 ? write_flag : uint16_t{0});
        }
        commit<End>(front, chain, count, token);
        return Error::none;
    }

    /// Finishes a chain that is written to the ring.
    template <class End>
    void commit(End front, SplitChain<N> const& chain, size_t count, Token token) {
        auto const taken = static_cast<uint16_t>(count);
        append<End>(front, chain.last, Link::end(), taken, chain.next, chain.writable_bytes, token);
    }

    /// Adds the chain at the free head to the batch. It has `count` descriptors, ends with `last`, and `rest` is the
    /// free descriptor behind it.
    template <class End>
    VIRTQ_INLINE_FOR_SPEED void append(End front, DescIndex last, Link end, uint16_t count, DescIndex rest,
                                       uint32_t writable_bytes, Token token) {
        DescIndex const head = front.free_list().head;
        if (in_order()) [[__unlikely__]] {
            Extent const extent = end.has_table() ? Extent::indirect(end.table()) : Extent::direct(count);
            InOrder::record(*this, front.added(), extent, writable_bytes, token);
        } else {
            record(head, writable_bytes, token);
            shadow_.set_link(last, end);
        }
        front.free_list().take(count, rest);
        front.added() = offer(front.added(), head);
    }

    /// Records what take_used() needs to know of a chain of `add`.
    void record(DescIndex head, uint32_t writable_bytes, Token token) {
        shadow_.set_token(head, token);
        shadow_.set_bytes(head, writable_bytes);
        shadow_.set_mark(head, Mark::head_in(batch_number_));
    }

    /// Adds a chain in an indirect table, with one descriptor of the ring (§2.7.5.3).
    template <class End, class Readable, class Writable>
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE Error add_indirect(End front, Readable readable, Writable writable,
                                                             Token token) {
        size_t const count = readable.size() + writable.size();
        if (front.free_list().count == 0) {
            return refuse(count);
        }
        size_t const at = pool_.offset(pool_.front());
        SplitTable table{memory_, pool_.template descriptors_at<spec::Descriptor>(at)};
        if (Error const error = write_sides(table, readable, writable, link_flags); error != Error::none) {
            return error;
        }
        if constexpr (!knows_end<Readable, Writable>) {
            memory_.write_flags(table.next[-1], writable.size() != 0 ? write_flag : uint16_t{0});
        }
        Segment const in_ring{pool_.phys_at(at), static_cast<uint32_t>(16 * count)};
        commit_indirect<End>(front, in_ring, table.writable_bytes, token);
        return Error::none;
    }

    /// Writes the ring's descriptor of a chain in the front table of the pool, and finishes the chain.
    template <class End>
    void commit_indirect(End front, Segment const& in_ring, uint32_t writable_bytes, Token token) {
        DescIndex const head = front.free_list().head;
        TableIndex const table = pool_.take();
        memory_.write_descriptor(head, in_ring, static_cast<uint16_t>(spec::DescFlag::indirect), DescIndex{0});
        append<End>(front, head, Link::end_with(table), 1, shadow_.next(head), writable_bytes, token);
    }

    /// Frees the chain at `head`, and its table if it has one.
    void free_head(FreeList const& free, DescIndex head) {
        memory_.prefetch_to_write(head);
        if (Link const end = shadow_.release_chain(free, head); end.has_table()) {
            pool_.give_back(end.table());
        }
    }
    void free_head(DescIndex head) { free_head(shadow_.free_list(), head); }

    /// Writes the entry of the available ring at `index`. Returns the index behind it.
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE RingIndex offer(RingIndex index, DescIndex head) {
        memory_.write_avail_entry(memory_.slot(index), head);
        return advance(index);
    }

    /// Called before each push_avail(), because any number of them may come before publish(). At most 32768 chains are
    /// undecided after the push, so pushes cannot wrap `added_ - decided_`. Dropping older ones is safe: the device
    /// has consumed them. Only N = 32768 pending `add`s on top reach a full wrap, and `decides_for` handles that.
    void forget_old_decisions() {
        if (distance(decided_, added_) >= most_undecided) {
            decided_ = advance(added_, static_cast<uint16_t>(1 - most_undecided));
        }
    }

    /// With EVENT_IDX: whether the device wants a notification for the chains from `from` to `added`. There is at
    /// least one chain, so equal indices mean a full round.
    [[__nodiscard__]] static bool decides_for(RingIndex from, RingIndex added, RingIndex event) {
        return (can_go_round && from == added) || passes_event(event, from, added);
    }

    /// Whether the device's index, as last read, announced more completions. The device must not move it back.
    [[__nodiscard__]] bool has_seen_more() const { return in_order() ? batched_ != taken_ : seen_ != taken_; }

    /// Makes all chains that were added or pushed available to the device (§2.7.13.3).
    VIRTQ_INLINE_FOR_SPEED void expose() {
        admit_pending();
        show();
    }
    /// Lets the device see all chains that were added or pushed, but does not admit them: until `expose`, their
    /// completions are violations.
    VIRTQ_ALWAYS_INLINE void show() {
        memory_.attach();
        order_.before_publish();
        memory_.publish_avail_index(added_);
    }

    /// From here on the device may use the pending chains. Before that, their ids in the used ring are violations.
    void admit_pending() {
        published_ = added_;
        if (in_order()) {  // completions are counted, not looked up
            return;
        }
        shadow_.settle(batch_number_);
        batch_number_ = batch_number_.next();
    }

    /// Nothing can be allocated, published or taken any more. add() reaches refuse(), take_used() reaches
    /// poll_index(), and both report why. publish() finds nothing to publish.
    [[gnu::__cold__]] [[gnu::__noinline__]] void close() {
        is_open_ = false;
        shadow_.close();
        decided_ = published_ = added_;
        seen_ = taken_;
        if constexpr (Format::has_in_order) {
            batch_ = Batch{};
            batched_ = taken_;
        }
    }

    /// Whether a caller that takes all completions asks for the next notification each time (§2.7.7.2).
    [[__nodiscard__]] bool asks_again() const { return notifications_on_ && event_idx_; }

    /// Polls the device's index for new entries. `seen_` equals `taken_` here.
    [[gnu::__noinline__]] CompletionState poll_index() {
        VIRTQ_ASSERT(initialised(), "A queue without memory has no completions. Call init() first.");
        if (!is_open_) {
            return CompletionState::broken;
        }
        RingIndex index = memory_.load_used_index();
        if (index == taken_ && asks_again()) {
            // Nothing new: ask for a notification of the next entry. The device may have written it meanwhile, so read
            // the index again. The fence pairs as in enable_used_notifications(): without it the device could read the
            // old used_event while we read the old index.
            memory_.write_used_event(taken_);
            order_.full();
            index = memory_.load_used_index();
        }
        if (index == taken_) {
            return CompletionState::none;
        }
        if (distance(taken_, index) > distance(taken_, published_)) {
            return break_queue(FaultReason::used_index_ahead, number(index));
        }
        order_.after_poll();
        seen_ = index;
        return CompletionState::ready;
    }

    /// The device violated the standard. From now on every call reports it, until the queue is restarted.
    [[gnu::__cold__]] [[gnu::__noinline__]] CompletionState break_queue(FaultReason reason, uint32_t value) {
        fault_ = Fault{reason, value};
        close();
        return CompletionState::broken;
    }

    /// As above, for the calls that return a chain.
    [[gnu::__cold__]] [[gnu::__noinline__]] UsedChain violation(FaultReason reason, uint32_t value) {
        return {DescIndex{}, 0, break_queue(reason, value)};
    }

    /// Takes the next entry of the used ring and checks it. Its chain is still marked as in flight: the caller must
    /// change the mark before the next entry is taken.
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE UsedChain take_entry() {
        if (taken_ == seen_) {
            if (CompletionState const state = poll_index(); state != CompletionState::ready) {
                return {DescIndex{}, 0, state};
            }
        }
        Slot const slot = memory_.slot(taken_);
        spec::UsedElement const entry = memory_.load_used_element(slot);
        memory_.prefetch_behind(slot);
        return check(entry);
    }

    /// Checks the used entry at `taken_`, which was read.
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE UsedChain check(spec::UsedElement entry) {
        if (entry.id > memory_.mask()) {
            return violation(FaultReason::used_id_out_of_range, entry.id);
        }
        auto const head = static_cast<DescIndex>(entry.id);
        return is_added(head) ? pass(head, entry.len, shadow_.bytes(head)) : take_other(head, entry.len);
    }

    /// As above. In a format with both tiers, both use one copy with -Os.
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE UsedChain next_entry() {
        if constexpr (Format::has_descriptor_tier) {
            return Tier::take_entry(*this);
        } else {
            return take_entry();
        }
    }

    /// Frees the chain of an entry that was checked, and returns its completion.
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE Completion free_used(UsedChain const& entry) {
        if (!entry) {
            return {Token{}, 0, entry.state};
        }
        if (!Format::has_descriptor_tier || shadow_.mark(entry.head).is_added_head()) {
            free_head(entry.head);
        } else {
            Tier::free_pushed(*this, entry.head);
        }
        return {shadow_.token(entry.head), entry.len, CompletionState::ready};
    }

    /// Takes a head that is not of `add`. Either it is of the descriptor tier, or the device has used a chain that is
    /// not in flight.
    [[__nodiscard__]] [[gnu::__noinline__]] UsedChain take_other(DescIndex head, uint32_t len) {
        if (Format::has_descriptor_tier && shadow_.mark(head).is_held_by(Mark::Holder::pushed_head)) {
            return pass(head, len, Tier::writable_total(*this, head));
        }
        return violation(FaultReason::used_id_not_in_flight, subscript(head));
    }

    /// Advances behind the entry. If the device reports more bytes than `writable`, clamps them or breaks the queue.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED UsedChain pass(DescIndex head, uint32_t len, uint32_t writable) {
        if (len > writable) {
            if (!clamps_length_) {
                return violation(FaultReason::used_length_above_writable, len);
            }
            len = writable;
        }
        taken_ = advance(taken_);
        return {head, len, CompletionState::ready};
    }

    /// Whether the descriptor is the head of a chain of `add` that is published.
    [[__nodiscard__]] bool is_added(DescIndex head) const {
        return shadow_.mark(head).is_published_head(batch_number_);
    }

    /// Hands back the chains of both tiers. Only heads have a token; a body comes back with its head.
    template <class Each>
    void drain_chains(Each& each) {
        in_order() ? InOrder::drain(*this, each) : this->template drain_heads<DescIndex>(each);
    }

    // Hot and private: what the driver needs later is here and in the shadow, not in the ring. The attribute lets a
    // member use the padding of the one before. All members take at most 18 bytes a descriptor (16 without tables) and
    // 128 more.
    [[__no_unique_address__]] SplitMemory memory_;  // shared with the device
    // The hot indices are at no multiple of four bytes, and none is next to where it is copied to. Otherwise compilers
    // load 32 bits where 16 were just stored, which stalls (tests/freestanding/codegen).
    RingIndex batched_{};                        // with IN_ORDER: the device's index as last read
    RingIndex added_{};                          // behind the last chain that was added
    RingIndex decided_{};                        // behind the last chain for which publish() decided whether to notify
    RingIndex taken_{};                          // behind the last completion that was handed out
    RingIndex seen_{};                           // the device's index as last read; with IN_ORDER equal to `taken_`
    RingIndex published_{};                      // behind the last chain made available to the device
    BatchNumber batch_number_;                   // of the batch that is not published yet
    DescIndex oldest_head_ : 16 = DescIndex{0};  // with IN_ORDER: head of the oldest chain
    bool in_order_ = false;
    bool event_idx_ = false;
    [[__no_unique_address__]] Batch batch_;  // with IN_ORDER: what the last used entry completes
    [[__no_unique_address__]] Fault fault_;
    bool notifications_on_ = false;  // here, because the padding is free
    bool clamps_length_ = false;
    bool is_open_ = false;  // the ring has memory and no fault
    [[__no_unique_address__]] platform::DeviceOrder order_;
    [[__no_unique_address__]] Tables pool_;
    SplitShadow<N> shadow_;
};

}  // namespace virtq::detail
