// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/base/span.hpp>
#include <virtq/platform/device_order.hpp>
#include <virtq/queue/batch.hpp>
#include <virtq/queue/buffer_shadow.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/fault.hpp>
#include <virtq/queue/indirect_pool.hpp>
#include <virtq/queue/notification.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/queue/packed_memory.hpp>
#include <virtq/queue/queue_pages.hpp>
#include <virtq/queue/queue_request.hpp>
#include <virtq/queue/ring_position.hpp>
#include <virtq/spec/feature.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

template <uint32_t N>
class PackedInOrder;

/// The packed ring (§2.8): the protocol with the device. Used through `VirtQueue`, which says what each call does for
/// the caller; here is how.
///
/// Descriptors are taken in ring order; what names a buffer is its id. The chains that were added and not published
/// stand in the ring ready for the device, all but the flags of the very first descriptor, which are written last.
///
/// **Invariants** 1. `taken_`, the first descriptor of the batch, and `next_` follow each other in the ring, never
/// more than `size()` apart; `free_count_` is what is left. 2. An id is free or in flight, and which of them is known
/// without the shared memory. 3. An id in flight is handed back once. 4. While `fault_` is set nothing is allocated,
/// published or handed back but by `drain`.
template <uint32_t N>
class PackedRing {
public:
    /// In the place of the other format's ring (`Negotiated`). Of our own, because <new> is a library header.
    static void* operator new(size_t, void* place) { return place; }

    template <PageAllocator Allocator>
    [[nodiscard]] Status init(Allocator& allocator, uint32_t size, Features const& features,
                              QueueOption const& option) {
        VIRTQ_ASSERT(!initialised(), "init() of a queue that holds pages: release() it first");
        if (Error const error = check_request(size, features); error != Error::none) {
            return error;
        }
        if (Status const taken = take_pages(allocator, size, features, option); !taken) {
            return taken;
        }
        set_up(size, features, option);
        return {};
    }

    [[nodiscard]] Status restart(uint32_t size, Features const& features, QueueOption const& option) {
        VIRTQ_ASSERT(initialised(), "restart() of a queue without memory: call init()");
        if (live()) {
            return Error::queue_still_live;
        }
        if (Error const error = check_request(size, features); error != Error::none) {
            return error;
        }
        if (PackedLayout{size}.page_count() > pages_.count()) {
            return Error::queue_size_above_pages;
        }
        set_up(size, features, option);
        return {};
    }

    template <PageAllocator Allocator>
    [[nodiscard]] Status release(Allocator& allocator) {
        if (live()) {
            return Error::queue_still_live;
        }
        if (initialised()) {
            give_back_pages(allocator);
            memory_.forget();
            close();
        }
        return {};
    }

    /// Ends the life of all chains: each token once, in no particular order.
    template <class Each>
    [[nodiscard]] Status drain(Each& each) {
        if (live()) {
            return Error::queue_still_live;
        }
        if (!initialised()) {
            return {};
        }
        if (!fault_) {
            fault_ = Fault{FaultReason::drained, 0};
        }
        close();  // before `each`, which could add to the queue otherwise
        if (in_order_) {
            PackedInOrder<N>::drain(*this, each);
        } else {
            drain_ids(each);
        }
        return {};
    }

    void attach() { pages_.attach(); }
    void detach() { pages_.detach(); }

    [[nodiscard]] bool initialised() const { return pages_.held(); }
    [[nodiscard]] bool live() const { return pages_.live(); }
    [[nodiscard]] Pages pages() const { return pages_.run(); }
    [[nodiscard]] Pages table_pages() const { return pool_.pages(); }
    [[nodiscard]] QueueAddresses addresses() const { return PackedLayout{size()}.addresses(pages_.phys()); }
    [[nodiscard]] uint16_t size() const { return initialised() ? size_ : uint16_t{0}; }
    [[nodiscard]] uint16_t num_free() const { return free_count_; }
    [[nodiscard]] Fault const& fault() const { return fault_; }

    /// Segments as a `Span`, a `Gather` or `FixedSegments`.
    template <class Readable, class Writable>
    [[nodiscard]] Status add(Readable const& readable, Writable const& writable, Token token) {
        size_t const count = readable.size() + writable.size();
        if (pool_.takes(count)) {
            return add_indirect(readable, writable, token);
        }
        if (count - 1 >= free_count_) {  // count 0 wraps around, and is refused too
            return refuse(count);
        }
        ChainWriter chain{next_, shadow_.free_head()};
        write_segments(chain, readable, next_flag);
        uint64_t const readable_total = chain.bytes;
        write_segments(chain, writable, next_flag | write_flag);
        return commit(chain, count, chain.bytes - readable_total, token);
    }

