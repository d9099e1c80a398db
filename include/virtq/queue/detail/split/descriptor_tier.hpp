// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/split/split_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The classic kernel calls over a split ring: single descriptors, and chains linked by the caller. All state is in
/// the ring. A call that violates its contract goes to the assertion hook. What the device writes is always checked.
template <class Ring>
class DescriptorTier {
    using Holder = Mark::Holder;

public:
    [[__nodiscard__]] static Result<DescIndex> alloc_desc(Ring& ring) {
        if (ring.in_order()) {
            return Error::descriptor_tier_in_order;  // here is the only way into this tier, so init() need not refuse
        }
        if (ring.shadow_.free_count() == 0) {
            return ring.refuse(1);
        }
        DescIndex const desc = ring.shadow_.free_head();
        ring.shadow_.free_list().take(1, ring.shadow_.next(desc));
        ring.shadow_.set_mark(desc, Mark::held_by(Holder::caller));
        ring.shadow_.set_bytes(desc, 0);  // so that push_avail refuses a descriptor that was never written
        return desc;
    }

    static void free_desc(Ring& ring, DescIndex desc) {
        VIRTQ_ASSERT(is_callers(ring, desc),
                     "free_desc() got a descriptor that is not allocated: out of range, freed twice, or in flight. "
                     "Free each one once.");
        ring.shadow_.set_link(desc, Link::end());
        release(ring, desc);
    }

