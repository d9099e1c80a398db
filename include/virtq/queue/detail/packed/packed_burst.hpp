// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/queue/burst.hpp>
#include <virtq/queue/detail/packed/packed_in_order.hpp>
#include <virtq/queue/detail/packed/packed_ring.hpp>
#include <virtq/queue/detail/packed/packed_run.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// Many chains or completions of a packed ring in one call. It keeps in locals what each of them changes. All state is
/// in the ring.
template <uint32_t N>
class PackedBurst {
    using Ring = PackedRing<N>;
    using InOrder = PackedInOrder<N>;

public:
    /// After so many descriptors, the chains that were added become visible, so that the device can begin before the
    /// call ends: about one cache line, which the driver does not touch again, or half of a small N.
    static constexpr uint32_t shown_together = N < 8 ? (N + 1) / 2 : 4;

    /// Adds chains until one is refused, and publishes them. Calls `chain_at` once for each chain.
    template <class Get>
    [[__nodiscard__]] static SubmittedBurst submit(Ring& ring, size_t count, Get chain_at) {
        SubmittedBurst made;
        if (!ring.initialised()) [[__unlikely__]] {  // then `Front` has no address
            if (count != 0) {
                static_cast<void>(chain_at(0));
                made.error = ring.refuse(1);
            }
            return made;
        }
        bool const adds_to_batch = ring.first_flags_ != 0;
        uint16_t const first = adds_to_batch ? ring.first_ : ring.next_.offset();
        if constexpr (requires { run_of(chain_at(0)); }) {
            submit_runs<decltype(run_of(chain_at(0)))>(ring, made, count, chain_at);
        } else {
            submit_each(ring, made, count, chain_at);
        }
        if (adds_to_batch || made.count != 0) {
            made.notification = publish(ring, first);
        }
        return made;
    }

    /// With EVENT_IDX and notifications on, it asks for the next notification at the end, and reads the next
    /// descriptor again, as take_used() does.
    [[__nodiscard__]] static TakenBurst take(Ring& ring, Span<Completion> room) {
        if (!ring.takes_by_id_) {
            return take_batches<InOrder>(ring, room);
        }
        Back back{ring};
        Completion* out = room.begin();
        auto const taken = [&] { return static_cast<size_t>(out - room.begin()); };
        for (; out != room.end(); ++out) {
            uint16_t flags = ring.memory_.load_flags(*back.next);
            if (!back.is_used(flags)) [[__unlikely__]] {
                back.store();
                flags = ring.look_again(flags);
                if (!back.is_used(flags)) {
                    return {taken(), CompletionState::none};
                }
            }
            ring.order_.after_poll();
            PackedMemory::Used entry = ring.memory_.load_used(*back.next);
            if (!ring.is_usual(entry)) [[__unlikely__]] {
                back.store();
                entry.len = ring.judge(entry, flags);
                if (ring.fault_) {
                    return {taken(), CompletionState::broken};
                }
            }
            *out = ring.take_checked(back, entry);
        }
        back.store();
        return {taken(), CompletionState::ready};
    }

private:
    /// Adds chains of any shape.
    template <class Get>
    VIRTQ_INLINE_FOR_SPEED static void submit_each(Ring& ring, SubmittedBurst& made, size_t count, Get& chain_at) {
        Front front{ring, 0};
        while (made.count != count) {
            auto const& chain = chain_at(made.count);
            made.error = add(ring, front, readable_of(chain), writable_of(chain), chain.token);
            if (made.error != Error::none) {
                break;
            }
            if (++made.count != count && front.waiting >= shown_together) {
                ring.show_batch();
                front.hides = PackedPosition::avail_flag;
                front.waiting = 0;
            }
        }
        front.store();
    }

    /// The type of a run of such chains. Chains of other types have none.
    template <size_t Readable, size_t Writable>
        requires(Readable + Writable <= longest_unrolled)
    static PackedRun<N, Readable, Writable> run_of(FixedChain<Readable, Writable> const&);

    /// Adds chains in runs, and those between the runs one by one: at the end of the ring, and in tables.
    template <class Run, class Get>
    VIRTQ_INLINE_FOR_SPEED static void submit_runs(Ring& ring, SubmittedBurst& made, size_t count, Get& chain_at) {
        constexpr size_t together = (shown_together + Run::length - 1) / Run::length;
        uint32_t free_when_shown = ring.free_count_;  // as in submit_each()
        while (made.count != count) {
            if (size_t const run = Run::fit(ring, count - made.count); run > 1) {
                if (ring.first_flags_ != 0) {
                    ring.show_batch();  // a run begins a batch
                }
                made.error = Run{ring}.add(made.count, made.count + run, together, chain_at);
            } else {
                auto const& chain = chain_at(made.count);
                made.error = ring.add(readable_of(chain), writable_of(chain), chain.token).error();
                made.count += made.error == Error::none;
            }
            if (made.error != Error::none) {
                break;
            }
            if (made.count != count && free_when_shown - ring.free_count_ >= shown_together) {
                ring.show_batch();
                free_when_shown = ring.free_count_;
            }
        }
    }

