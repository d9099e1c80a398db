// SPDX-License-Identifier: MIT
#include <virtq/device/p9_types.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

TEST(P9Types, IsEmptyAtFirst) {
    constexpr P9Request request{};
    EXPECT_TRUE(request.message.empty());
    EXPECT_TRUE(request.answer.empty());
    EXPECT_TRUE(request.data.empty());
    EXPECT_EQ(request.direction, DmaDirection::device_reads);
}

TEST(P9Types, HasRoomForTheLongestName) {
    constexpr std::uint32_t walk = 7 + 4 + 4 + 2 + 2 + 255;  // Twalk by one name of a Linux file
    constexpr std::uint32_t attributes = 160;                // Rgetattr, the longest answer without data
    EXPECT_GE(P9Traits::request_bytes, walk);
    EXPECT_GE(P9Traits::answer_bytes, attributes);
}

}  // namespace
}  // namespace virtq::test
