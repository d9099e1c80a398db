// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/slot.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// What a chain in flight occupies, in 16 bits: a number of descriptors of the ring, or one descriptor and an indirect
/// table.
class Extent {
public:
    constexpr Extent() = default;
    /// 1 to 32768 descriptors.
    [[__nodiscard__]] static constexpr Extent direct(size_t descriptors) {
        return Extent{static_cast<uint16_t>(descriptors - 1)};
    }
    [[__nodiscard__]] static constexpr Extent indirect(TableIndex table) {
        return Extent{static_cast<uint16_t>(table_bit | number(table))};
    }
    [[__nodiscard__]] static constexpr Extent of_bits(uint16_t bits) { return Extent{bits}; }

    [[__nodiscard__]] constexpr bool has_table() const { return (bits_ & table_bit) != 0; }
    [[__nodiscard__]] constexpr TableIndex table() const {
        return static_cast<TableIndex>(static_cast<uint16_t>(bits_ - table_bit));  // with `&` GCC would mask twice
    }
    [[__nodiscard__]] constexpr uint16_t descriptors() const {
        return has_table() ? uint16_t{1} : static_cast<uint16_t>(bits_ + 1);
    }
    [[__nodiscard__]] constexpr uint16_t bits() const { return bits_; }

private:
    static constexpr uint16_t table_bit = 0x8000;

    explicit constexpr Extent(uint16_t bits) : bits_(bits) {}

    uint16_t bits_ = 0;
};

/// Numbers the batches of a ring. A batch is what is added up to one publish(). Each head keeps the number of its
/// batch, so publish() admits a batch of any size in one step: it begins the next number.
///
/// There are 32768 numbers. A chain may wait for longer than that, and must not look pending when its number comes
/// again. So the publish of batch n also settles descriptor n: a settled head has no number. Let head i be added in
/// batch n. The publish of the next batch i comes d publishes after that of batch n, 0 <= d <= 32767, because i is
/// below 32768 too. The number n comes again only after 32768 publishes.
class BatchNumber {
public:
    constexpr BatchNumber() = default;  // all zero, as a queue is before init(); no batch has this number
    [[__nodiscard__]] static constexpr BatchNumber first() { return BatchNumber{bit}; }
    [[__nodiscard__]] constexpr BatchNumber next() const {
        return BatchNumber{static_cast<uint16_t>((bits_ + 1) | bit)};
    }

    /// The descriptor (or buffer id) that the publish of this batch settles, if the queue has it.
    [[__nodiscard__]] constexpr uint16_t settles() const { return static_cast<uint16_t>(bits_ - bit); }
    [[__nodiscard__]] constexpr uint16_t bits() const { return bits_; }

    static constexpr uint16_t bit = 0x8000;  ///< set in every number

private:
    explicit constexpr BatchNumber(uint16_t bits) : bits_(bits) {}

    uint16_t bits_ = 0;
};

/// The driver's private state of one descriptor (of one buffer id in a packed ring), in 16 bits. All zero means that
/// it is free, or in the body of a chain that `add` made. In both cases it is not the caller's.
///
/// The chain tier touches only the mark of a head. It holds the number of the head's batch, until the head is settled.
/// The descriptor tier keeps who holds each descriptor, with the flags that the caller gave it. With IN_ORDER the
/// marks hold the extents of the chains, one chain after the other.
class Mark {
public:
    /// Who holds a descriptor of the descriptor tier.
    enum class Holder : uint16_t {
        nobody = 0,
        caller = 1u << 2,       ///< allocated, to be written, pushed or freed
        pushed_head = 2u << 2,  ///< in flight, head of a chain of `push_avail`
        pushed_body = 3u << 2,  ///< in flight, not the head of its chain
        taken_head = 4u << 2,   ///< head of a chain of `add` that poll_used took: to be freed as a chain
    };

    constexpr Mark() = default;

    /// Of a head (or buffer id) that `add` adds to a batch.
    [[__nodiscard__]] static constexpr Mark head_in(BatchNumber batch) { return Mark{batch.bits()}; }
    /// Of a head of `add` that is published, whatever its batch was.
    [[__nodiscard__]] static constexpr Mark settled_head() { return Mark{settled_bits}; }
    [[__nodiscard__]] static constexpr Mark held_by(Holder holder, uint16_t flags = 0) {
        return Mark{static_cast<uint16_t>(static_cast<uint16_t>(holder) | flags)};
    }

    /// With IN_ORDER, where a mark describes a chain and not a descriptor.
    [[__nodiscard__]] static constexpr Mark of_extent(Extent extent) { return Mark{extent.bits()}; }
    [[__nodiscard__]] constexpr Extent extent() const { return Extent::of_bits(bits_); }

    /// Whether this is the head of a chain of `add` whose token was not handed back yet.
    [[__nodiscard__]] constexpr bool is_added_head() const { return bits_ >= settled_bits; }
    /// Of such a head, where `current` is the batch that is not published yet: whether the head is in an earlier one.
    [[__nodiscard__]] constexpr bool is_published_head(BatchNumber current) const {
        return is_added_head() && bits_ != current.bits();
    }
    [[__nodiscard__]] constexpr bool is_pending_head(BatchNumber current) const {
        return is_added_head() && bits_ == current.bits();
    }
    /// Whether this has the number of a batch.
    [[__nodiscard__]] constexpr bool is_in_batch() const { return (bits_ & BatchNumber::bit) != 0; }

    [[__nodiscard__]] constexpr bool is_held_by(Holder holder) const {
        return (bits_ & (BatchNumber::bit | holder_mask)) == static_cast<uint16_t>(holder);
    }
    /// Whether this equals `held_by(holder)`, without flags.
    [[__nodiscard__]] constexpr bool is_only(Holder holder) const { return bits_ == static_cast<uint16_t>(holder); }
    /// Whether this is the head of a chain whose token was not handed back yet.
    [[__nodiscard__]] constexpr bool is_head_in_flight() const {
        return is_added_head() || is_held_by(Holder::pushed_head);
    }
    [[__nodiscard__]] constexpr Mark passed_to(Holder holder) const { return held_by(holder, flags()); }

    /// NEXT and WRITE as the caller wrote them (descriptor tier only).
    [[__nodiscard__]] constexpr uint16_t flags() const { return bits_ & flag_mask; }
    /// False for a head of `add`, whatever its number is.
    [[__nodiscard__]] constexpr bool has(spec::DescFlag flag) const {
        auto const bit = static_cast<uint16_t>(flag);
        return (bits_ & (BatchNumber::bit | bit)) == bit;
    }

private:
    static constexpr uint16_t settled_bits = 5u << 2;  // above each holder with flags, below each number of a batch
    static constexpr uint16_t holder_mask = 7u << 2;
    static constexpr uint16_t flag_mask = 3;  // NEXT and WRITE

    explicit constexpr Mark(uint16_t bits) : bits_(bits) {}

    uint16_t bits_ = 0;
};
static_assert(static_cast<uint16_t>(spec::DescFlag::next) == 1 && static_cast<uint16_t>(spec::DescFlag::write) == 2,
              "A mark keeps NEXT and WRITE in its two low bits");

/// Settles one of the marks of a ring's heads at a publish: see `BatchNumber`.
template <uint32_t N>
constexpr void settle(Mark (&marks)[N], BatchNumber published) {
    if (published.settles() < N) {
        if (Mark& mark = marks[published.settles()]; mark.is_in_batch()) {
            mark = Mark::settled_head();
        }
    }
}

}  // namespace virtq::detail
