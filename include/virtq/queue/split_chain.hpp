// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/chain_sides.hpp>
#include <virtq/queue/descriptor_shadow.hpp>
#include <virtq/queue/split_memory.hpp>

#include <stdint.h>

namespace virtq {

/// A chain of free descriptors of a split ring in the making (§2.7.5).
template <uint32_t N, class Format>
struct SplitChain : ChainTotal {
    static constexpr bool is_small = Format::is_small;

    SplitChain(SplitMemory& memory, DescriptorShadow<N> const& shadow)
        : next(shadow.free_head()), last(shadow.free_head()), memory_(memory), shadow_(shadow) {}

    void write(Segment const& segment, uint16_t flags) {
        entry = memory_.descriptor(next);
        last = next;
        next = shadow_.next(last);
        memory_.write(*entry, segment, flags, next);
    }

    DescIndex next;                     ///< the free descriptor to write next
    DescIndex last;                     ///< the one written last
    spec::Descriptor* entry = nullptr;  ///< the same, in the table

private:
    SplitMemory& memory_;
    DescriptorShadow<N> const& shadow_;
};

}  // namespace virtq
