// SPDX-License-Identifier: MIT
#include <virtq/transport/msi_message.hpp>

#include <virtq/platform/detail/msi_format.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

// A kernel that forgets one of several messages leaves it zero, which no interrupt controller has.
TEST(MsiMessage, IsNoMessageAtFirst) {
    constexpr MsiMessage forgotten{};
    EXPECT_EQ(forgotten.address, 0u);
    EXPECT_EQ(forgotten.data, 0u);
    EXPECT_FALSE(platform::takes_msi_message(forgotten.address, forgotten.data));
}

// The page says how to fill it in on x86; elsewhere any address is one.
TEST(MsiMessage, IsFilledInAsDocumented) {
    for (std::uint32_t const apic_id : {0u, 3u, 255u}) {
        for (std::uint32_t const vector : {32u, 255u}) {
            MsiMessage const message{0xfee0'0000u | apic_id << 12, vector};
            EXPECT_TRUE(platform::takes_msi_message(message.address, message.data)) << apic_id << " " << vector;
        }
    }
}

TEST(MsiMessage, HoldsAddressesAbove4Gib) {
    constexpr MsiMessage message{.address = 0x1'0000'0000, .data = 0};
    EXPECT_EQ(message.address >> 32, 1u);
}

}  // namespace
}  // namespace virtq::test
