// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/base/span.hpp>
#include <virtq/platform/fence.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/descriptor_shadow.hpp>
#include <virtq/queue/fault.hpp>
#include <virtq/queue/notification.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/queue/page_run.hpp>
#include <virtq/queue/split_memory.hpp>
#include <virtq/spec/feature.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

template <uint32_t N>
class DescriptorTier;

/// The split ring (§2.7): the protocol with the device, and the chain tier over it. Used through `VirtQueue`, which
/// says what each call does for the caller; here is how.
///
/// **Invariants** 1. `taken_` ≤ `seen_` ≤ `published_` ≤ `added_` in free-running order, and never more than `size()`
/// apart. 2. A descriptor is free, the caller's, or in flight, and which of them is known without the shared memory.
/// 3. A head in flight is handed back once. 4. While `fault_` is set nothing is allocated, published or handed back.
template <uint32_t N>
class SplitRing {
public:
    template <PageAllocator Allocator>
    [[nodiscard]] Status init(Allocator& allocator, uint32_t size, Features const& features, QueueOption option) {
        VIRTQ_ASSERT(!initialised(),
                     "init() of a queue that holds pages: release() it first; or the object was not zero at first: "
                     "does your boot code clear .bss?");
        if (Error const error = check_request(size, features); error != Error::none) {
            return error;
        }
        SplitLayout const layout{size};
        Result<Pages> const run = take_run(allocator, layout.page_count());
        if (!run) {
            return run.error();
        }
        if (Error const error = check_pfn(features, *run); error != Error::none) {
            allocator.free_pages(*run);
            return error;
        }
        pages_ = *run;
        set_up(layout, features, option);
        return {};
    }

    [[nodiscard]] Status restart(Features const& features, QueueOption option) {
        VIRTQ_ASSERT(initialised(), "restart() of a queue without memory: call init()");
        if (live_) {
            return Error::queue_still_live;
        }
        uint32_t const size = memory_.size();
        if (Error const error = check_request(size, features); error != Error::none) {
            return error;
        }
        if (Error const error = check_pfn(features, pages_); error != Error::none) {
            return error;
        }
        set_up(SplitLayout{size}, features, option);
        return {};
    }

    template <PageAllocator Allocator>
    [[nodiscard]] Status release(Allocator& allocator) {
        if (live_) {
            return Error::queue_still_live;
        }
        if (initialised()) {
            allocator.free_pages(pages_);
            pages_ = Pages{};
            close();
        }
        return {};
    }

    void attach() { live_ = true; }
    void detach() { live_ = false; }

    [[nodiscard]] bool initialised() const { return pages_.virt != nullptr; }
    [[nodiscard]] bool live() const { return live_; }
    [[nodiscard]] Pages const& pages() const { return pages_; }
    [[nodiscard]] uint16_t size() const { return initialised() ? memory_.size() : uint16_t{0}; }
    [[nodiscard]] uint16_t num_free() const { return shadow_.free_count(); }
    [[nodiscard]] Fault const& fault() const { return fault_; }

    [[nodiscard]] Status add(Span<Segment const> readable, Span<Segment const> writable, Token token) {
        size_t const count = readable.size() + writable.size();
        if (count - 1 >= shadow_.free_count()) {  // count 0 wraps around, and is refused too
            return refuse(count);
        }
        ChainWriter chain{shadow_.free_head()};
        write_segments(chain, readable, link_flags);
        uint64_t const readable_total = chain.bytes;
        write_segments(chain, writable, link_flags | write_flag);
        return commit(chain, count, chain.bytes - readable_total, token);
    }

    [[nodiscard]] Status add_gathered(Gather const& readable, Gather const& writable, Token token) {
        size_t const count = readable.size() + writable.size();
        if (count - 1 >= shadow_.free_count()) {
            return refuse(count);
        }
        ChainWriter chain{shadow_.free_head()};
        write_segments(chain, readable.front, link_flags);
        write_segments(chain, readable.back, link_flags);
        uint64_t const readable_total = chain.bytes;
        write_segments(chain, writable.front, link_flags | write_flag);
        write_segments(chain, writable.back, link_flags | write_flag);
        return commit(chain, count, chain.bytes - readable_total, token);
    }

    Notification publish() {
        RingIndex const from = decided_;
        if (from == added_) {
            return {};
        }
        admit_pending();
        expose();
        decided_ = added_;
        // Pairs with the device's full fence between asking for a notification (or moving avail_event) and looking at
        // the available index once more. Without it our index could become visible after our read of the
        // suppression word: the device sleeps, we do not notify, and the chain waits for ever (§2.7.13.4.1).
        platform::full_fence();
        if (event_idx_) {
            return {passes_event(memory_.load_avail_event(), from, added_)};
        }
        return {(memory_.load_used_flags() & static_cast<uint16_t>(spec::UsedFlag::no_notify)) == 0};
    }

