// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/queue/burst.hpp>
#include <virtq/queue/detail/chain_sides.hpp>
#include <virtq/queue/detail/mark.hpp>
#include <virtq/queue/detail/packed/packed_chain.hpp>
#include <virtq/queue/detail/packed/packed_ring.hpp>
#include <virtq/queue/detail/packed/packed_walk.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// Adds chains of one short fixed shape in a burst. They end before the ring does, and begin a batch of their own. So
/// no chain has to check for room, and the compiler keeps in registers what each chain changes. All state is in the
/// ring.
template <uint32_t N, size_t Readable, size_t Writable>
class PackedRun {
    using Ring = PackedRing<N>;

    static constexpr uint16_t direction = Readable == 0 ? Ring::write_flag : uint16_t{0};
    static constexpr auto head_flags =
        static_cast<uint16_t>(direction | (Readable + Writable > 1 ? Ring::next_flag : uint16_t{0}));

public:
    static constexpr uint32_t length = Readable + Writable;

    explicit PackedRun(Ring& of)
        : ring_(of),
          walk_(of.memory_, of.next_, 0, PackedPosition::avail_flag),
          id_(of.shadow_.free_head()),
          mark_(Mark::head_in(of.batch_number_)),
          in_order_(of.in_order_) {}

    /// How many of the next `count` chains fit into a run. A single chain needs no run, and is spared the division.
    [[__nodiscard__]] static size_t fit(Ring const& ring, size_t count) {
        if (count < 2 || ring.pool_.takes(length)) {
            return 0;
        }
        uint32_t const to_end = ring.memory_.size() - uint32_t{ring.next_.offset()} - 1;
        uint32_t const fits = (to_end < ring.free_count_ ? to_end : ring.free_count_) / length;
        return count < fits ? count : fits;
    }

    /// Adds the chains `count` to `behind` - 1, and moves `count` behind those that it added. Stops at a chain that is
    /// rejected. Each `together` chains become visible at once. The last ones stay hidden until publish().
    template <class Get>
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE Error add(size_t& count, size_t behind, size_t together, Get& chain_at) {
        size_t done = count;
        Error error = Error::none;
        spec::PackedDescriptor* head = walk_.at;  // of the first chain that is not visible
        for (;;) {
            size_t const left = behind - done;
            size_t const stop = done + (left < together ? left : together);
            do {
                error = add_one(chain_at(done));
            } while (error == Error::none && ++done != stop);
            if (error != Error::none || done == behind) {
                break;
            }
            show(head);
            head = walk_.at;
        }
        if (walk_.at != head) {  // publish() makes these visible
            ring_.hidden_flag_ = 0;
            ring_.begin_batch(PackedPosition::at(offset(head), lap()), head_flags);
        }
        store(static_cast<uint16_t>(done - count));
        count = done;
        return error;
    }

private:
    [[__nodiscard__]] VIRTQ_ALWAYS_INLINE Error add_one(FixedChain<Readable, Writable> const& from) {
        PackedChain<StraightWalk> chain{walk_, id_};
        if (Error const error = write_sides(chain, readable_of(from), writable_of(from), Ring::next_flag);
            error != Error::none) {
            return ring_.take_back(offset(walk_.at), lap(), &chain.walk.last(), error);
        }
        walk_ = chain.walk;
        PackedShadow<N>& shadow = ring_.shadow_;
        shadow.set_token(id_, from.token);
        shadow.set_bytes(id_, chain.writable_bytes);
        if (in_order_) {
            shadow.set_extent(id_, Extent::direct(length));
            id_ = ring_.following(id_);
        } else {
            shadow.set_mark(id_, mark_);
            shadow.take(id_, Extent::direct(length));
        }
        return Error::none;
    }

    /// Makes the chains from `head` on visible. The next chain begins a batch, so its first descriptor stays hidden.
    void show(spec::PackedDescriptor* head) {
        walk_.flags = lap() ^ PackedPosition::avail_flag;
        ring_.expose(*head, lap() | head_flags);
    }

    [[__nodiscard__]] uint16_t offset(spec::PackedDescriptor const* at) const {
        return static_cast<uint16_t>(at - ring_.memory_.descriptor(0));
    }
    [[__nodiscard__]] uint16_t lap() const { return ring_.next_.available_flags(); }

    void store(uint16_t chains) const {
        auto const descriptors = static_cast<uint16_t>(chains * length);
        ring_.next_.go_on(descriptors);
        ring_.free_count_ = static_cast<uint16_t>(ring_.free_count_ - descriptors);
        ring_.shadow_.free_head_place() = id_;
        if (in_order_) {
            ring_.pending_ = static_cast<uint16_t>(ring_.pending_ + chains);
        }
    }

    Ring& ring_;
    StraightWalk walk_;
    BufferId id_;
    Mark const mark_;
    bool const in_order_;
};

}  // namespace virtq::detail
