// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/error.hpp>
#include <virtq/queue/segment.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stddef.h>
#include <stdint.h>

/// What the chains of both formats, in the ring and in a table, have in common: two sides, and a total.
namespace virtq::detail {

/// Hands the segments of one side of a chain to `write`, in order, until it answers false for one. Returns whether it
/// did so for none.
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

/// Straight-line code.
template <size_t Extent, class Write>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE constexpr bool each_segment(FixedSegments<Extent> segments, Write const& write) {
    if constexpr (Extent == 0) {
        return true;
    } else {
        return write(*segments.first) && each_segment(FixedSegments<Extent - 1>{segments.first + 1}, write);
    }
}

/// §2.7.5.2: whether a chain may have that many bytes, which are not none: 2^32 of them, and no more.
[[__nodiscard__]] constexpr bool is_chain_total(uint64_t bytes) {
    return (bytes - 1) >> 32 == 0;
}

/// Whether a total can be said in 32 bits: that of nearly every chain.
[[__nodiscard__]] constexpr bool fits_32_bits(uint64_t bytes) {
    return bytes >> 32 == 0;
}

/// §2.7.5: the writable total of a chain, at most 2^32, of which only as much counts as a used length can say: of
/// that, one less. Not narrowed yet, which costs less here.
[[__nodiscard__]] constexpr uint64_t cut_to_32_bits(uint64_t bytes) {
    return bytes - (bytes >> 32);
}

/// A chain in the making is a `Chain` with `write(segment, flags)`, and these.
struct ChainTotal {
    uint64_t bytes = 0;           ///< total so far
    uint32_t writable_bytes = 0;  ///< those that the device may write, when all is written
};

/// One side; false when a segment is empty.
template <class Chain, class Segments>
[[__nodiscard__]] inline bool write_side(Chain& chain, Segments const& segments, uint16_t flags) {
    return each_segment(segments, [&](Segment const& segment) {
        uint64_t const bytes = segment.bytes;
        chain.write({segment.addr, static_cast<uint32_t>(bytes)}, flags);
        chain.bytes += bytes;
        return bytes != 0;
    });
}

/// The device-readable side, with these flags, then the device-writable one (§2.7.4.2). Nothing of it is exposed yet,
/// so on an error the chain is given up.
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
