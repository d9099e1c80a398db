// SPDX-License-Identifier: MIT
#include <virtq/base/phys_addr.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>

namespace {

using virtq::PhysAddr;

TEST(PhysAddr, IsZeroAtFirst) {
    EXPECT_EQ(PhysAddr{}.value, 0u);
}

TEST(PhysAddr, AddsBytesAboveFourGibibytes) {
    EXPECT_EQ(PhysAddr{0x1'ffff'fff0} + 0x20, PhysAddr{0x2'0000'0010});
}

TEST(PhysAddr, ComparesByValue) {
    EXPECT_EQ(PhysAddr{0x1000}, PhysAddr{0x1000});
    EXPECT_NE(PhysAddr{0x1000}, PhysAddr{0x1'0000'1000});
}

TEST(PhysAddr, HasNoImplicitConversions) {
    EXPECT_FALSE((std::is_convertible_v<uint64_t, PhysAddr>));
    EXPECT_FALSE((std::is_convertible_v<PhysAddr, uint64_t>));
}

TEST(PhysAddr, HasSixtyFourBitsEverywhere) {
    EXPECT_EQ(sizeof(PhysAddr), 8u);
    EXPECT_TRUE(std::is_trivially_copyable_v<PhysAddr>);
}

}  // namespace
