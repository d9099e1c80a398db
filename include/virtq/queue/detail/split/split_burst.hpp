// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/queue/burst.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/detail/split/split_in_order.hpp>
#include <virtq/queue/detail/split/split_ring.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// Many chains or completions of a split ring in one call. It keeps in locals what each of them changes. All state is
/// in the ring.
template <class Ring>
class SplitBurst {
    using InOrder = SplitInOrder<Ring>;

public:
    /// After so many chains, those that were added become visible, so that the device can begin before the call ends:
    /// half of a small N. Each release of the index takes its cache line away from a device that polls it, so every
    /// chain would be too often.
    static constexpr size_t shown_together = Ring::capacity < 32 ? (Ring::capacity + 1) / 2 : 16;

    /// Adds chains until one is refused, and publishes them. Calls `chain_at` once for each chain.
    template <class Get>
    [[__nodiscard__]] static SubmittedBurst submit(Ring& ring, size_t count, Get chain_at) {
        SubmittedBurst made;
        Front front{ring};
        while (made.count != count) {
            auto const& chain = chain_at(made.count);
            made.error = ring.template add_at<Front&>(front, readable_of(chain), writable_of(chain), chain.token);
            if (made.error != Error::none) {
                break;
            }
            if (++made.count % shown_together == 0 && made.count != count) {
                front.store(ring);
                ring.show();
            }
        }
        front.store(ring);
        made.notification = ring.publish();
        return made;
    }

    /// Without IN_ORDER, it reads the device's index once. With EVENT_IDX and notifications on, it asks for the next
    /// notification at the end, and reads the index again, as take_used() does.
    [[__nodiscard__]] static TakenBurst take(Ring& ring, Span<Completion> room) {
        if (ring.in_order()) {
            return take_batches<InOrder>(ring, room);
        }
        Completion* out = room.begin();
        auto const count = [&] { return static_cast<size_t>(out - room.begin()); };
        bool polls = true;
        Back back{ring};
        while (out != room.end()) {
            if (back.taken == ring.seen_) {
                back.store(ring);
                CompletionState const state = polls ? ring.poll_index() : CompletionState::none;
                if (state != CompletionState::ready) {
                    return {count(), state};
                }
                polls = ring.asks_again();
            }
            spec::UsedElement const entry = ring.memory_.load_used_element(ring.memory_.slot(back.taken));
            if (is_usual(ring, entry)) [[__likely__]] {
                auto const head = static_cast<DescIndex>(entry.id);
                *out++ = {ring.shadow_.token(head), entry.len, CompletionState::ready};
                ring.free_head(back.free_list(), head);
                back.taken = advance(back.taken);
                continue;
            }
            back.store(ring);
            Completion const one = take_unusual(ring, entry.id, entry.len);
            if (!one) {
                return {count(), one.state};
            }
            *out++ = one;
            back = Back{ring};
        }
        back.store(ring);
        return {count(), CompletionState::ready};
    }

private:
    // Copies of members, in registers during a call. Each call keeps only those that it changes.

    /// The free list, which both change.
    struct Free {
        explicit Free(Ring& ring) : head(ring.shadow_.free_list().head), count(ring.shadow_.free_list().count) {}

        void store(Ring& ring) const {
            ring.shadow_.free_list().head = head;
            ring.shadow_.free_list().count = count;
        }
        [[__nodiscard__]] typename Ring::FreeList free_list() { return {head, count}; }

        DescIndex head;
        uint16_t count;
    };

    /// What a chain that is added changes.
    struct Front : Free {
        explicit Front(Ring& ring) : Free(ring), next(ring.added_) {}

        void store(Ring& ring) const {
            ring.added_ = next;
            Free::store(ring);
        }
        [[__nodiscard__]] RingIndex& added() { return next; }

        RingIndex next;
    };

    /// What a completion changes.
    struct Back : Free {
        explicit Back(Ring& ring) : Free(ring), taken(ring.taken_) {}

        void store(Ring& ring) const {
            ring.taken_ = taken;
            Free::store(ring);
        }

        RingIndex taken;
    };

    /// Whether an entry is of a chain of `add`, with a length that it may have.
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE static bool is_usual(Ring const& ring, spec::UsedElement entry) {
        auto const head = static_cast<DescIndex>(entry.id);
        return entry.id <= ring.memory_.mask() && ring.is_added(head) && entry.len <= ring.shadow_.bytes(head);
    }
    /// Any other entry: it breaks the queue, its length is clamped, or its chain is of the descriptor tier.
    [[__nodiscard__]] [[gnu::__noinline__]] static Completion take_unusual(Ring& ring, uint32_t id, uint32_t len) {
        return ring.free_used(ring.check({id, len}));
    }
};

}  // namespace virtq::detail
