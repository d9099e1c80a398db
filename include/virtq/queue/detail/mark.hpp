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

/// The driver's private state of one descriptor (of one buffer id in a packed ring), in 16 bits. All zero means that
/// it is free, or in the body of a chain that `add` made. In both cases it is not the caller's.
///
/// The chain tier touches only the mark of a head. Until the head is published, its mark has bit 15 set and holds the
/// head added before it, so that `publish` finds all of them. The descriptor tier keeps who holds each descriptor,
/// with the flags that the caller gave it. With IN_ORDER the marks hold the extents of the chains, one chain after the
/// other.
class Mark {
public:
    /// Who holds a descriptor of the descriptor tier.
    enum class Holder : uint16_t {
        nobody = 0,
        caller = 1u << 2,       ///< allocated, to be written, pushed or freed
        pushed_head = 2u << 2,  ///< in flight, head of a chain of `push_avail`
        pushed_body = 3u << 2,  ///< in flight, not the head of its chain
        taken_head = 4u << 2,   ///< head of a chain of `add` that poll_used took: to be freed as a chain
        added_head = 5u << 2,   ///< in flight, head of a chain of `add` that is published
    };

    constexpr Mark() = default;

    /// Of a head (or buffer id) that is added and not published, with the number of the head added before it.
    [[__nodiscard__]] static constexpr Mark pending_head(uint16_t added_before) {
        return Mark{static_cast<uint16_t>(pending | added_before)};
    }
    [[__nodiscard__]] static constexpr Mark held_by(Holder holder, uint16_t flags = 0) {
        return Mark{static_cast<uint16_t>(static_cast<uint16_t>(holder) | flags)};
    }

    /// With IN_ORDER, where a mark describes a chain and not a descriptor.
    [[__nodiscard__]] static constexpr Mark of_extent(Extent extent) { return Mark{extent.bits()}; }
    [[__nodiscard__]] constexpr Extent extent() const { return Extent::of_bits(bits_); }

    [[__nodiscard__]] constexpr bool is_pending_head() const { return (bits_ & pending) != 0; }
    /// Of a pending head: the head added before it.
    [[__nodiscard__]] constexpr uint16_t added_before() const { return static_cast<uint16_t>(bits_ & ~pending); }

    [[__nodiscard__]] constexpr bool is_held_by(Holder holder) const {
        return (bits_ & (pending | holder_mask)) == static_cast<uint16_t>(holder);
    }
    /// Whether this equals `held_by(holder)`, without flags.
    [[__nodiscard__]] constexpr bool is_only(Holder holder) const { return bits_ == static_cast<uint16_t>(holder); }
    /// Whether this is the head of a chain whose token was not handed back yet.
    [[__nodiscard__]] constexpr bool is_head_in_flight() const {
        return is_pending_head() || is_held_by(Holder::added_head) || is_held_by(Holder::pushed_head);
    }
    [[__nodiscard__]] constexpr Mark passed_to(Holder holder) const { return held_by(holder, flags()); }

    /// NEXT and WRITE as the caller wrote them (descriptor tier only).
    [[__nodiscard__]] constexpr uint16_t flags() const { return bits_ & flag_mask; }
    [[__nodiscard__]] constexpr bool has(spec::DescFlag flag) const {
        return (flags() & static_cast<uint16_t>(flag)) != 0;
    }

private:
    static constexpr uint16_t pending = 0x8000;
    static constexpr uint16_t holder_mask = 7u << 2;
    static constexpr uint16_t flag_mask = 3;  // NEXT and WRITE

    explicit constexpr Mark(uint16_t bits) : bits_(bits) {}

    uint16_t bits_ = 0;
};
static_assert(static_cast<uint16_t>(spec::DescFlag::next) == 1 && static_cast<uint16_t>(spec::DescFlag::write) == 2,
              "A mark keeps NEXT and WRITE in its two low bits");

}  // namespace virtq::detail
