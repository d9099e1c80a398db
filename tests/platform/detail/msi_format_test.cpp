// SPDX-License-Identifier: MIT
#include <virtq/platform/detail/msi_format.hpp>

#include <gtest/gtest.h>

namespace {

using virtq::platform::takes_msi_message;

TEST(MsiFormat, ChecksVectorAndApicOnX86) {
    EXPECT_TRUE(takes_msi_message(0xfee0'0000, 0x20));
    EXPECT_TRUE(takes_msi_message(0xfeef'f000, 0xff));
    EXPECT_TRUE(takes_msi_message(0xfee0'0000, 0x4031));  // level, asserted
    EXPECT_TRUE(takes_msi_message(0xfee0'0010, 0));       // remapped
    EXPECT_TRUE(takes_msi_message(0xfee0'0000, 0x400));   // NMI
#if defined(__x86_64__) || defined(__i386__)
    constexpr bool others = false;
#else
    constexpr bool others = true;
#endif
    EXPECT_EQ(takes_msi_message(0xfee0'0000, 11), others);  // the number of a line
    EXPECT_EQ(takes_msi_message(0xfee0'0000, 0x11f), others);
    EXPECT_EQ(takes_msi_message(0xfec0'0000, 0x30), others);  // the I/O APIC
}

TEST(MsiFormat, RejectsAddressZero) {
    EXPECT_FALSE(takes_msi_message(0, 0x30));
}

}  // namespace
