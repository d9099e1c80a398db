// SPDX-License-Identifier: MIT
#include <virtq/queue/detail/chain_sides.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace virtq::test {

using namespace virtq::detail;

namespace {

/// A chain that keeps the lengths and the flags that were written.
struct WrittenChain : ChainTotal {
    void write(Segment const& segment, std::uint16_t one) {
        lengths.push_back(segment.bytes);
        flags.push_back(one);
    }

    std::vector<std::uint32_t> lengths;
    std::vector<std::uint16_t> flags;
};

template <class Segments>
std::vector<std::uint32_t> lengths(Segments const& segments, bool& all) {
    WrittenChain chain;
    all = write_side(chain, segments, SideFlags{0, 0});
    return chain.lengths;
}

template <class Readable, class Writable>
std::vector<std::uint16_t> flags(Readable const& readable, Writable const& writable) {
    WrittenChain chain;
    EXPECT_EQ(write_sides(chain, readable, writable, 1), Error::none);
    return chain.flags;
}

using Lengths = std::vector<std::uint32_t>;
using Flags = std::vector<std::uint16_t>;

TEST(WriteSide, WritesASpanUntilARefusal) {
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

TEST(WriteSide, WritesBothPartsUntilARefusal) {
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

TEST(WriteSide, WritesAFixedShapeUntilRefusal) {
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

// NEXT is 1 and WRITE is 2. The last descriptor of a chain has no NEXT, which only a fixed shape knows at once.
TEST(WriteSides, LinksAllButTheLast) {
    Segment const three[] = {{PhysAddr{}, 1}, {PhysAddr{}, 2}, {PhysAddr{}, 3}};
    EXPECT_EQ(flags(FixedSegments<2>{three}, FixedSegments<0>{nullptr}), (Flags{1, 0}));
    EXPECT_EQ(flags(FixedSegments<0>{nullptr}, FixedSegments<1>{three}), (Flags{2}));
    EXPECT_EQ(flags(FixedSegments<1>{three}, FixedSegments<2>{three}), (Flags{1, 3, 2}));
    Span<Segment const> const any{three};
    EXPECT_EQ(flags(any, any), (Flags{1, 1, 1, 3, 3, 3}));
}

}  // namespace
}  // namespace virtq::test