    static void free_chain(Ring& ring, DescIndex head) {
        VIRTQ_ASSERT(number(head) < ring.size(),
                     "free_chain() got a head that is out of range. Give it the head of a chain of this queue.");
        if (!ring.in_order() && ring.shadow_.mark(head).is_only(Holder::taken_head)) {
            release(ring, head);
            return;
        }
        DescIndex desc = head;
        for (;;) {
            VIRTQ_ASSERT(is_callers(ring, desc),
                         "free_chain() got a chain with a descriptor that is not allocated: freed twice, linked "
                         "twice, or in flight. Free each chain once.");
            Mark const mark = ring.shadow_.mark(desc);
            ring.shadow_.set_mark(desc, Mark{});  // so a chain that links to itself fails the assertion, and ends
            if (!mark.has(spec::DescFlag::next)) {
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
                     "write_desc() got a descriptor that is not allocated: out of range, free, or in flight. Call "
                     "alloc_desc() first.");
        VIRTQ_ASSERT((flags & ~known) == 0,
                     "write_desc() got a flag that it does not take (§2.7.5). Give it NEXT and WRITE only.");
        VIRTQ_ASSERT((flags & static_cast<uint16_t>(spec::DescFlag::next)) == 0 || is_callers(ring, next),
                     "write_desc() got NEXT into a descriptor that is not allocated. Call alloc_desc() first.");
        if (!ring.initialised()) {
            return;
        }
        ring.shadow_.set_mark(desc, Mark::held_by(Holder::caller, flags & known));
        ring.shadow_.set_bytes(desc, segment.bytes);
        ring.shadow_.set_link(desc, Link::to(next));
        // The link is 0 without NEXT. NEXT is 1, so a product is enough, with less code than a condition.
        auto const link = static_cast<DescIndex>(number(next) * (flags & static_cast<uint16_t>(spec::DescFlag::next)));
        ring.memory_.write_descriptor(desc, segment, flags & known, link);
    }

    [[__nodiscard__]] static Status push_avail(Ring& ring, DescIndex head, Token token) {
        if (!ring.initialised() || ring.fault()) {
            return ring.refuse(1);
        }
        if (Error const error = check_chain(ring, head); error != Error::none) {
            return error;
        }
        hand_over(ring, head, Holder::pushed_head, Holder::pushed_body);
        ring.shadow_.set_token(head, token);
        ring.forget_old_decisions();
        ring.added_ = ring.offer(ring.added_, head);
        ring.expose();
        return {};
    }

    [[__nodiscard__]] static bool has_used(Ring const& ring) {
        VIRTQ_ASSERT(ring.initialised(), "has_used() was called on a queue without memory. Call init() first.");
        VIRTQ_ASSERT(!ring.in_order(),
                     "has_used() was called on a queue with IN_ORDER. It has no descriptor tier: call take_used().");
        return ring.has_used();
    }

    [[__nodiscard__]] static UsedChain poll_used(Ring& ring) {
        VIRTQ_ASSERT(!ring.in_order(),
                     "poll_used() was called on a queue with IN_ORDER. It has no descriptor tier: call take_used().");
        UsedChain const entry = take_entry(ring);
        if (entry) {
            if (ring.shadow_.mark(entry.head).is_added_head()) {
                ring.shadow_.set_mark(entry.head, Mark::held_by(Holder::taken_head));
            } else {
                hand_over(ring, entry.head, Holder::caller, Holder::caller);
            }
        }
        return entry;
    }

    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED static UsedChain take_entry(Ring& ring) { return ring.take_entry(); }

    /// Frees a chain that push_avail offered and the device has used.
    [[gnu::__noinline__]] static void free_pushed(Ring& ring, DescIndex head) {
        hand_over(ring, head, Holder::caller, Holder::caller);
        free_chain(ring, head);
    }

    /// How many bytes the device may write to a chain that push_avail offered, clamped to 32 bits.
    [[__nodiscard__]] static uint32_t writable_total(Ring const& ring, DescIndex head) {
        uint64_t total = 0;
        for (DescIndex desc = head;; desc = ring.shadow_.next(desc)) {
            Mark const mark = ring.shadow_.mark(desc);
            total += mark.has(spec::DescFlag::write) ? ring.shadow_.bytes(desc) : 0;
            if (!mark.has(spec::DescFlag::next)) {
                return static_cast<uint32_t>(clamp_to_32_bits(total));
            }
        }
    }

private:
    [[__nodiscard__]] static bool is_callers(Ring const& ring, DescIndex desc) {
        // With IN_ORDER the caller holds no descriptors, and the marks are extents.
        return !ring.in_order() && number(desc) < ring.size() && ring.shadow_.mark(desc).is_held_by(Holder::caller);
    }

    /// Frees the chain at `head`. Its last descriptor must link to an end.
    static void release(Ring& ring, DescIndex head) {
        if (!ring.is_open_) {
            ring.shadow_.set_mark(head, Mark{});  // no longer the caller's; nothing is allocated before restart()
            return;
        }
        ring.free_head(head);
    }

    /// Checks the private copy of a chain: the shared table is never read.
    [[__nodiscard__]] static Error check_chain(Ring const& ring, DescIndex head) {
        uint64_t total = 0;
        uint16_t before = 0;  // the WRITE flag of the descriptor before
        DescIndex desc = head;
        for (uint32_t last = 0;; ++last) {
            VIRTQ_ASSERT(is_callers(ring, desc),
                         "push_avail() got a chain with a descriptor that is not allocated, or is in flight already. "
                         "Push each chain once.");
            Mark const mark = ring.shadow_.mark(desc);
            if (last > ring.memory_.mask()) {
                return Error::chain_longer_than_queue;
            }
            if (ring.shadow_.bytes(desc) == 0) {
                return Error::segment_empty;
            }
            uint16_t const write = mark.flags() & static_cast<uint16_t>(spec::DescFlag::write);
            if (write < before) {
                return Error::readable_after_writable;
            }
            before = write;
            total += ring.shadow_.bytes(desc);
            if (!mark.has(spec::DescFlag::next)) {
                break;
            }
            desc = ring.shadow_.next(desc);
        }
        return is_chain_total(total) ? Error::none : Error::chain_above_4_gib;
    }

    /// Passes a chain to another holder. Each descriptor keeps its flags.
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
};

}  // namespace virtq::detail
