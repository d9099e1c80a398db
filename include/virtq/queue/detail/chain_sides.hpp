// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/error.hpp>
#include <virtq/queue/segment.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stddef.h>
#include <stdint.h>

/// What all chains have in common, split or packed, in the ring or in an indirect table: two sides, and a total.
namespace virtq::detail {

/// Calls `write` for each segment of a side, in order, and stops at the first `false`. True if all succeeded.
template <class Write>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE constexpr bool each_segment(Span<Segment const> segments, Write const& write) {
    for (Segment const& segment : segments) {
        if (!write(segment)) {
            return false;
        }
    }
    return true;
}

template <class Write>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE constexpr bool each_segment(Gather const& segments, Write const& write) {
    return each_segment(segments.front, write) && each_segment(segments.back, write);
}

/// As above, in straight-line code.
template <size_t Extent, class Write>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE constexpr bool each_segment(FixedSegments<Extent> segments, Write const& write) {
    if constexpr (Extent == 0) {
        return true;
    } else {
        return write(*segments.first) && each_segment(FixedSegments<Extent - 1>{segments.first + 1}, write);
    }
}

/// Whether a chain may have `bytes` bytes: 1 <= `bytes` <= 2^32 (§2.7.5.2).
[[__nodiscard__]] constexpr bool is_chain_total(uint64_t bytes) {
    return (bytes - 1) >> 32 == 0;
}

/// Whether a number fits 32 bits, as the total of nearly every chain does.
[[__nodiscard__]] constexpr bool fits_32_bits(uint64_t bytes) {
    return bytes >> 32 == 0;
}

/// Clamps a writable total, at most 2^32, to the largest used length, 2^32 - 1 (§2.7.5). The result stays 64 bits
/// wide, which costs less here than narrowing it.
[[__nodiscard__]] constexpr uint64_t cut_to_32_bits(uint64_t bytes) {
    return bytes - (bytes >> 32);
}

/// Base of a `Chain`, which adds `write(segment, flags)`: the totals of a chain that is being written.
struct ChainTotal {
    uint64_t bytes = 0;           ///< total so far
    uint32_t writable_bytes = 0;  ///< bytes that the device may write; set once both sides are written
};

/// Writes one side. False if a segment is empty.
template <class Chain, class Segments>
[[__nodiscard__]] inline bool write_side(Chain& chain, Segments segments, uint16_t flags) {
    return each_segment(segments, [&](Segment const& segment) {
        uint64_t const bytes = segment.bytes;
        chain.write({segment.addr, static_cast<uint32_t>(bytes)}, flags);
        chain.bytes += bytes;
        return bytes != 0;
    });
}

/// Writes the device-readable side with `flags`, then the device-writable one (§2.7.4.2). Nothing of the chain is
/// exposed yet, so the caller drops it on an error.
template <class Chain, class Readable, class Writable>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE inline Error write_sides(Chain& chain, Readable const& readable,
                                                               Writable const& writable, uint16_t flags) {
    constexpr auto write = static_cast<uint16_t>(spec::DescFlag::write);
    if (!write_side(chain, readable, flags)) {
        return Error::segment_empty;
    }
    uint64_t const readable_bytes = chain.bytes;
    if (!write_side(chain, writable, flags | write)) {
        return Error::segment_empty;
    }
    uint64_t writable_bytes = chain.bytes - readable_bytes;
    if (!fits_32_bits(chain.bytes)) {
        if (!is_chain_total(chain.bytes)) {
            return Error::chain_above_4_gib;
        }
        writable_bytes = cut_to_32_bits(writable_bytes);
    }
    chain.writable_bytes = static_cast<uint32_t>(writable_bytes);
    return Error::none;
}

}  // namespace virtq::detail
