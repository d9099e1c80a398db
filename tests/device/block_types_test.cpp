// SPDX-License-Identifier: MIT
#include <virtq/device/block_types.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>

namespace virtq::test {
namespace {

struct FourQueueTraits : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 4;
};

// It was true for a failed request, beside a Status that is false for one.
TEST(BlockTypes, CompletionHasNoTruthValue) {
    EXPECT_FALSE((std::is_constructible_v<bool, BlockCompletion>));
    constexpr BlockCompletion nothing;
    EXPECT_EQ(nothing.state, CompletionState::none);
    EXPECT_EQ(nothing.error, Error::none);
}

TEST(BlockTypes, OptionsDoNotTrustTheDevice) {
    constexpr BlockOption option;
    EXPECT_EQ(option.under_reported, UnderReportedLength::fail_request);
    EXPECT_EQ(option.queue.over_reported, OverReportedLength::break_queue);
    EXPECT_TRUE(option.unwanted.empty());
    EXPECT_EQ(option.data_segments, 0u);  // as the device says
}

TEST(BlockTypes, RequestReadsNothingAtFirst) {
    constexpr BlockRequest request;
    EXPECT_EQ(request.operation, BlockOperation::read);
    EXPECT_EQ(request.sector + request.sector_count, 0u);
    EXPECT_TRUE(request.data.empty());
}

// §5.2.5: the field writeback is 0 for writethrough, 1 for writeback.
TEST(BlockTypes, CacheModesAreThoseOfTheField) {
    EXPECT_EQ(static_cast<unsigned>(BlockCacheMode::writethrough), 0u);
    EXPECT_EQ(static_cast<unsigned>(BlockCacheMode::writeback), 1u);
}

TEST(BlockTypes, TopologiesDifferInAnyField) {
    constexpr BlockTopology topology{3, 1, 8, 256};
    EXPECT_TRUE((topology == BlockTopology{3, 1, 8, 256}));
    EXPECT_FALSE((topology == BlockTopology{2, 1, 8, 256}));
    EXPECT_FALSE((topology == BlockTopology{3, 0, 8, 256}));
    EXPECT_FALSE((topology == BlockTopology{3, 1, 4, 256}));
    EXPECT_FALSE((topology == BlockTopology{3, 1, 8, 128}));
    EXPECT_TRUE((BlockTopology{} == BlockTopology{0, 0, 0, 0}));
}

TEST(BlockTypes, TraitsChangeOneByOne) {
    EXPECT_EQ(FourQueueTraits::queue_count_max, 4);
    EXPECT_EQ(BlockTraits::queue_count_max, 1);
    EXPECT_TRUE((std::is_same_v<FourQueueTraits::Format, Split>));
    EXPECT_TRUE((std::is_same_v<FourQueueTraits::Mapper, NoMapper>));
}

}  // namespace
}  // namespace virtq::test
