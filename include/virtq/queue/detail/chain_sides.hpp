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
[[__nodiscard__]] constexpr uint64_t clamp_to_32_bits(uint64_t bytes) {
    return bytes - (bytes >> 32);
}

/// Base of a `Chain`, which adds `write(segment, flags)`: the totals of a chain that is being written.
struct ChainTotal {
    uint64_t bytes = 0;           ///< total so far
    uint32_t writable_bytes = 0;  ///< bytes that the device may write; set once both sides are written
};

/// The flags of a side: of its last segment, and of those before it.
struct SideFlags {
    uint16_t inner;
    uint16_t last;
};

/// Writes one segment. False if it is empty.
template <class Chain>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE inline bool write_one(Chain& chain, Segment const& segment, uint16_t flags) {
    uint64_t const bytes = segment.bytes;
    // The address is copied as a number: GCC needs up to four instructions more to copy the struct.
    chain.write({PhysAddr{segment.addr.value}, static_cast<uint32_t>(bytes)}, flags);
    chain.bytes += bytes;
    return bytes != 0;
}

/// Writes one side. False if a segment is empty. All segments get the inner flags.
template <class Chain>
[[__nodiscard__]] inline bool write_side(Chain& chain, Span<Segment const> segments, SideFlags flags) {
    for (Segment const& segment : segments) {
        if (!write_one(chain, segment, flags.inner)) {
            return false;
        }
    }
    return true;
}
template <class Chain>
[[__nodiscard__]] inline bool write_side(Chain& chain, Gather const& segments, SideFlags flags) {
    return write_side(chain, segments.front, flags) && write_side(chain, segments.back, flags);
}
/// In straight-line code, which knows the last segment.
template <class Chain, size_t Extent>
[[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED inline bool write_side(Chain& chain, FixedSegments<Extent> segments,
                                                                SideFlags flags) {
    if constexpr (Extent == 0) {
        return true;
    } else {
        return write_one(chain, *segments.first, Extent == 1 ? flags.last : flags.inner) &&
               write_side(chain, FixedSegments<Extent - 1>{segments.first + 1}, flags);
    }
}

template <class Segments>
inline constexpr bool is_fixed = false;
template <size_t Extent>
inline constexpr bool is_fixed<FixedSegments<Extent>> = true;

/// Whether `write_sides` gives the last descriptor its own flags. Otherwise it sets `link` there too, and the caller
/// clears that.
template <class Readable, class Writable>
inline constexpr bool knows_end = is_fixed<Readable>&& is_fixed<Writable>;

/// Writes the device-readable side, then the device-writable one (§2.7.4.2), with `link` in the flags of all but the
/// last descriptor. Nothing of the chain is exposed yet, so the caller drops it on an error.
template <class Chain, class Readable, class Writable>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE inline Error write_sides(Chain& chain, Readable const& readable,
                                                               Writable const& writable, uint16_t link) {
    constexpr auto write = static_cast<uint16_t>(spec::DescFlag::write);
    uint16_t end = link;
    if constexpr (knows_end<Readable, Writable>) {
        end = 0;
    }
    if (!write_side(chain, readable, SideFlags{link, writable.size() == 0 ? end : link})) {
        return Error::segment_empty;
    }
    uint64_t const readable_bytes = chain.bytes;
    if (!write_side(chain, writable,
                    SideFlags{static_cast<uint16_t>(link | write), static_cast<uint16_t>(end | write)})) {
        return Error::segment_empty;
    }
    uint64_t writable_bytes = chain.bytes - readable_bytes;
    if (!fits_32_bits(chain.bytes)) {
        if (!is_chain_total(chain.bytes)) {
            return Error::chain_above_4_gib;
        }
        writable_bytes = clamp_to_32_bits(writable_bytes);
    }
    chain.writable_bytes = static_cast<uint32_t>(writable_bytes);
    return Error::none;
}

}  // namespace virtq::detail