    Notification publish() {
        uint16_t const count = pending_descriptors_;
        if (count == 0) {
            return {};
        }
        admit_pending();
        pages_.attach();
        order_.before_publish();
        memory_.expose(next_.offset_before(count, size_), first_flags_);
        // Pairs with the device's full fence between asking for a notification (its event structure) and looking at
        // the next descriptor once more. Without it our flags could become visible after our read of that structure:
        // the device sleeps, we do not notify, and the chain waits for ever (§2.8.21.3.1).
        order_.full();
        return {wants_notification(memory_.load_device_event(), count), next_.word()};
    }

    [[nodiscard]] Completion take_used() {
        if (in_order_) {
            return PackedInOrder<N>::take(*this);
        }
        uint16_t flags = load_flags();
        if (!is_used(flags)) {
            if (TakeState const state = look_again(flags); state != TakeState::completion) {
                return {Token{}, 0, state};
            }
        }
        order_.after_look();
        PackedMemory::Used const used = memory_.load_used(taken_.offset());
        if (used.id >= id_limit_) {
            return lie(FaultReason::used_id_out_of_range, used.id);
        }
        auto const id = static_cast<BufferId>(used.id);
        if (!shadow_.mark(id).is_held_by(Mark::Holder::added_head)) {
            return lie(FaultReason::used_id_not_in_flight, used.id);
        }
        uint32_t written = used.len;
        if (written > shadow_.bytes(id) && !correct(written, id, flags)) {
            return {Token{}, 0, TakeState::broken};
        }
        Token const token = shadow_.token(id);
        free(shadow_.extent(id));
        shadow_.release(id);
        return {token, written, TakeState::completion};
    }

    [[nodiscard]] UsedPending enable_used_notifications() {
        VIRTQ_ASSERT(initialised(), "enable_used_notifications() of a queue without memory: call init() first");
        notifications_on_ = true;
        arm();
        return fault_ || !batch_.is_over() || is_used(load_flags()) ? UsedPending::something_there
                                                                    : UsedPending::nothing_there;
    }

    void disable_used_notifications() {
        VIRTQ_ASSERT(initialised(), "disable_used_notifications() of a queue without memory: call init() first");
        notifications_on_ = false;
        memory_.write_driver_event(spec::RingEvent::disable, 0);
    }

private:
    friend class PackedInOrder<N>;
    friend class PackedInspector<N>;

    static constexpr auto next_flag = static_cast<uint16_t>(spec::DescFlag::next);
    static constexpr auto write_flag = static_cast<uint16_t>(spec::DescFlag::write);

    /// A chain in the making. Its first descriptor is written with flags that do not make it available; so long as
    /// they stand there nothing of it is exposed.
    struct ChainWriter {
        RingPosition at;  ///< the descriptor to write next
        BufferId id;
        uint16_t hidden = RingPosition::avail_flag;  ///< flips AVAIL of the first descriptor
        uint16_t last = 0;                           ///< offset of the descriptor written last
        uint16_t last_flags = 0;                     ///< its flags
        bool has_empty_segment = false;
        uint64_t bytes = 0;  ///< total so far
    };

    [[nodiscard]] static Error check_request(uint32_t size, Features const& features) {
        if (Error const error = check_queue_size(size, N); error != Error::none) {
            return error;
        }
        bool const packed = features.has(spec::Feature::ring_packed) && !is_legacy(features);
        return packed ? Error::none : Error::ring_packed_not_negotiated;
    }

    /// Those of the ring, and those of the indirect tables: both or none.
    template <PageAllocator Allocator>
    [[nodiscard]] Status take_pages(Allocator& allocator, uint32_t size, Features const& features,
                                    QueueOption const& option) {
        Status taken = pages_.take(allocator, PackedLayout{size}.page_count());
        if (taken) {
            taken = pool_.take_pages(allocator, IndirectShape::of(size, features, option.indirect));
            if (!taken) {
                pages_.give_back(allocator);
            }
        }
        return taken;
    }
    template <PageAllocator Allocator>
    void give_back_pages(Allocator& allocator) {
        pages_.give_back(allocator);
        pool_.give_back_pages(allocator);
    }

