// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/queue/burst.hpp>
#include <virtq/queue/completion.hpp>

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
    [[__nodiscard__]] constexpr uint16_t left() const { return left_; }

    /// Takes the oldest `chains`, at most `left()`. Returns how many bytes the device wrote to the last of them, which
    /// has `writable` bytes.
    [[__nodiscard__]] constexpr uint32_t take(uint16_t chains, uint32_t writable) {
        left_ = static_cast<uint16_t>(left_ - chains);
        return is_over() ? written_ : writable;
    }

private:
    uint16_t left_ = 0;
    uint32_t written_ = 0;
};

/// take_burst() of a ring with IN_ORDER: reads one used entry a batch. A packed ring that is not open comes here too,
/// and gets `broken`.
template <class InOrder, class Ring>
[[__nodiscard__]] [[gnu::__noinline__]] TakenBurst take_batches(Ring& ring, Span<Completion> room) {
    size_t count = 0;
    while (count != room.size()) {
        if (CompletionState const state = InOrder::find_batch(ring); state != CompletionState::ready) {
            return {count, state};
        }
        count += InOrder::take_many(ring, room.data() + count, room.size() - count);
    }
    return {count, CompletionState::ready};
}

}  // namespace virtq::detail