    // Copies of members, in registers during a call: the compiler must assume that each store to the ring changes the
    // members. No count has 16 bits: GCC would pack four of those into one register.

    /// What a chain that is added changes. The chain ends before the ring does; `add_at_end` adds the few others.
    struct Front {
        using Walk = StraightWalk;

        Front(Ring& of, size_t waiting_before)
            : ring(&of),
              at(of.memory_, of.next_, 0, 0),
              room(of.memory_.size() - size_t{of.next_.offset()} - 1),
              waiting(waiting_before),
              free_head(of.shadow_.free_head()),
              hides(of.hidden_flag_) {
            size_t const free = of.free_count_;
            room = room < free ? room : free;
            more = free - room;
        }

        void store() const {
            ring->next_ = position();
            ring->free_count_ = static_cast<uint16_t>(room + more);
            ring->shadow_.free_head_place() = free_head;
            ring->hidden_flag_ = hides;
        }

        [[__nodiscard__]] Walk walk() const { return at.hidden(hides); }
        [[__nodiscard__]] PackedPosition position() const {
            return PackedPosition::at(static_cast<uint16_t>(at.at - ring->memory_.descriptor(0)), at.lap());
        }
        [[__nodiscard__]] uint16_t& hidden_flag() { return hides; }
        [[__nodiscard__]] BufferId& id() { return free_head; }
        void pass(Walk const& behind, size_t count) {
            at = behind;
            room -= count;
            waiting += count;
        }

        Ring* ring;  // a pointer, so that it can be assigned
        Walk at;
        size_t room;     // free descriptors before the last one of the ring
        size_t more;     // free descriptors beyond these
        size_t waiting;  // descriptors that are not visible yet
        BufferId free_head;
        uint16_t hides;
    };

    /// What a completion changes.
    struct Back {
        explicit Back(Ring& of)
            : ring(of),
              next(&of.next_used()),
              to_end(of.memory_.size() - uint32_t{of.taken_.offset()}),
              used_flags(of.taken_.available_flags() ^ PackedPosition::used_flag),
              free_count(of.free_count_),
              head(of.shadow_.free_head()) {}

        void store() const {
            ring.taken_ = PackedPosition::at(static_cast<uint16_t>(ring.memory_.size() - to_end),
                                             static_cast<uint16_t>(used_flags ^ PackedPosition::used_flag));
            ring.free_count_ = static_cast<uint16_t>(free_count);
            ring.shadow_.free_head_place() = head;
        }

        [[__nodiscard__]] bool is_used(uint16_t flags) const {
            return (flags & PackedPosition::both_flags) == used_flags;
        }
        [[__nodiscard__]] BufferId& free_head() { return head; }
        void free_descriptors(uint16_t count) {
            free_count += count;
            if (count < to_end) {
                to_end -= count;
                next += count;
            } else {
                uint32_t const offset = count - to_end;
                to_end = ring.memory_.size() - offset;
                next = ring.memory_.descriptor(static_cast<uint16_t>(offset));
                used_flags ^= PackedPosition::both_flags;
            }
        }

        Ring& ring;
        spec::PackedDescriptor const* next;
        uint32_t to_end;      // descriptors from `next` to the end of the ring
        uint32_t used_flags;  // AVAIL and USED of a descriptor that is used there
        uint32_t free_count;
        BufferId head;
    };

    /// Adds a chain at `front`, and moves `front` behind it. An error changes nothing.
    template <class Readable, class Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED static Error add(Ring& ring, Front& front, Readable readable,
                                                              Writable writable, Token token) {
        size_t const count = readable.size() + writable.size();
        bool const needs_table = ring.pool_.takes(count);
        if (needs_table || count - 1 >= front.room) {  // count 0 wraps around
            front.store();
            size_t const free = ring.free_count_;
            Error const error = needs_table ? ring.add_indirect(readable, writable, token)
                                            : add_at_end(ring, readable, writable, token);
            front = Front{ring, front.waiting + free - ring.free_count_};
            return error;
        }
        return ring.template add_chain<Front&>(front, readable, writable, token);
    }
    /// Adds a chain that reaches the end of the ring, or refuses it. Not inlined: the loop around needs the registers.
    template <class Readable, class Writable>
    [[__nodiscard__]] [[gnu::__noinline__]] static Error add_at_end(Ring& ring, Readable readable, Writable writable,
                                                                    Token token) {
        return ring.add(readable, writable, token).error();
    }

    /// Publishes what is not visible yet, and decides for the descriptors from `first` on.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED static Notification publish(Ring& ring, uint16_t first) {
        ring.admit_pending();
        if (ring.first_flags_ != 0) {  // 0 if the chain was refused that would have begun a batch
            ring.show_batch();
        }
        return ring.decide(first);
    }
};

}  // namespace virtq::detail