    [[nodiscard]] Completion take_used() {
        if (taken_ == seen_) {
            if (TakeState const state = look(); state != TakeState::completion) {
                return {Token{}, 0, state};
            }
        }
        spec::UsedElement const used = memory_.load_used_element(memory_.slot(taken_));
        if (used.id >= memory_.size()) {
            return {Token{}, 0, break_queue(FaultReason::used_id_out_of_range, used.id)};
        }
        auto const head = static_cast<DescIndex>(used.id);
        Mark const mark = shadow_.mark(head);
        if (!mark.is_held_by(Mark::Holder::added_head)) {
            return take_pushed_or_lie(head, used.len);
        }
        uint32_t written = used.len;
        if (written > shadow_.bytes(head)) {
            if (!cuts_length_) {
                return {Token{}, 0, break_queue(FaultReason::used_length_above_writable, used.len)};
            }
            written = shadow_.bytes(head);
        }
        Token const token = shadow_.token(head);
        shadow_.release_chain(head);
        taken_ = advance(taken_);
        return {token, written, TakeState::completion};
    }

    [[nodiscard]] UsedPending enable_used_notifications() {
        VIRTQ_ASSERT(initialised(), "enable_used_notifications() of a queue without memory: call init() first");
        notifications_on_ = true;
        if (event_idx_) {
            memory_.write_used_event(taken_);
        } else {
            memory_.write_avail_flags(0);
        }
        // Pairs with the device's full fence between publishing its index and reading used_event or the flags.
        // Without it the device could read the old word while we read the old index: it does not notify, we sleep.
        platform::full_fence();
        return memory_.load_used_index() == taken_ && !fault_ ? UsedPending::nothing_there
                                                              : UsedPending::something_there;
    }

    void disable_used_notifications() {
        VIRTQ_ASSERT(initialised(), "disable_used_notifications() of a queue without memory: call init() first");
        notifications_on_ = false;
        if (!event_idx_) {  // with EVENT_IDX the flags stay 0 (§2.7.7.1), and used_event is no longer moved
            memory_.write_avail_flags(static_cast<uint16_t>(spec::AvailFlag::no_interrupt));
        }
    }

private:
    friend class DescriptorTier<N>;
    friend class RingInspector<N>;

    static constexpr uint64_t chain_maximum_bytes = uint64_t{1} << 32;  // §2.7.5.2, inclusive

    static constexpr uint16_t link_flags = static_cast<uint16_t>(spec::DescFlag::next);
    static constexpr uint16_t write_flag = static_cast<uint16_t>(spec::DescFlag::write);

    /// A chain in the making. It is not exposed before publish(), so giving it up half way changes nothing.
    struct ChainWriter {
        DescIndex next;           ///< the free descriptor to write next
        DescIndex last = next;    ///< the one written last
        uint16_t last_flags = 0;  ///< its flags
        bool has_empty_segment = false;
        uint64_t bytes = 0;  ///< total so far
    };

    [[nodiscard]] static Error check_request(uint32_t size, Features const& features) {
        if (size == 0) {
            return Error::queue_size_zero;
        }
        if (size > spec::queue_size_maximum) {
            return Error::queue_size_above_maximum;
        }
        if (!is_power_of_two(size)) {
            return Error::queue_size_not_power_of_two;
        }
        if (size > N) {
            return Error::queue_size_above_capacity;
        }
        constexpr Features foreign = Features::of(spec::Feature::ring_packed, spec::Feature::in_order,
                                                  spec::Feature::order_platform, spec::Feature::notification_data);
        return (features & foreign).empty() ? Error::none : Error::feature_not_supported_by_queue;
    }

    [[nodiscard]] static bool is_legacy(Features const& features) { return !features.has(spec::Feature::version_1); }

    /// A legacy device takes a 32-bit page number, and 0 for "no queue" (§4.2.4).
    [[nodiscard]] static Error check_pfn(Features const& features, Pages const& run) {
        if (!is_legacy(features)) {
            return Error::none;
        }
        uint64_t const pfn = run.phys.value / pfn_unit_bytes;
        if (pfn == 0) {
            return Error::pfn_zero;
        }
        return pfn > UINT32_MAX ? Error::pfn_above_32_bits : Error::none;
    }

    /// Makes the pages, as dirty as they are, an empty queue.
    void set_up(SplitLayout layout, Features const& features, QueueOption option) {
        bool const legacy = is_legacy(features);
        event_idx_ = features.has(spec::Feature::event_idx);
        cuts_length_ = legacy || option.over_reported == OverReportedLength::is_cut;
        memory_.place(pages_, layout, legacy ? native_byte_order : ByteOrder::little);
        shadow_.reset(static_cast<uint16_t>(layout.size));
        start_at(option.first_index);
    }

    void start_at(RingIndex first) {
        fault_ = Fault{};
        added_ = published_ = decided_ = seen_ = taken_ = first;
        notifications_on_ = false;
        memory_.start_at(first);
        if (event_idx_) {
            // Behind the device's index: it would have to go round once before it notifies.
            memory_.write_used_event(advance(first, UINT16_MAX));
        } else {
            memory_.write_avail_flags(static_cast<uint16_t>(spec::AvailFlag::no_interrupt));
        }
    }

