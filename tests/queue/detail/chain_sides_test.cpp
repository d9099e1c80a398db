// SPDX-License-Identifier: MIT
#include <virtq/queue/detail/chain_sides.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace virtq::test {

using namespace virtq::detail;

namespace {

/// The lengths of the visited segments. The callback returns false at a length of 0.
template <class Segments>
std::vector<std::uint32_t> lengths(Segments const& segments, bool& all) {
    std::vector<std::uint32_t> found;
    all = each_segment(segments, [&](Segment const& segment) {
        found.push_back(segment.bytes);
        return segment.bytes != 0;
    });
    return found;
}

using Lengths = std::vector<std::uint32_t>;

TEST(EachSegment, WalksASpanUntilARefusal) {
    bool all = false;
    Segment segments[] = {{PhysAddr{}, 1}, {PhysAddr{}, 2}, {PhysAddr{}, 3}};
    EXPECT_EQ(lengths(Span<Segment const>{segments}, all), (Lengths{1, 2, 3}));
    EXPECT_TRUE(all);
    segments[1].bytes = 0;
    EXPECT_EQ(lengths(Span<Segment const>{segments}, all), (Lengths{1, 0}));
    EXPECT_FALSE(all);
    EXPECT_EQ(lengths(Span<Segment const>{}, all), Lengths{});
    EXPECT_TRUE(all);
}

TEST(EachSegment, WalksBothPartsUntilARefusal) {
    bool all = false;
    Segment front[] = {{PhysAddr{}, 1}, {PhysAddr{}, 2}};
    Segment back[] = {{PhysAddr{}, 3}, {PhysAddr{}, 4}};
    EXPECT_EQ(lengths(Gather{front, back}, all), (Lengths{1, 2, 3, 4}));
    EXPECT_TRUE(all);
    back[0].bytes = 0;
    EXPECT_EQ(lengths(Gather{front, back}, all), (Lengths{1, 2, 0}));
    EXPECT_FALSE(all);
    front[1].bytes = 0;
    EXPECT_EQ(lengths(Gather{front, back}, all), (Lengths{1, 0}));
    EXPECT_FALSE(all);
}

TEST(EachSegment, WalksAFixedShapeUntilRefusal) {
    bool all = false;
    Segment segments[] = {{PhysAddr{}, 1}, {PhysAddr{}, 2}, {PhysAddr{}, 3}};
    EXPECT_EQ(lengths(FixedSegments<3>{segments}, all), (Lengths{1, 2, 3}));
    EXPECT_TRUE(all);
    segments[2].bytes = 0;
    EXPECT_EQ(lengths(FixedSegments<3>{segments}, all), (Lengths{1, 2, 0}));
    EXPECT_FALSE(all);
    segments[0].bytes = 0;
    EXPECT_EQ(lengths(FixedSegments<3>{segments}, all), Lengths{0});
    EXPECT_FALSE(all);
    EXPECT_EQ(lengths(FixedSegments<0>{nullptr}, all), Lengths{});
    EXPECT_TRUE(all);
}

}  // namespace
}  // namespace virtq::test