    /// Makes the pages, as dirty as they are, an empty queue.
    void set_up(uint32_t size, Features const& features, QueueOption const& option) {
        size_ = id_limit_ = free_count_ = static_cast<uint16_t>(size);
        event_idx_ = features.has(spec::Feature::event_idx);
        in_order_ = features.has(spec::Feature::in_order);
        order_ = device_order(features);
        cuts_length_ = option.over_reported == OverReportedLength::is_cut;
        memory_.place(pages_.run(), PackedLayout{size});
        shadow_.reset(size_);
        pool_.reset(IndirectShape::of(size, features, option.indirect));
        start_at(RingPosition::start(number(option.first_index)));
    }

    void start_at(RingPosition first) {
        VIRTQ_ASSERT(first.offset() < size_, "QueueOption::first_index of a packed ring is an offset below its size");
        fault_ = Fault{};
        batch_ = Batch{};
        next_ = taken_ = first;
        pending_descriptors_ = pending_ = in_flight_ = 0;
        oldest_ = BufferId{0};
        notifications_on_ = false;
        if (first.word() != RingPosition::start(0).word()) {
            memory_.start_at(first, size_);
        }
        memory_.write_driver_event(spec::RingEvent::disable, 0);
    }

    void write_segment(ChainWriter& chain, Segment const& segment, uint16_t flags) {
        uint16_t const offset = chain.at.offset();
        chain.last = offset;
        chain.last_flags = static_cast<uint16_t>(flags | chain.at.available_flags());
        chain.has_empty_segment |= segment.bytes == 0;
        chain.bytes += segment.bytes;
        memory_.write_descriptor(offset, segment, chain.id);
        memory_.write_flags(offset, static_cast<uint16_t>(chain.last_flags ^ chain.hidden));
        chain.hidden = 0;
        chain.at.step(size_);
    }
    void write_segments(ChainWriter& chain, Span<Segment const> segments, uint16_t flags) {
        for (Segment const& segment : segments) {
            write_segment(chain, segment, flags);
        }
    }
    void write_segments(ChainWriter& chain, Gather const& segments, uint16_t flags) {
        write_segments(chain, segments.front, flags);
        write_segments(chain, segments.back, flags);
    }
    template <size_t Extent>
    void write_segments(ChainWriter& chain, FixedSegments<Extent> segments, uint16_t flags) {
        if constexpr (Extent != 0) {
            write_segment(chain, *segments.first, flags);
            write_segments(chain, FixedSegments<Extent - 1>{segments.first + 1}, flags);
        }
    }

    [[nodiscard]] Status commit(ChainWriter const& chain, size_t count, uint64_t writable_bytes, Token token) {
        if (chain.has_empty_segment || chain.bytes > chain_maximum_bytes) {
            return take_back(chain);
        }
        // All of them have the flags of their own lap; the first is exposed by publish().
        auto const last_flags = static_cast<uint16_t>(chain.last_flags & ~next_flag);
        uint16_t head_flags = last_flags;
        if (count != 1) {
            memory_.write_flags(chain.last, last_flags);
            head_flags =
                static_cast<uint16_t>(next_.available_flags() | next_flag | head_direction(chain, writable_bytes));
        }
        record(Extent::direct(count), cut_to_32_bits(writable_bytes), token);
        offer(head_flags, static_cast<uint16_t>(count));
        next_ = chain.at;
        return {};
    }

    /// WRITE of the first of several descriptors: it is writable only if all are.
    [[nodiscard]] static uint16_t head_direction(ChainWriter const& chain, uint64_t writable_bytes) {
        return chain.bytes == writable_bytes ? write_flag : uint16_t{0};
    }

    /// The descriptors behind the first could be taken for available once the first is: they get the flags of the lap
    /// before again. An honest device has not come so far.
    [[gnu::cold]] [[gnu::noinline]] Error take_back(ChainWriter const& chain) {
        RingPosition at = next_;
        for (;; at.step(size_)) {
            memory_.write_flags(at.offset(), static_cast<uint16_t>(at.available_flags() ^ RingPosition::avail_flag));
            if (at.offset() == chain.last) {
                return chain.has_empty_segment ? Error::segment_empty : Error::chain_above_4_gib;
            }
        }
    }

