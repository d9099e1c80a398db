// SPDX-License-Identifier: MIT
#include <virtq/base/detail/bit.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>

namespace {

using virtq::detail::align_up;
using virtq::detail::is_power_of_two;
using virtq::detail::power_of_two_floor;

TEST(Bit, KnowsEachPowerOfTwo) {
    for (unsigned i = 0; i < 32; ++i) {
        EXPECT_TRUE(is_power_of_two(uint32_t{1} << i)) << "bit " << i;
    }
}

TEST(Bit, RejectsZeroAndSumsOfPowers) {
    EXPECT_FALSE(is_power_of_two(0));
    for (uint32_t value : {3u, 5u, 6u, 7u, 255u, 257u, 0x8000'0001u, 0xffff'ffffu}) {
        EXPECT_FALSE(is_power_of_two(value)) << value;
    }
}

TEST(Bit, RoundsDownLikeTheStandardLibrary) {
    for (uint32_t value = 0; value <= 70'000; ++value) {
        ASSERT_EQ(power_of_two_floor(value), std::bit_floor(value)) << value;
    }
    EXPECT_EQ(power_of_two_floor(0x7fff'ffff), 0x4000'0000u);
    EXPECT_EQ(power_of_two_floor(0xffff'ffff), 0x8000'0000u);
}

TEST(Bit, RoundsUpToTheAlignment) {
    EXPECT_EQ(align_up(0, 4096), 0u);
    EXPECT_EQ(align_up(1, 4096), 4096u);
    EXPECT_EQ(align_up(4095, 4096), 4096u);
    EXPECT_EQ(align_up(4096, 4096), 4096u);
    EXPECT_EQ(align_up(4097, 4096), 8192u);
    EXPECT_EQ(align_up(7, 1), 7u);
    for (uint32_t value = 0; value < 100; ++value) {
        EXPECT_EQ(align_up(value, 16) % 16, 0u) << value;
        EXPECT_GE(align_up(value, 16), value);
        EXPECT_LT(align_up(value, 16), value + 16);
    }
}

TEST(Bit, IsComputedAtCompileTime) {
    static_assert(is_power_of_two(256) && power_of_two_floor(1000) == 512 && align_up(17, 16) == 32);
}

}  // namespace
