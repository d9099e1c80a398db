// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/phys_addr.hpp>
#include <virtq/base/span.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

/// One piece of a buffer that is contiguous for the device: a descriptor's worth (§2.7.5).
struct Segment {
    PhysAddr addr;
    uint32_t bytes = 0;
};

namespace detail {

/// As many segments as the type says, so that `add` of such a shape is straight-line code.
template <size_t Extent>
struct FixedSegments {
    Segment const* first;

    [[__nodiscard__]] static constexpr size_t size() { return Extent; }
    constexpr operator Span<Segment const>() const { return {first, Extent}; }  // NOLINT: conversion is the purpose
};

}  // namespace detail

/// Segments that stand in two places, in this order.
struct Gather {
    constexpr Gather() = default;
    constexpr Gather(Span<Segment const> all) : front(all) {}  // NOLINT: conversion is the purpose
    constexpr Gather(Span<Segment const> first, Span<Segment const> rest) : front(first), back(rest) {}

    Span<Segment const> front{};
    Span<Segment const> back{};

    [[__nodiscard__]] constexpr size_t size() const { return front.size() + back.size(); }
};

namespace detail {

/// How the segments of one side travel where their number need not be in the type: a `Span` in two registers.
template <class Segments>
struct SideOf {
    using Type = Span<Segment const>;
};

template <>
struct SideOf<Gather const&> {
    using Type = Gather const&;
};

}  // namespace detail

/// One side of a chain that has none.
struct NoSegments {
    constexpr operator Span<Segment const>() const { return {}; }  // NOLINT: conversion is the purpose
};

namespace detail {

template <class Side>
concept IsSide = requires(Side const& side) {
    static_cast<Span<Segment const>>(side);
};

}  // namespace detail

}  // namespace virtq
