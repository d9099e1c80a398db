// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/chain_sides.hpp>
#include <virtq/queue/detail/split/split_memory.hpp>
#include <virtq/queue/detail/split/split_shadow.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Writes an indirect table of a split ring: each descriptor links to the next one in the table (§2.7.5.3).
struct SplitTable : ChainTotal {
    SplitTable(SplitMemory& memory, spec::Descriptor* first) : next(first), memory_(memory) {}

    void write(Segment const& segment, uint16_t flags) {
        memory_.write(*next++, segment, flags, static_cast<DescIndex>(behind_++));
    }

    spec::Descriptor* next;  ///< the descriptor to write next

private:
    SplitMemory& memory_;
    uint16_t behind_ = 1;  // the number of the descriptor behind `next`
};

/// Writes a chain into the free descriptors of a split ring (§2.7.5).
template <uint32_t N>
struct SplitChain : ChainTotal {
    SplitChain(SplitMemory& memory, SplitShadow<N> const& shadow, DescIndex free_head)
        : next(free_head), last(free_head), memory_(memory), shadow_(shadow) {}

    void write(Segment const& segment, uint16_t flags) {
        entry = memory_.descriptor(next);
        last = next;
        next = shadow_.next(last);
        memory_.write(*entry, segment, flags, next);
    }

    DescIndex next;                     ///< the free descriptor to write next
    DescIndex last;                     ///< the descriptor written last
    spec::Descriptor* entry = nullptr;  ///< `last` in the descriptor table

private:
    SplitMemory& memory_;
    SplitShadow<N> const& shadow_;
};

}  // namespace virtq::detail
