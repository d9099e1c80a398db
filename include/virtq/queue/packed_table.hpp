// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/chain_sides.hpp>
#include <virtq/queue/packed_memory.hpp>

#include <stdint.h>

namespace virtq {

/// An indirect table of a packed ring in the making: its descriptors follow each other without links, and have no id,
/// for it is the ring's descriptor that has it (§2.8.7).
struct PackedTable : ChainTotal {
    explicit PackedTable(spec::PackedDescriptor* first) : next(first) {}

    void write(Segment const& segment, uint16_t flags) {
        PackedMemory::write_segment(*next, segment.addr, segment.bytes);
        PackedMemory::write_flags(*next++, flags);
    }

    spec::PackedDescriptor* next;  ///< the descriptor to write next
};

}  // namespace virtq
