// SPDX-License-Identifier: MIT
#include <virtq/queue/segment.hpp>

#include <virtq/queue/any_format.hpp>

#include <sim/guest_memory.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

/// What `add` accepts as one side of a chain (faults C8).
namespace virtq::test {
namespace {

template <class Format>
class Sides : public testing::Test {};
using SideFormats = testing::Types<Split, PlainSplit, Packed, AnyFormat>;
TYPED_TEST_SUITE(Sides, SideFormats);

TYPED_TEST(Sides, AreOneSegmentOrAContainer) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    VirtQueue<32, TypeParam> queue;
    ASSERT_TRUE(queue.init(memory, 32, Features::of(spec::Feature::version_1) | TypeParam::required).ok());
    Segment one{PhysAddr{0x1000}, 16};
    std::vector<Segment> const vector{one, one, one};
    std::array<Segment, 2> const array{one, one};
    Segment plain[] = {one, one};
    auto const takes = [&](Status added, unsigned descriptors) {
        EXPECT_TRUE(added.ok());
        EXPECT_EQ(queue.num_free(), 32u - descriptors);
        ASSERT_TRUE(queue.restart(Features::of(spec::Feature::version_1) | TypeParam::required).ok());
    };
    takes(queue.add(one, {}, Token{}), 1);
    takes(queue.add({}, one, Token{}), 1);
    takes(queue.add(one, plain, Token{}), 3);
    takes(queue.add(vector, array, Token{}), 5);
    takes(queue.add({}, std::span<Segment const>{array}, Token{}), 2);
    takes(queue.add(std::span<Segment>{plain}, {}, Token{}), 2);
    takes(queue.add(Span<Segment>{plain}, NoSegments{}, Token{}), 2);
    takes(queue.add(NoSegments{}, vector, Token{}), 3);
    EXPECT_EQ(queue.add(std::vector<Segment>{}, {}, Token{}).error(), Error::chain_empty);
    ASSERT_TRUE(queue.release(memory).ok());
}

}  // namespace
}  // namespace virtq::test
