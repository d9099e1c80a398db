// SPDX-License-Identifier: MIT
#include <virtq/platform/ecam_access.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace virtq::test {
namespace {

TEST(PciAddress, HasAFrameNumber) {
    EXPECT_EQ(pci_frame({0, 0, 0}), 0u);
    EXPECT_EQ(pci_frame({1, 2, 3}), 0x113u);
    EXPECT_EQ(pci_frame({255, 31, 7}), 0xffffu);
    EXPECT_EQ(pci_frame({0, 32, 8}), 0u);  // no such device or function: not another bus
    EXPECT_TRUE((PciAddress{1, 2, 3} == PciAddress{1, 2, 3}));
    EXPECT_FALSE((PciAddress{1, 2, 3} == PciAddress{1, 2, 4}));
    EXPECT_FALSE((PciAddress{1, 2, 3} == PciAddress{1, 3, 3}));
    EXPECT_FALSE((PciAddress{1, 2, 3} == PciAddress{2, 2, 3}));
}

// PCIe 7.2.2: bus << 20, device << 15, function << 12.
TEST(EcamAccess, ReachesEachFunction) {
    std::vector<std::uint32_t> words(2 * (std::size_t{1} << 20) / 4);  // two buses
    auto* const bytes = reinterpret_cast<std::uint8_t*>(words.data());
    EcamAccess access{reinterpret_cast<std::uintptr_t>(bytes), 0x10};
    PciAddress const address{0x11, 2, 3};
    std::size_t const place = (std::size_t{1} << 20) + (2u << 15) + (3u << 12);

    access.write32(address, 0x10, 0x44332211);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(bytes[place + 0x10 + i], 0x11 * (i + 1));  // little-endian, whatever the machine is
    }
    EXPECT_EQ(access.read32(address, 0x10), 0x44332211u);
    EXPECT_EQ(access.read16(address, 0x12), 0x4433);
    EXPECT_EQ(access.read8(address, 0x11), 0x22);
    access.write16(address, 0xffe, 0xbeef);
    EXPECT_EQ(bytes[place + 0xffe], 0xef);
    access.write8(address, 0xffd, 0x77);
    EXPECT_EQ(bytes[place + 0xffd], 0x77);
    EXPECT_EQ(access.read32(address, 0xffc), 0xbeef7700u);

    EcamAccess whole{reinterpret_cast<std::uintptr_t>(bytes)};
    EXPECT_EQ(whole.read32({1, 2, 3}, 0x10), 0x44332211u);
    EXPECT_EQ(whole.read32({0, 0, 0}, 0), 0u);
}

}  // namespace
}  // namespace virtq::test
