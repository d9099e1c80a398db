// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/detail/code_size.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/detail/batch.hpp>
#include <virtq/queue/detail/packed/packed_ring.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stdint.h>

namespace virtq::detail {

/// VIRTIO_F_IN_ORDER over a packed ring (§2.8.8). Ids are given out in turn, so a difference of ids tells which chains
/// a used descriptor completes. All state is in the ring.
template <uint32_t N>
class PackedInOrder {
    using Ring = PackedRing<N>;

public:
    /// The oldest chain that was not taken.
    struct Oldest {
        /// Takes it as if it were written completely.
        [[__nodiscard__]] VIRTQ_ALWAYS_INLINE Completion pop(Ring& ring) {
            BufferId const taken = id;
            id = ring.following(taken);
            Extent const extent = ring.shadow_.extent(taken);
            if (extent.has_table()) {
                ring.pool_.give_back(extent.table());
            }
            freed += extent.descriptors();
            return {ring.shadow_.token(taken), ring.shadow_.bytes(taken), CompletionState::ready};
        }
        /// After `chains` were taken, the last one into `last`.
        VIRTQ_ALWAYS_INLINE void store(Ring& ring, Completion& last, uint16_t chains) const {
            last.written = ring.batch_.take(chains, last.written);
            ring.oldest_ = id;
            ring.free_descriptors(static_cast<uint16_t>(freed));
            ring.in_flight_ = static_cast<uint16_t>(ring.in_flight_ - chains);
        }

        BufferId id;
        uint32_t freed = 0;  ///< descriptors of those before it
    };
    [[__nodiscard__]] static Oldest oldest_of(Ring& ring) { return {ring.oldest_}; }
    [[__nodiscard__]] static Batch const& batch_of(Ring const& ring) { return ring.batch_; }

    /// Takes the oldest chain, if the device has used it. Every ring that is not open comes here, also without
    /// IN_ORDER, and gets `broken`.
    [[__nodiscard__]] static Completion take(Ring& ring) { return take_oldest<PackedInOrder>(ring); }

    /// Reads the used descriptor of the oldest chain in flight, and computes how many chains it completes.
    [[__nodiscard__]] static CompletionState begin_batch(Ring& ring) {
        VIRTQ_ASSERT(ring.initialised(), "A queue without memory has no completions. Call init() first.");
        if (!ring.is_open()) {
            return CompletionState::broken;
        }
        spec::PackedDescriptor const& next = ring.next_used();
        uint16_t flags = ring.memory_.load_flags(next);
        if (!ring.is_used(flags)) {
            flags = ring.look_again(flags);
            if (!ring.is_used(flags)) {
                return CompletionState::none;
            }
        }
        ring.order_.after_poll();
        PackedMemory::Used entry = ring.memory_.load_used(next);
        if (entry.id >= ring.id_limit_) {
            ring.break_queue(FaultReason::used_id_out_of_range, entry.id);
            return CompletionState::broken;
        }
        uint32_t const oldest = number(ring.oldest_);
        uint32_t const ahead =
            entry.id >= oldest ? entry.id - oldest : entry.id + uint32_t{ring.memory_.size()} - oldest;
        if (ahead >= ring.in_flight_) {
            ring.break_queue(FaultReason::batch_not_reached, entry.id);
            return CompletionState::broken;
        }
        auto const last = static_cast<BufferId>(entry.id);
        if (entry.len > ring.shadow_.bytes(last)) {
            entry.len = ring.correct_length(last, entry.len, flags);
            if (ring.fault_) {
                return CompletionState::broken;
            }
        }
        ring.batch_ = Batch{static_cast<uint16_t>(ahead + 1), entry.len};
        return CompletionState::ready;
    }

    template <class Each>
    static void drain(Ring& ring, Each& each) {
        ring.in_flight_ = static_cast<uint16_t>(ring.in_flight_ + ring.pending_);
        ring.pending_ = 0;
        while (ring.in_flight_ != 0) {
            --ring.in_flight_;  // before `each`, so that the token is handed back once, whatever `each` does
            BufferId const id = ring.oldest_;
            ring.oldest_ = ring.following(id);
            each(ring.shadow_.token(id));
        }
    }
};

}  // namespace virtq::detail
