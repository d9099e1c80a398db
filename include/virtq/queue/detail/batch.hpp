// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/span.hpp>
#include <virtq/queue/burst.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/token.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// With VIRTIO_F_IN_ORDER: the chains that one used entry completes, oldest first (§2.7.9, §2.8.8). The entry gives
/// the length of the last chain; the device has written the others completely.
class Batch {
public:
    constexpr Batch() = default;
    constexpr Batch(uint16_t chains, uint32_t written_in_last) : left_(chains), written_(written_in_last) {}

    [[__nodiscard__]] constexpr bool is_over() const { return left_ == 0; }
    [[__nodiscard__]] constexpr uint16_t left() const { return static_cast<uint16_t>(left_); }

    /// Takes the oldest `chains`, at most `left()`. Returns how many bytes the device wrote to the last of them, which
    /// has `writable` bytes.
    [[__nodiscard__]] constexpr uint32_t take(uint16_t chains, uint32_t writable) {
        left_ -= chains;
        return is_over() ? written_ : writable;
    }

private:
    uint32_t left_ = 0;  ///< not 16 bits: compilers would load more than the store before wrote, and wait for it
    uint32_t written_ = 0;
};

// What both formats do with IN_ORDER. The format's own part is its `InOrder`: `begin_batch` reads a used entry,
// `batch_of` is the batch that the entry completes, and `oldest_of` copies members of the ring into locals.

/// Takes the oldest chain, if the device has used it.
template <class InOrder, class Ring>
[[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED inline Completion take_oldest(Ring& ring) {
    if (InOrder::batch_of(ring).is_over()) {
        if (CompletionState const state = InOrder::begin_batch(ring); state != CompletionState::ready) {
            return {Token{}, 0, state};
        }
    }
    auto oldest = InOrder::oldest_of(ring);
    Completion one = oldest.pop(ring);
    oldest.store(ring, one, 1);
    return one;
}

/// Takes the oldest chains of the batch, at most `room`. Returns their number.
template <class InOrder, class Ring>
VIRTQ_INLINE_FOR_SPEED inline size_t take_many(Ring& ring, Completion* out, size_t room) {
    size_t const left = InOrder::batch_of(ring).left();
    size_t const chains = room < left ? room : left;
    auto oldest = InOrder::oldest_of(ring);
    for (size_t i = 0; i != chains; ++i) {
        out[i] = oldest.pop(ring);
    }
    oldest.store(ring, out[chains - 1], static_cast<uint16_t>(chains));
    return chains;
}

/// take_burst() of a ring with IN_ORDER: reads one used entry a batch. A packed ring that is not open comes here too,
/// and gets `broken`.
template <class InOrder, class Ring>
[[__nodiscard__]] [[gnu::__noinline__]] TakenBurst take_batches(Ring& ring, Span<Completion> room) {
    size_t count = 0;
    while (count != room.size()) {
        if (InOrder::batch_of(ring).is_over()) {
            if (CompletionState const state = InOrder::begin_batch(ring); state != CompletionState::ready) {
                return {count, state};
            }
        }
        count += take_many<InOrder>(ring, room.data() + count, room.size() - count);
    }
    return {count, CompletionState::ready};
}

}  // namespace virtq::detail