    void write_segments(ChainWriter& chain, Span<Segment const> segments, uint16_t flags) {
        for (Segment const& segment : segments) {
            DescIndex const desc = chain.next;
            chain.next = shadow_.next(desc);
            chain.last = desc;
            chain.last_flags = flags;
            chain.has_empty_segment |= segment.bytes == 0;
            chain.bytes += segment.bytes;
            memory_.write_descriptor(desc, segment, flags, chain.next);
        }
    }

    [[nodiscard]] Status commit(ChainWriter const& chain, size_t count, uint64_t writable_bytes, Token token) {
        if (chain.has_empty_segment) {
            return Error::segment_empty;
        }
        if (chain.bytes > chain_maximum_bytes) {
            return Error::chain_above_4_gib;
        }
        memory_.write_descriptor_flags(chain.last, static_cast<uint16_t>(chain.last_flags & ~link_flags));
        DescIndex const head = shadow_.free_head();
        auto const length = static_cast<uint16_t>(count);
        shadow_.set_token(head, token);
        shadow_.set_bytes(head, cut_to_32_bits(writable_bytes));
        shadow_.set_mark(head, Mark::pending_head(last_added_));
        last_added_ = head;
        shadow_.set_next(chain.last, chain.last);
        shadow_.allocate_front(length, chain.next);
        offer(head);
        return {};
    }

    [[nodiscard]] static constexpr uint32_t cut_to_32_bits(uint64_t bytes) {
        return bytes > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(bytes);
    }

    void offer(DescIndex head) {
        memory_.write_avail_entry(memory_.slot(added_), head);
        added_ = advance(added_);
        if (added_ == decided_) {
            // 65536 chains since publish() was called last: it decides over the last 65535 of them.
            decided_ = advance(decided_);
        }
    }

    /// From here on the device may use what was added. Until then a used id of it is a lie.
    void admit_pending() {
        for (uint16_t left = distance(published_, added_); left != 0; --left) {
            DescIndex const before = shadow_.mark(last_added_).added_before();
            shadow_.set_mark(last_added_, Mark::held_by(Mark::Holder::added_head));
            last_added_ = before;
        }
        published_ = added_;
    }

    void expose() {
        live_ = true;
        memory_.publish_avail_index(added_);
    }

    /// Nothing can be allocated, published or taken any more: add() comes by refuse(), which says why, take_used() by
    /// look(), which does too, and publish() finds nothing.
    void close() {
        shadow_.close();
        decided_ = published_ = added_;
        seen_ = taken_;
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
        return count > memory_.size() ? Error::chain_longer_than_queue : Error::queue_full;
    }

    /// Looks for entries behind `seen_`, which equals `taken_` here.
    [[gnu::noinline]] TakeState look() {
        VIRTQ_ASSERT(initialised(), "A look for completions of a queue without memory: call init() first");
        if (fault_) {
            return TakeState::broken;
        }
        RingIndex index = memory_.load_used_index();
        if (index == taken_ && notifications_on_ && event_idx_) {
            // Caught up: the next entry shall notify. As in enable_used_notifications(), the device may have gone on
            // meanwhile, so look once more behind the fence.
            memory_.write_used_event(taken_);
            platform::full_fence();  // pairs as the one of enable_used_notifications() does
            index = memory_.load_used_index();
        }
        if (index == taken_) {
            return TakeState::none;
        }
        if (distance(taken_, index) > distance(taken_, published_)) {
            return break_queue(FaultReason::used_index_ahead, number(index));
        }
        seen_ = index;
        return TakeState::completion;
    }

    /// The device lied. From now on every call says so, until the queue is initialised anew.
    [[gnu::cold]] [[gnu::noinline]] TakeState break_queue(FaultReason reason, uint32_t value) {
        fault_ = Fault{reason, value};
        close();
        return TakeState::broken;
    }

    [[gnu::noinline]] Completion take_pushed_or_lie(DescIndex head, uint32_t len) {
        UsedChain const used = DescriptorTier<N>::take_pushed(*this, head, len);
        if (!used) {
            return {Token{}, 0, used.state};
        }
        Token const token = shadow_.token(head);
        DescriptorTier<N>::free_chain(*this, head);
        return {token, used.len, TakeState::completion};
    }

    // Hot, and private: what the driver needs to know later is here and in the shadow, not in the ring.
    SplitMemory memory_;      // shared with the device
    RingIndex added_{};       // behind the last chain that was added
    RingIndex published_{};   // behind the last chain that the device was told of
    RingIndex decided_{};     // behind the last chain for which publish() decided whether to notify
    RingIndex taken_{};       // behind the last completion that was handed out
    RingIndex seen_{};        // the device's index when it was read last
    DescIndex last_added_{};  // head of the chain that was added last, while it is not published
    bool event_idx_ = false;
    bool cuts_length_ = false;
    bool notifications_on_ = false;
    bool live_ = false;  // the device may write to pages_
    Fault fault_;
    Pages pages_;
    DescriptorShadow<N> shadow_;
};

}  // namespace virtq
