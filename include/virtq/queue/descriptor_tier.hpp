// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/split_ring.hpp>

#include <stdint.h>

namespace virtq {

/// The classic kernel calls over a split ring: single descriptors, chains linked by the caller. Stateless: all state
/// is in the ring. A breach of their contract goes to the assertion hook; what the device says is checked always.
template <class Ring>
class DescriptorTier {
    using Holder = Mark::Holder;

public:
    [[nodiscard]] static Result<DescIndex> alloc_desc(Ring& ring) {
        if (ring.in_order()) {
            return Error::descriptor_tier_in_order;  // the only way into this tier, so init() need not refuse
        }
        if (ring.shadow_.free_count() == 0) {
            return ring.refuse(1);
        }
        DescIndex const desc = ring.shadow_.free_head();
        ring.shadow_.allocate_front(1, ring.shadow_.next(desc));
        ring.shadow_.set_mark(desc, Mark::held_by(Holder::caller));
        ring.shadow_.set_bytes(desc, 0);  // push_avail refuses a descriptor that was never written
        return desc;
    }

    static void free_desc(Ring& ring, DescIndex desc) {
        VIRTQ_ASSERT(is_callers(ring, desc),
                     "free_desc() of a descriptor that is not allocated: out of range, freed twice, or in flight");
        ring.shadow_.set_link(desc, Link::end());
        release(ring, desc);
    }

    static void free_chain(Ring& ring, DescIndex head) {
        VIRTQ_ASSERT(number(head) < ring.size(), "free_chain() of a head that is out of range");
        if (!ring.in_order() && ring.shadow_.mark(head).is_held_by(Holder::taken_head)) {
            release(ring, head);
            return;
        }
        DescIndex desc = head;
        for (uint16_t left = ring.size();; --left) {
            VIRTQ_ASSERT(is_callers(ring, desc),
                         "free_chain() of a chain with a descriptor that is not allocated: freed twice, linked twice, "
                         "or in flight");
            bool const linked = ring.shadow_.mark(desc).has(spec::DescFlag::next);
            ring.shadow_.set_mark(desc, Mark{});  // so that a chain that links to itself is a breach, not a loop
            if (!linked || left == 0) {
                break;
            }
            desc = ring.shadow_.next(desc);
        }
        ring.shadow_.set_link(desc, Link::end());
        release(ring, head);
    }

    static void write_desc(Ring& ring, DescIndex desc, Segment const& segment, uint16_t flags, DescIndex next) {
        constexpr auto known =
            static_cast<uint16_t>(spec::DescFlag::next) | static_cast<uint16_t>(spec::DescFlag::write);
        VIRTQ_ASSERT(is_callers(ring, desc),
                     "write_desc() of a descriptor that is not allocated: out of range, free, or in flight");
        VIRTQ_ASSERT((flags & ~known) == 0, "write_desc() takes the flags NEXT and WRITE only (§2.7.5)");
        bool const linked = (flags & static_cast<uint16_t>(spec::DescFlag::next)) != 0;
        VIRTQ_ASSERT(!linked || is_callers(ring, next),
                     "write_desc() with NEXT into a descriptor that is not allocated");
        ring.shadow_.set_mark(desc, Mark::held_by(Holder::caller, flags & known));
        ring.shadow_.set_bytes(desc, segment.bytes);
        ring.shadow_.set_link(desc, Link::to(next));
        ring.memory_.write_descriptor(desc, segment, flags & known, linked ? next : DescIndex{0});
    }

    [[nodiscard]] static Status push_avail(Ring& ring, DescIndex head, Token token) {
        if (!ring.initialised() || ring.fault()) {
            return ring.refuse(1);
        }
        if (Error const error = check_chain(ring, head); error != Error::none) {
            return error;
        }
        hand_over(ring, head, Holder::pushed_head, Holder::pushed_body);
        ring.shadow_.set_token(head, token);
        ring.admit_pending();
        ring.forget_old_decisions();
        ring.offer(head);
        ring.published_ = ring.added_;
        ring.expose();
        return {};
    }

    [[nodiscard]] static bool has_used(Ring const& ring) {
        VIRTQ_ASSERT(ring.initialised(), "has_used() of a queue without memory: call init() first");
        VIRTQ_ASSERT(!ring.in_order(),
                     "has_used() of a queue with IN_ORDER, which has no descriptor tier: take_used()");
        return ring.fault() || ring.taken_ != ring.seen_ || ring.memory_.peek_used_index() != ring.taken_;
    }