    /// The same in a table, with one descriptor of the ring (§2.8.7).
    [[gnu::noinline]] Status add_indirect(Gather const& readable, Gather const& writable, Token token) {
        size_t const count = readable.size() + writable.size();
        if (free_count_ == 0) {
            return refuse(count);
        }
        TableIndex const table = pool_.front();
        auto* entry = pool_.template descriptors<spec::PackedDescriptor>(table);
        ChainTotal total;
        write_table(entry, total, readable, 0);
        uint64_t const readable_total = total.bytes;
        write_table(entry, total, writable, write_flag);
        if (total.has_empty_segment || total.bytes > chain_maximum_bytes) {
            return total.has_empty_segment ? Error::segment_empty : Error::chain_above_4_gib;
        }
        auto const flags =
            static_cast<uint16_t>(next_.available_flags() | static_cast<uint16_t>(spec::DescFlag::indirect));
        Segment const in_ring{pool_.phys(table), static_cast<uint32_t>(16 * count)};
        memory_.write_descriptor(next_.offset(), in_ring, shadow_.free_head());
        memory_.write_flags(next_.offset(), static_cast<uint16_t>(flags ^ RingPosition::avail_flag));
        record(Extent::indirect(table), cut_to_32_bits(total.bytes - readable_total), token);
        pool_.take();
        offer(flags, 1);
        next_.step(size_);
        return {};
    }

    struct ChainTotal {
        bool has_empty_segment = false;
        uint64_t bytes = 0;
    };
    void write_table(spec::PackedDescriptor*& entry, ChainTotal& total, Span<Segment const> segments, uint16_t flags) {
        for (Segment const& segment : segments) {
            total.has_empty_segment |= segment.bytes == 0;
            total.bytes += segment.bytes;
            PackedMemory::write_entry(*entry++, segment, flags);
        }
    }
    void write_table(spec::PackedDescriptor*& entry, ChainTotal& total, Gather const& segments, uint16_t flags) {
        write_table(entry, total, segments.front, flags);
        write_table(entry, total, segments.back, flags);
    }

    /// What is to be known of the chain when it comes back.
    void record(Extent extent, uint32_t writable_bytes, Token token) {
        BufferId const id = shadow_.free_head();
        shadow_.set_token(id, token);
        shadow_.set_bytes(id, writable_bytes);
        if (in_order_) {
            shadow_.take_in_turn(extent, following(id));
        } else {
            shadow_.set_mark(id, Mark::pending_head(number(last_added_)));
            shadow_.take(extent);
        }
        last_added_ = id;
    }

    /// With the first chain of a batch the device could go on; the others wait behind it.
    void offer(uint16_t head_flags, uint16_t count) {
        if (pending_descriptors_ == 0) {
            first_flags_ = head_flags;
        } else {
            memory_.write_flags(next_.offset(), head_flags);
        }
        free_count_ = static_cast<uint16_t>(free_count_ - count);
        pending_descriptors_ = static_cast<uint16_t>(pending_descriptors_ + count);
        ++pending_;
    }

    /// From here on the device may use what was added. Until then a used id of it is a lie.
    void admit_pending() {
        in_flight_ = static_cast<uint16_t>(in_flight_ + pending_);
        if (!in_order_) {
            for (; pending_ != 0; --pending_) {
                auto const before = static_cast<BufferId>(shadow_.mark(last_added_).added_before());
                shadow_.set_mark(last_added_, Mark::held_by(Mark::Holder::added_head));
                last_added_ = before;
            }
        }
        pending_ = 0;
        pending_descriptors_ = 0;
    }

    [[nodiscard]] bool wants_notification(uint32_t event, uint16_t count) const {
        auto const flags = static_cast<spec::RingEvent>(
            static_cast<uint16_t>((event >> spec::ring_event_flags_shift) & spec::ring_event_flags_mask));
        if (flags == spec::RingEvent::desc && event_idx_) {
            return passes_event(static_cast<uint16_t>(event), next_, count, size_);
        }
        return flags != spec::RingEvent::disable;  // and what is reserved rather once too often
    }

    /// Of the descriptor that the device uses next.
    [[nodiscard]] uint16_t load_flags() const {
        VIRTQ_ASSERT(memory_.is_placed(), "A look for completions of a queue without memory: call init() first");
        return memory_.load_flags(taken_.offset());
    }
    /// §2.8.1: both flags are the wrap counter of this lap.
    [[nodiscard]] bool is_used(uint16_t flags) const {
        return (flags & RingPosition::both_flags) == taken_.used_flags();
    }
    /// A length above what was writable. Without WRITE it is reserved and may be anything (§2.8.4): nothing was
    /// written. One that can be true is taken even without WRITE, which QEMU 7.2 sets in no used descriptor.
    [[nodiscard]] [[gnu::cold]] [[gnu::noinline]] bool correct(uint32_t& written, BufferId id, uint16_t flags) {
        bool const says_written = (flags & write_flag) != 0;
        if (says_written && !cuts_length_) {
            static_cast<void>(lie(FaultReason::used_length_above_writable, written));
            return false;
        }
        written = says_written ? shadow_.bytes(id) : 0;
        return true;
    }

