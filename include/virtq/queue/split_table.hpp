// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/chain_sides.hpp>
#include <virtq/queue/split_memory.hpp>

#include <stdint.h>

namespace virtq {

/// An indirect table of a split ring in the making: each of its descriptors links to the one behind it (§2.7.5.3).
struct SplitTable : ChainTotal {
    SplitTable(SplitMemory& memory, spec::Descriptor* first) : next(first), memory_(memory) {}

    void write(Segment const& segment, uint16_t flags) {
        memory_.write(*next++, segment, flags, static_cast<DescIndex>(behind_++));
    }

    spec::Descriptor* next;  ///< the descriptor to write next

private:
    SplitMemory& memory_;
    uint16_t behind_ = 1;  // the number of the one behind it
};

}  // namespace virtq