    [[nodiscard]] static UsedChain poll_used(Ring& ring) {
        VIRTQ_ASSERT(!ring.in_order(),
                     "poll_used() of a queue with IN_ORDER, which has no descriptor tier: take_used()");
        if (ring.taken_ == ring.seen_) {
            if (TakeState const state = ring.look(); state != TakeState::completion) {
                return {DescIndex{}, 0, state};
            }
        }
        spec::UsedElement const used = ring.memory_.load_used_element(ring.memory_.slot(ring.taken_));
        if (used.id >= ring.size()) {
            return {DescIndex{}, 0, ring.break_queue(FaultReason::used_id_out_of_range, used.id)};
        }
        auto const head = static_cast<DescIndex>(used.id);
        return ring.shadow_.mark(head).is_held_by(Holder::added_head) ? take_added(ring, head, used.len)
                                                                      : take_pushed(ring, head, used.len);
    }

    /// Takes the completion of a chain that push_avail offered; its descriptors become the caller's again.
    [[nodiscard]] static UsedChain take_pushed(Ring& ring, DescIndex head, uint32_t len) {
        if (!ring.shadow_.mark(head).is_held_by(Holder::pushed_head)) {
            return {DescIndex{}, 0, ring.break_queue(FaultReason::used_id_not_in_flight, number(head))};
        }
        uint32_t const writable = cut_to_32_bits(writable_total(ring, head));
        UsedChain const used = take(ring, head, len, writable);
        if (used) {
            hand_over(ring, head, Holder::caller, Holder::caller);
        }
        return used;
    }

private:
    [[nodiscard]] static bool is_callers(Ring const& ring, DescIndex desc) {
        // With IN_ORDER none is, and the marks are no marks.
        return !ring.in_order() && number(desc) < ring.size() && ring.shadow_.mark(desc).is_held_by(Holder::caller);
    }

    /// The chain from `head`, whose last descriptor links to an end.
    static void release(Ring& ring, DescIndex head) {
        if (ring.fault()) {
            ring.shadow_.set_mark(head, Mark{});  // no longer the caller's, and not allocated again before init()
            return;
        }
        ring.release(head);
    }

    /// Follows the private copy: the shared table is never read.
    [[nodiscard]] static Error check_chain(Ring const& ring, DescIndex head) {
        uint64_t total = 0;
        bool writable = false;
        DescIndex desc = head;
        for (uint32_t length = 1;; ++length) {
            VIRTQ_ASSERT(is_callers(ring, desc),
                         "push_avail() of a chain with a descriptor that is not allocated, or is in flight already");
            Mark const mark = ring.shadow_.mark(desc);
            if (length > ring.size()) {
                return Error::chain_longer_than_queue;
            }
            if (ring.shadow_.bytes(desc) == 0) {
                return Error::segment_empty;
            }
            if (writable && !mark.has(spec::DescFlag::write)) {
                return Error::readable_after_writable;
            }
            writable = mark.has(spec::DescFlag::write);
            total += ring.shadow_.bytes(desc);
            if (!mark.has(spec::DescFlag::next)) {
                break;
            }
            desc = ring.shadow_.next(desc);
        }
        return total > chain_maximum_bytes ? Error::chain_above_4_gib : Error::none;
    }

    /// The chain passes to another holder, each descriptor with its flags.
    static void hand_over(Ring& ring, DescIndex head, Holder to_head, Holder to_body) {
        Holder holder = to_head;
        for (DescIndex desc = head;; desc = ring.shadow_.next(desc)) {
            Mark const mark = ring.shadow_.mark(desc);
            ring.shadow_.set_mark(desc, mark.passed_to(holder));
            if (!mark.has(spec::DescFlag::next)) {
                return;
            }
            holder = to_body;
        }
    }

    [[nodiscard]] static uint64_t writable_total(Ring const& ring, DescIndex head) {
        uint64_t total = 0;
        for (DescIndex desc = head;; desc = ring.shadow_.next(desc)) {
            Mark const mark = ring.shadow_.mark(desc);
            total += mark.has(spec::DescFlag::write) ? ring.shadow_.bytes(desc) : 0;
            if (!mark.has(spec::DescFlag::next)) {
                return total;
            }
        }
    }

    /// A chain of the chain tier, taken by poll_used: its descriptors become the caller's, to be freed as a chain.
    [[nodiscard]] static UsedChain take_added(Ring& ring, DescIndex head, uint32_t len) {
        UsedChain const used = take(ring, head, len, ring.shadow_.bytes(head));
        if (used) {
            ring.shadow_.set_mark(head, Mark::held_by(Holder::taken_head));
        }
        return used;
    }

    [[nodiscard]] static UsedChain take(Ring& ring, DescIndex head, uint32_t len, uint32_t writable) {
        if (len > writable) {
            if (!ring.cuts_length_) {
                return {DescIndex{}, 0, ring.break_queue(FaultReason::used_length_above_writable, len)};
            }
            len = writable;
        }
        ring.taken_ = advance(ring.taken_);
        return {head, len, TakeState::completion};
    }
};

}  // namespace virtq