    [[nodiscard]] BufferId following(BufferId id) const {
        auto const next = static_cast<uint16_t>(number(id) + 1);
        return static_cast<BufferId>(next == size_ ? uint16_t{0} : next);
    }

    /// The descriptors of a chain that came back, and its table if it has one.
    void free(Extent extent) {
        uint16_t const count = extent.descriptors();
        taken_.advance(count, size_);
        free_count_ = static_cast<uint16_t>(free_count_ + count);
        --in_flight_;
        if (extent.has_table()) {
            pool_.give_back(extent.table());
        }
    }

    /// Asks the device to notify when it uses the next buffer.
    void arm() {
        memory_.write_driver_event(event_idx_ ? spec::RingEvent::desc : spec::RingEvent::enable, taken_.word());
        // Pairs with the device's full fence between using a descriptor and reading our event structure. Without it
        // our look could come before our wish is visible: we see nothing, the device sees no wish, and we sleep for
        // ever.
        order_.full();
    }

    /// Nothing was there. With EVENT_IDX the place where to notify has to follow; then there is one more look.
    [[gnu::noinline]] TakeState look_again(uint16_t& flags) {
        if (fault_) {
            return TakeState::broken;
        }
        if (notifications_on_ && event_idx_) {
            arm();
            flags = load_flags();
        }
        return is_used(flags) ? TakeState::completion : TakeState::none;
    }

    /// Nothing can be allocated, published or taken any more.
    void close() {
        free_count_ = id_limit_ = pending_descriptors_ = 0;
        batch_ = Batch{};
        pool_.close();
    }

    [[gnu::cold]] [[gnu::noinline]] Error refuse(size_t count) const {
        if (!initialised()) {
            return Error::queue_not_initialised;
        }
        if (fault_) {
            return Error::queue_broken;
        }
        if (count == 0) {
            return Error::chain_empty;
        }
        return count > size_ ? Error::chain_longer_than_queue : Error::queue_full;
    }

    /// The device lied. From now on every call says so; the first lie is kept.
    [[gnu::cold]] [[gnu::noinline]] Completion lie(FaultReason reason, uint32_t value) {
        if (!fault_) {
            fault_ = Fault{reason, value};
            close();
        }
        return {Token{}, 0, TakeState::broken};
    }

    template <class Each>
    void drain_ids(Each& each) {
        for (uint32_t i = 0; i < size(); ++i) {
            auto const id = static_cast<BufferId>(static_cast<uint16_t>(i));
            if (shadow_.mark(id).is_head_in_flight()) {
                shadow_.set_mark(id, Mark{});
                each(shadow_.token(id));
            }
        }
    }

    // Hot, and private: what the driver needs to know later is here and in the shadow, not in the ring. With the
    // attribute a member may lie in the padding of the one before: 18 bytes a descriptor and 128, no more.
    PackedMemory memory_;  // shared with the device
    RingPosition next_;    // behind the last chain that was added
    RingPosition taken_;   // where the device writes the next used descriptor
    uint16_t size_ = 0;
    uint16_t id_limit_ = 0;             // the same; 0 while broken, so that no id is good
    uint16_t free_count_ = 0;           // descriptors
    uint16_t pending_descriptors_ = 0;  // added and not published
    uint16_t first_flags_ = 0;          // of the first descriptor among them
    uint16_t pending_ = 0;              // chains added and not published
    uint16_t in_flight_ = 0;            // chains published and not taken
    BufferId last_added_{};             // id of the chain that was added last
    BufferId oldest_{};                 // with IN_ORDER: id of the oldest chain
    bool event_idx_ = false;
    bool in_order_ = false;
    [[no_unique_address]] platform::DeviceOrder order_;
    bool cuts_length_ = false;
    bool notifications_on_ = false;
    [[no_unique_address]] Batch batch_;  // with IN_ORDER: what the last used descriptor completes
    [[no_unique_address]] Fault fault_;
    [[no_unique_address]] QueuePages pages_;
    IndirectPool<N> pool_;
    BufferShadow<N> shadow_;
};

}  // namespace virtq
