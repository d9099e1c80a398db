// SPDX-License-Identifier: MIT
#include <virtq/device/balloon_types.hpp>

#include <gtest/gtest.h>

namespace virtq::test {
namespace {

// Three entries of 10 bytes are the fewest that are a multiple of 6 bytes (§5.5.6.3.1).
TEST(BalloonTypes, HaveRoomForEachStatistic) {
    EXPECT_EQ(balloon_stats_max % 3, 0u);
    EXPECT_GT(balloon_stats_max, static_cast<unsigned>(spec::balloon::StatTag::htlb_pgfail));
    EXPECT_EQ(BalloonStat{}.value, 0u);
    EXPECT_EQ(BalloonTraits::pages_at_once, 256u);
}

}  // namespace
}  // namespace virtq::test
