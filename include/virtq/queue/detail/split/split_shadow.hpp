// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/mark.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/token.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The private link of a descriptor in a split ring, in 16 bits: it leads to another descriptor or is the end of the
/// chain. An end also names the chain's indirect table, if it has one.
class Link {
public:
    constexpr Link() = default;
    [[__nodiscard__]] static constexpr Link to(DescIndex desc) { return Link{number(desc)}; }
    [[__nodiscard__]] static constexpr Link end() { return Link{end_without_table}; }
    [[__nodiscard__]] static constexpr Link end_with(TableIndex table) {
        return Link{static_cast<uint16_t>(end_bit | number(table))};
    }

    [[__nodiscard__]] constexpr bool is_end() const { return (bits_ & end_bit) != 0; }
    /// Of a link that is not an end.
    [[__nodiscard__]] constexpr DescIndex target() const { return static_cast<DescIndex>(bits_); }
    /// Of an end.
    [[__nodiscard__]] constexpr bool has_table() const { return bits_ != end_without_table; }
    /// Of an end with a table.
    [[__nodiscard__]] constexpr TableIndex table() const {
        return static_cast<TableIndex>(static_cast<uint16_t>(bits_ - end_bit));  // with `&` GCC would mask twice
    }

private:
    static constexpr uint16_t end_bit = 0x8000;
    static constexpr uint16_t end_without_table = 0xffff;

    explicit constexpr Link(uint16_t bits) : bits_(bits) {}

    uint16_t bits_ = 0;
};

/// The driver's private copy of the descriptor table: 16 bytes a descriptor, in memory that the device cannot reach.
/// Each field has its own array, because the hot path touches few fields of many descriptors.
///
/// **Invariants** 1. Following links from `free_head`, `free_count` times, visits each free descriptor once. 2. A free
/// descriptor has an empty mark. 3. A chain of `add` keeps the links of the free list. It is allocated by moving
/// `free_head` behind it, and freed by putting it in front again. Its last descriptor links to an end.
///
/// With IN_ORDER the links keep the circle that `reset` made (§2.7.5.2), and a counter says how many descriptors are
/// free. The other three fields then describe the chains in flight, in order: each chain at its slot in the available
/// ring.
template <uint32_t N>
class SplitShadow {
public:
    /// Makes all `size` descriptors free, in order.
    void reset(uint16_t size) {
        DescIndex next{0};  // the last descriptor links to the first
        for (uint32_t i = size; i-- != 0; next = static_cast<DescIndex>(i)) {
            link_[i] = Link::to(next);
            mark_[i] = Mark{};
        }
        free_head_ = DescIndex{0};
        free_count_ = size;
    }

    /// Nothing can be allocated any more.
    void close() { free_count_ = 0; }

    [[__nodiscard__]] uint16_t free_count() const { return free_count_; }
    [[__nodiscard__]] DescIndex free_head() const { return free_head_; }

    /// The front of the free list: the members, or copies of them that a burst keeps in registers.
    struct FreeList {
        DescIndex& head;
        uint16_t& count;

        /// Takes `descriptors` from the front; `rest` is the descriptor behind them.
        void take(uint16_t descriptors, DescIndex rest) const {
            head = rest;
            count = static_cast<uint16_t>(count - descriptors);
        }
    };
    [[__nodiscard__]] FreeList free_list() { return {free_head_, free_count_}; }

    /// Frees the chain at `head`. Returns its end.
    Link release_chain(FreeList const& free, DescIndex head) {
        uint16_t count = 1;
        DescIndex tail = head;
        Link after = link(tail);
        for (; !after.is_end(); after = link(tail)) {
            tail = after.target();
            ++count;
        }
        link_[subscript(tail)] = Link::to(free.head);
        mark_[subscript(head)] = Mark{};
        free.head = head;
        free.count = static_cast<uint16_t>(free.count + count);
        return after;
    }
    /// With IN_ORDER: frees the oldest `count` descriptors in use.
    void release_oldest(uint16_t count) { free_count_ = static_cast<uint16_t>(free_count_ + count); }

    [[__nodiscard__]] Link link(DescIndex desc) const { return link_[subscript(desc)]; }
    void set_link(DescIndex desc, Link link) { link_[subscript(desc)] = link; }
    /// What follows a descriptor that is not the last of its chain.
    [[__nodiscard__]] DescIndex next(DescIndex desc) const { return link(desc).target(); }

    [[__nodiscard__]] Mark mark(DescIndex desc) const { return mark_[subscript(desc)]; }
    void set_mark(DescIndex desc, Mark mark) { mark_[subscript(desc)] = mark; }
    /// Called by publish() with the number of its batch.
    void settle(BatchNumber published) { detail::settle(mark_, published); }

    /// Of a head in flight.
    [[__nodiscard__]] Token token(DescIndex head) const { return token_[subscript(head)]; }
    void set_token(DescIndex head, Token token) { token_[subscript(head)] = token; }

    /// Of a head that `add` made: the chain's writable total, clamped to 32 bits. Of a descriptor of the descriptor
    /// tier: its length.
    [[__nodiscard__]] uint32_t bytes(DescIndex desc) const { return bytes_[subscript(desc)]; }
    void set_bytes(DescIndex desc, uint32_t bytes) { bytes_[subscript(desc)] = bytes; }

private:
    DescIndex free_head_{};               // before the arrays: an instruction reaches it with a one-byte offset
    alignas(4) uint16_t free_count_ = 0;  // not next to the head: GCC would merge both into one store, with shifts
    Token token_[N] = {};
    uint32_t bytes_[N] = {};
    Link link_[N] = {};
    Mark mark_[N] = {};
};

}  // namespace virtq::detail
