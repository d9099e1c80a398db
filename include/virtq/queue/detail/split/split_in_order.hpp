// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/detail/batch.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/detail/split/split_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// VIRTIO_F_IN_ORDER over a split ring (§2.7.9). Descriptors are taken and freed in ring order, so a counter replaces
/// the free list. One used entry may complete all chains up to the one that it names. All state is in the ring.
template <class Ring>
class SplitInOrder {
public:
    /// The oldest chain that was not taken.
    struct Oldest {
        /// Takes it as if it were written completely.
        [[__nodiscard__]] VIRTQ_ALWAYS_INLINE Completion pop(Ring& ring) {
            DescIndex const place = place_of(ring, index);
            index = advance(index);
            Extent const extent = ring.shadow_.mark(place).extent();
            if (extent.has_table()) {
                ring.pool_.give_back(extent.table());
            }
            freed += extent.descriptors();
            return {ring.shadow_.token(place), ring.shadow_.bytes(place), CompletionState::ready};
        }
        /// After `chains` were taken, the last one into `last`.
        VIRTQ_ALWAYS_INLINE void store(Ring& ring, Completion& last, uint16_t chains) const {
            last.written = ring.batch_.take(chains, last.written);
            ring.taken_ = ring.seen_ = index;
            ring.oldest_head_ = behind(ring, ring.oldest_head_, freed);
            ring.shadow_.release_oldest(static_cast<uint16_t>(freed));
        }

        RingIndex index;
        uint32_t freed = 0;  ///< descriptors of those before it
    };
    [[__nodiscard__]] static Oldest oldest_of(Ring& ring) { return {ring.taken_}; }
    [[__nodiscard__]] static Batch const& batch_of(Ring const& ring) { return ring.batch_; }

    /// Records what `take_oldest` needs to know of the chain that is added at `index`.
    static void record(Ring& ring, RingIndex index, Extent extent, uint32_t writable_bytes, Token token) {
        DescIndex const place = place_of(ring, index);
        ring.shadow_.set_token(place, token);
        ring.shadow_.set_bytes(place, writable_bytes);
        ring.shadow_.set_mark(place, Mark::of_extent(extent));
    }

    /// Reads the used entry of the oldest chain in flight, and searches for the chain that it names. The search takes
    /// at most as many steps as the device reports used chains.
    [[__nodiscard__]] static CompletionState begin_batch(Ring& ring) {
        if (ring.taken_ == ring.batched_) {
            if (CompletionState const state = ring.poll_index(); state != CompletionState::ready) {
                return state;
            }
            ring.batched_ = ring.seen_;
            ring.seen_ = ring.taken_;
        }
        spec::UsedElement const entry = ring.memory_.load_used_element(ring.memory_.slot(ring.taken_));
        if (entry.id >= ring.memory_.size()) {
            return ring.break_queue(FaultReason::used_id_out_of_range, entry.id);
        }
        DescIndex head = ring.oldest_head_;
        uint16_t chains = 1;
        for (RingIndex index = ring.taken_; number(head) != entry.id; ++chains) {
            head = behind(ring, head, ring.shadow_.mark(place_of(ring, index)).extent().descriptors());
            index = advance(index);
            if (index == ring.batched_) {
                return ring.break_queue(FaultReason::batch_not_reached, entry.id);
            }
        }
        return accept(ring, chains, entry.len);
    }

    template <class Each>
    static void drain(Ring& ring, Each& each) {
        while (ring.taken_ != ring.added_) {
            DescIndex const place = place_of(ring, ring.taken_);
            // Before `each`, so that the token is handed back once, whatever `each` does. The three indices stay
            // equal, so nothing is left to take.
            ring.taken_ = ring.seen_ = ring.batched_ = advance(ring.taken_);
            each(ring.shadow_.token(place));
        }
    }

private:
    /// Where the shadow keeps a chain: at its slot in the available ring.
    [[__nodiscard__]] static DescIndex place_of(Ring const& ring, RingIndex index) {
        return static_cast<DescIndex>(number(ring.memory_.slot(index)));
    }
    [[__nodiscard__]] static DescIndex behind(Ring const& ring, DescIndex head, uint32_t descriptors) {
        return static_cast<DescIndex>(static_cast<uint16_t>((number(head) + descriptors) & ring.memory_.mask()));
    }

    [[__nodiscard__]] static CompletionState accept(Ring& ring, uint16_t chains, uint32_t len) {
        RingIndex const last = advance(ring.taken_, static_cast<uint16_t>(chains - 1));
        uint32_t const writable = ring.shadow_.bytes(place_of(ring, last));
        if (len > writable) {
            if (!ring.clamps_length_) {
                return ring.break_queue(FaultReason::used_length_above_writable, len);
            }
            len = writable;
        }
        ring.batch_ = Batch{chains, len};
        return CompletionState::ready;
    }
};

}  // namespace virtq::detail
