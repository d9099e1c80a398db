// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/chain_sides.hpp>
#include <virtq/queue/detail/packed/packed_memory.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Writes an indirect table of a packed ring. Its descriptors follow each other without links. They have no id: the
/// ring's descriptor has it (§2.8.7).
struct PackedTable : ChainTotal {
    explicit PackedTable(spec::PackedDescriptor* first) : next(first) {}

    void write(Segment const& segment, uint16_t flags) {
        PackedMemory::write_segment(*next, segment.addr, segment.bytes);
        PackedMemory::write_flags(*next++, flags);
    }

    spec::PackedDescriptor* next;  ///< the descriptor to write next
};

/// Writes a chain into a packed ring (§2.8.6). The first descriptor of a batch gets flags that do not make it
/// available. They hide the whole batch until publish() replaces them.
template <class Walk>
struct PackedChain : ChainTotal {
    PackedChain(Walk const& from, BufferId id) : walk(from), id_(id) {}

    void write(Segment const& segment, uint16_t flags) {
        PackedMemory::write_segment(*walk.at, segment.addr, segment.bytes);
        PackedMemory::write_id(*walk.at, id_);
        last_flags = static_cast<uint16_t>(flags | walk.flags);
        PackedMemory::write_flags(*walk.at, last_flags);
        walk.step();
    }

    Walk walk;
    uint16_t last_flags = 0;  ///< flags of the descriptor that was written last

private:
    BufferId const id_;
};

}  // namespace virtq::detail
