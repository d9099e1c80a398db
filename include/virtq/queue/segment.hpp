// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/phys_addr.hpp>
#include <virtq/base/span.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

/// One piece of a buffer, contiguous for the device: what one descriptor describes (§2.7.5).
struct Segment {
    PhysAddr addr;       ///< where the device finds the bytes
    uint32_t bytes = 0;  ///< length; a chain must not contain a segment of 0
};

namespace detail {

/// An array of segments with its length in the type, so that `add` compiles to straight-line code.
template <size_t Extent>
struct FixedSegments {
    Segment const* first;

    [[__nodiscard__]] static constexpr size_t size() { return Extent; }
    constexpr operator Span<Segment const>() const { return {first, Extent}; }  // NOLINT: conversion is the purpose
};

/// The longest chain that is worth straight-line code.
inline constexpr size_t longest_unrolled = 16;

/// One side, of `Extent` segments, of a chain that has `Total`: with its length in the type if the chain is short.
template <size_t Total, size_t Extent>
[[__nodiscard__]] constexpr auto side_of(Segment const* first) {
    if constexpr (Total <= longest_unrolled) {
        return FixedSegments<Extent>{first};
    } else {
        return Span<Segment const>{first, Extent};
    }
}

}  // namespace detail

/// One side of a chain in two arrays: first the segments of `front`, then those of `back`.
struct Gather {
    constexpr Gather() = default;
    /// A side in one array, so that `add_gathered` accepts what `add` accepts.
    constexpr Gather(Span<Segment const> all) : front(all) {}  // NOLINT: conversion is the purpose
    /// A side in two arrays, without copying them into one.
    constexpr Gather(Span<Segment const> first, Span<Segment const> rest) : front(first), back(rest) {}

    Span<Segment const> front{};  ///< for example a driver's own header
    Span<Segment const> back{};   ///< for example the caller's data

    /// Segments of both arrays together: the descriptors that this side takes in the ring or a table.
    [[__nodiscard__]] constexpr size_t size() const { return front.size() + back.size(); }
};

namespace detail {

/// How a function that is not inlined takes one side: as a `Span`, so that arrays of all lengths share one copy. It
/// takes a `Gather` by reference.
template <class Segments>
struct SideOf {
    using Type = Span<Segment const>;
};

template <>
struct SideOf<Gather const&> {
    using Type = Gather const&;
};

}  // namespace detail

/// An empty side of a chain, written as `{}`.
struct NoSegments {
    /// An empty `Span`, for a function that takes a side as a `Span`.
    constexpr operator Span<Segment const>() const { return {}; }  // NOLINT: conversion is the purpose
};

namespace detail {

template <class Side>
concept IsSide = requires(Side const& side) {
    static_cast<Span<Segment const>>(side);
};

}  // namespace detail

}  // namespace virtq
