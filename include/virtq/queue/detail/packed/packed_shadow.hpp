// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/mark.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/token.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The driver's private state of the buffers of a packed queue: 16 bytes for each buffer id, in memory that the device
/// cannot reach. There are as many ids as descriptors, so an id is free whenever a descriptor is.
///
/// **Invariants** 1. Following `next` from the free head visits each free id once (not with IN_ORDER, where ids are
/// taken in turn). 2. A free id has an empty mark.
template <uint32_t N>
class PackedShadow {
public:
    /// Makes all `size` ids free, in order.
    void reset(uint16_t size) {
        for (uint32_t i = 0; i < size; ++i) {
            next_[i] = static_cast<uint16_t>(i + 1);
            mark_[i] = Mark{};
        }
        free_head_ = BufferId{0};
    }

    /// The id that the next buffer gets.
    [[__nodiscard__]] BufferId free_head() const { return free_head_; }

    // The free head is the member, or a copy of it that a burst keeps in a register.

    [[__nodiscard__]] BufferId& free_head_place() { return free_head_; }
    /// Takes the free head from the list, for a buffer of `extent`.
    void take(BufferId& free_head, Extent extent) {
        uint16_t& entry = next_[number(free_head)];
        free_head = static_cast<BufferId>(entry);
        entry = extent.bits();
    }
    /// Puts an id back.
    void release(BufferId& free_head, BufferId id) {
        next_[number(id)] = number(free_head);
        mark_[number(id)] = Mark{};
        free_head = id;
    }

    // Of an id in flight.

    void set_extent(BufferId id, Extent extent) { next_[number(id)] = extent.bits(); }
    [[__nodiscard__]] Extent extent(BufferId id) const { return Extent::of_bits(next_[number(id)]); }

    [[__nodiscard__]] Mark mark(BufferId id) const { return mark_[number(id)]; }
    void set_mark(BufferId id, Mark mark) { mark_[number(id)] = mark; }
    /// Called by publish() with the number of its batch.
    void settle(BatchNumber published) { detail::settle(mark_, published); }

    [[__nodiscard__]] Token token(BufferId id) const { return token_[number(id)]; }
    void set_token(BufferId id, Token token) { token_[number(id)] = token; }

    /// The chain's writable total, clamped to 32 bits.
    [[__nodiscard__]] uint32_t bytes(BufferId id) const { return bytes_[number(id)]; }
    void set_bytes(BufferId id, uint32_t bytes) { bytes_[number(id)] = bytes; }

private:
    Token token_[N] = {};
    uint32_t bytes_[N] = {};
    uint16_t next_[N] = {};  ///< of a free id, the next free id; otherwise the extent
    Mark mark_[N] = {};
    BufferId free_head_{};
};

}  // namespace virtq::detail
