// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/packed/packed_memory.hpp>
#include <virtq/queue/detail/packed/packed_position.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stdint.h>

/// How a chain proceeds from descriptor to descriptor of a packed ring while it is written. `at` is the descriptor to
/// write next, and `flags` are its AVAIL and USED. The first descriptor gets them with the bits of `hides` flipped.
/// Positions are taken by reference: to copy one, clang loads 32 bits where 16 were just stored, which stalls.
namespace virtq::detail {

/// For a chain that ends before the end of the ring: no step compares anything.
class StraightWalk {
public:
    StraightWalk(PackedMemory const& memory, PackedPosition const& from, uint16_t, uint16_t hides)
        : at(memory.descriptor(from.offset())),
          flags(static_cast<uint16_t>(from.available_flags() ^ hides)),
          lap_(from.available_flags()) {}

    void step() {
        ++at;
        flags = lap_;
    }
    /// The descriptor that the last `step` left.
    [[__nodiscard__]] spec::PackedDescriptor& last() const { return at[-1]; }
    /// Moves a position over the whole chain.
    static void pass(PackedPosition& position, uint16_t count, uint16_t) { position.go_on(count); }
    /// The walk of the next chain. `hides` flips the flags of its first descriptor.
    [[__nodiscard__]] StraightWalk hidden(uint16_t hides) const {
        StraightWalk walk = *this;
        walk.flags = static_cast<uint16_t>(lap_ ^ hides);
        return walk;
    }
    [[__nodiscard__]] uint16_t lap() const { return lap_; }

    spec::PackedDescriptor* at;
    uint16_t flags;

private:
    uint16_t lap_;
};

/// For any chain.
class RoundWalk {
public:
    RoundWalk(PackedMemory const& memory, PackedPosition const& from, uint16_t size, uint16_t hides)
        : at(memory.descriptor(from.offset())),
          flags(static_cast<uint16_t>(from.available_flags() ^ hides)),
          begin_(memory.descriptor(0)),
          end_(memory.descriptor(size)),
          lap_(from.available_flags()) {}

    void step() {
        last_ = at;
        if (++at == end_) {
            at = begin_;
            lap_ ^= PackedPosition::both_flags;
        }
        flags = lap_;
    }
    [[__nodiscard__]] spec::PackedDescriptor& last() const { return *last_; }
    static void pass(PackedPosition& position, uint16_t count, uint16_t size) { position.advance(count, size); }

    spec::PackedDescriptor* at;
    uint16_t flags;

private:
    spec::PackedDescriptor* begin_;
    spec::PackedDescriptor const* end_;
    spec::PackedDescriptor* last_ = at;
    uint16_t lap_;
};

}  // namespace virtq::detail
