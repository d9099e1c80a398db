// SPDX-License-Identifier: MIT
#include <virtq/platform/pci_config_access.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

/// The least access that the library takes. tests/fail has what the author of an incomplete one reads.
struct WholeAccess {
    std::uint8_t read8(PciAddress, std::uint16_t) { return 0; }
    std::uint16_t read16(PciAddress, std::uint16_t) { return 0; }
    std::uint32_t read32(PciAddress, std::uint16_t) { return 0; }
    void write8(PciAddress, std::uint16_t, std::uint8_t) {}
    void write16(PciAddress, std::uint16_t, std::uint16_t) {}
    void write32(PciAddress, std::uint16_t, std::uint32_t) {}
};

/// Reads 16 bits as 32: the upper half would be the next register's.
struct WideAccess : WholeAccess {
    std::uint32_t read16(PciAddress, std::uint16_t) { return 0; }
};

/// Returns what `write8` never does: a success or a failure.
struct AnsweringAccess : WholeAccess {
    bool write8(PciAddress, std::uint16_t, std::uint8_t) { return true; }
};

TEST(PciConfigAccess, NeedsEachWidthExactly) {
    EXPECT_TRUE(PciConfigAccess<WholeAccess>);
    EXPECT_FALSE(PciConfigAccess<WideAccess>);
    EXPECT_FALSE(PciConfigAccess<AnsweringAccess>);
    EXPECT_FALSE(PciConfigAccess<WholeAccess const>);
}

TEST(PciAddress, HasAFrameNumber) {
    EXPECT_EQ(pci_frame({0, 0, 0}), 0u);
    EXPECT_EQ(pci_frame({1, 2, 3}), 0x113u);
    EXPECT_EQ(pci_frame({255, 31, 7}), 0xffffu);
    EXPECT_EQ(pci_frame({0, 32, 8}), 0u);  // no such device or function; the frame is not on another bus
    EXPECT_TRUE((PciAddress{1, 2, 3} == PciAddress{1, 2, 3}));
    EXPECT_FALSE((PciAddress{1, 2, 3} == PciAddress{1, 2, 4}));
    EXPECT_FALSE((PciAddress{1, 2, 3} == PciAddress{1, 3, 3}));
    EXPECT_FALSE((PciAddress{1, 2, 3} == PciAddress{2, 2, 3}));
}

// PCI 3.2.2.3.4: a bus has 32 devices, and a device 8 functions.
TEST(PciAddress, IsPossibleUpToTheLastFunction) {
    EXPECT_TRUE((PciAddress{255, 31, 7}.is_possible()));
    EXPECT_FALSE((PciAddress{0, 32, 0}.is_possible()));
    EXPECT_FALSE((PciAddress{0, 0, 8}.is_possible()));
}

}  // namespace
}  // namespace virtq::test
