// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>
#include <virtq/queue/mark.hpp>
#include <virtq/queue/token.hpp>

#include <stdint.h>

namespace virtq {

/// The private twin of a descriptor table: 16 bytes a descriptor, in memory that the device cannot reach. One array
/// a field, because the hot path touches few fields of many descriptors.
///
/// **Invariants** 1. Following `next` from `free_head`, `free_count` times, visits each free descriptor once. 2. A
/// free descriptor has an empty mark. 3. `next` links a chain of `add` as it links the free list, so a chain is
/// allocated by moving `free_head` behind it, and freed by putting it back; the last descriptor of such a chain links
/// to itself.
template <uint32_t N>
class DescriptorShadow {
public:
    /// All `size` descriptors become free, in order.
    void reset(uint16_t size) {
        for (uint32_t i = 0; i < size; ++i) {
            next_[i] = static_cast<DescIndex>(static_cast<uint16_t>(i + 1));
            mark_[i] = Mark{};
        }
        free_head_ = DescIndex{0};
        free_count_ = size;
    }

    /// Withdraws everything that is free: nothing can be allocated any more.
    void close() { free_count_ = 0; }

    [[nodiscard]] uint16_t free_count() const { return free_count_; }
    [[nodiscard]] DescIndex free_head() const { return free_head_; }

    /// The descriptors from `free_head` on, `count` of them, are in use now; `rest` is the one behind them.
    void allocate_front(uint16_t count, DescIndex rest) {
        free_head_ = rest;
        free_count_ = static_cast<uint16_t>(free_count_ - count);
    }

    /// The chain from `head` becomes free; its last descriptor links to itself.
    void release_chain(DescIndex head) {
        uint16_t count = 1;
        DescIndex tail = head;
        for (DescIndex after = next(tail); after != tail; after = next(tail)) {
            tail = after;
            ++count;
        }
        next_[number(tail)] = free_head_;
        mark_[number(head)] = Mark{};
        free_head_ = head;
        free_count_ = static_cast<uint16_t>(free_count_ + count);
    }

    [[nodiscard]] DescIndex next(DescIndex desc) const { return next_[number(desc)]; }
    void set_next(DescIndex desc, DescIndex next) { next_[number(desc)] = next; }

    [[nodiscard]] Mark mark(DescIndex desc) const { return mark_[number(desc)]; }
    void set_mark(DescIndex desc, Mark mark) { mark_[number(desc)] = mark; }

    /// Of a head in flight.
    [[nodiscard]] Token token(DescIndex head) const { return token_[number(head)]; }
    void set_token(DescIndex head, Token token) { token_[number(head)] = token; }

    /// Of a head that `add` made: its writable total, cut to 32 bits. Of a descriptor of the descriptor tier: its
    /// length.
    [[nodiscard]] uint32_t bytes(DescIndex desc) const { return bytes_[number(desc)]; }
    void set_bytes(DescIndex desc, uint32_t bytes) { bytes_[number(desc)] = bytes; }

private:
    Token token_[N] = {};
    uint32_t bytes_[N] = {};
    DescIndex next_[N] = {};
    Mark mark_[N] = {};
    DescIndex free_head_{};
    uint16_t free_count_ = 0;
};

}  // namespace virtq
