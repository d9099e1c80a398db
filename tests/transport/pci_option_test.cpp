// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_option.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

// PCI 6.2.5.1: a BAR's address is a multiple of its size.
TEST(PciWindow, TakesAlignedAddresses) {
    PciWindow window{0x1100, 0x3000};
    EXPECT_EQ(window.take(0x100), 0x1100u);
    EXPECT_EQ(window.take(0x1000), 0x2000u);
    EXPECT_EQ(window.next(), 0x3000u);
    EXPECT_EQ(window.left(), 0x1100u);
}

TEST(PciWindow, ChangesNothingWithoutRoom) {
    PciWindow window{0x1100, 0x1000};
    EXPECT_EQ(window.take(0x1000), 0u);  // 0x2000 to 0x2fff, and the window ends at 0x20ff
    EXPECT_EQ(window.take(0x4000), 0u);  // already the gap is too large
    EXPECT_EQ(window.take(0), 0u);
    EXPECT_EQ(window.next(), 0x1100u);
    EXPECT_EQ(window.left(), 0x1000u);
    EXPECT_EQ(window.take(0x800), 0x1800u);
    EXPECT_EQ(PciWindow{}.take(1), 0u);
}

// A BAR with address 0 counts as unassigned.
TEST(PciWindow, NeverTakesAddressZero) {
    PciWindow window{0, 0x1000};
    EXPECT_EQ(window.take(0x100), 0x100u);
}

TEST(PciWindow, EndsWithTheAddressSpace) {
    PciWindow window{0xffff'ffff'ffff'f000, 0x10'0000};
    EXPECT_EQ(window.left(), 0x1000u);
    EXPECT_EQ(window.take(0x1000), 0xffff'ffff'ffff'f000u);
    EXPECT_EQ(window.left(), 0u);
}

TEST(PciWindow, SkipsToAMultiple) {
    PciWindow window{0x1001, 0x2000};
    EXPECT_TRUE(window.align_next(0x1000));
    EXPECT_EQ(window.next(), 0x2000u);
    EXPECT_EQ(window.left(), 0x1001u);
    EXPECT_TRUE(window.align_next(0x1000));
    EXPECT_EQ(window.next(), 0x2000u);
    EXPECT_FALSE(window.align_next(0x4000));
    EXPECT_EQ(window.next(), 0x2000u);
    EXPECT_EQ(window.left(), 0x1001u);
}

// The configuration window needs a kernel that serialises all calls, so only the kernel may choose it.
TEST(PciProbeOption, AllowsNothingByDefault) {
    constexpr PciProbeOption option;
    EXPECT_EQ(option.memory, nullptr);
    EXPECT_EQ(option.ports, nullptr);
    EXPECT_EQ(option.config_window, PciConfigWindowUse::never);
}

}  // namespace
}  // namespace virtq::test
