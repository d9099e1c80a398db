// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/packed/packed_ring.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stdint.h>

namespace virtq::detail {

/// VIRTIO_F_IN_ORDER over a packed ring (§2.8.8). Ids are given out in turn, so a difference of ids tells which chains
/// a used descriptor completes. All state is in the ring.
template <uint32_t N>
class PackedInOrder {
    using Ring = PackedRing<N>;
    friend class PackedBurst<N>;

public:
    /// Takes the oldest chain, if the device has used it. Every ring that is not open comes here, also without
    /// IN_ORDER, and gets `broken`.
    [[__nodiscard__]] static Completion take(Ring& ring) {
        if (ring.batch_.is_over()) {
            if (CompletionState const state = begin_batch(ring); state != CompletionState::ready) {
                return {Token{}, 0, state};
            }
        }
        BufferId const id = ring.oldest_;
        ring.oldest_ = ring.following(id);
        Extent const extent = ring.shadow_.extent(id);
        if (extent.has_table()) {
            ring.pool_.give_back(extent.table());
        }
        ring.free_descriptors(extent.descriptors());
        --ring.in_flight_;
        return {ring.shadow_.token(id), ring.batch_.take(1, ring.shadow_.bytes(id)), CompletionState::ready};
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

private:
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
        ring.order_.after_look();
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
};

}  // namespace virtq::detail
