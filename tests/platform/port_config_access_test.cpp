// SPDX-License-Identifier: MIT
#include <virtq/platform/port_config_access.hpp>

#include <platform/fake_ports.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#if defined(__x86_64__) || defined(__i386__)

namespace virtq::test {
namespace {

// PCI 3.2.2.3.2: the word at 0xcf8 is enable << 31, bus << 16, device << 11, function << 8, register.
TEST(PortConfigAccess, SelectsThenAccesses) {
    FakePorts ports;
    PortConfigAccess access;
    PciAddress const address{0x12, 3, 5};
    std::uint32_t const selected = 0x8000'0000u | 0x12u << 16 | 3u << 11 | 5u << 8;
    access.write32(address, 0x10, 0x4433'2211);
    access.write16(address, 0x3e, 0xbeef);
    access.write8(address, 0x3d, 0x77);
    EXPECT_EQ(access.read32(address, 0xfc), 0xbeef'7711u);
    EXPECT_EQ(access.read16(address, 0xfe), 0xbeef);
    EXPECT_EQ(access.read8(address, 0xfd), 0x77);
    std::vector<PortAccess> const expected = {
        {'w', 32, 0xcf8, selected | 0x10}, {'w', 32, 0xcfc, 0x4433'2211},  //
        {'w', 32, 0xcf8, selected | 0x3c}, {'w', 16, 0xcfe, 0xbeef},       //
        {'w', 32, 0xcf8, selected | 0x3c}, {'w', 8, 0xcfd, 0x77},          //
        {'w', 32, 0xcf8, selected | 0xfc}, {'r', 32, 0xcfc, 0xbeef'7711},  //
        {'w', 32, 0xcf8, selected | 0xfc}, {'r', 16, 0xcfe, 0xbeef},       //
        {'w', 32, 0xcf8, selected | 0xfc}, {'r', 8, 0xcfd, 0x77},
    };
    EXPECT_EQ(ports.accesses, expected);
}

// The ports reach 256 bytes of a function, and a larger offset would wrap to the first bytes (faults A5).
TEST(PortConfigAccess, ReadsAllOnesBeyondItsBytes) {
    FakePorts const ports;
    PortConfigAccess access;
    for (auto const& [address, offset] :
         {std::pair{PciAddress{0, 0, 0}, 0x100}, std::pair{PciAddress{0, 31, 7}, 0xfffc},
          std::pair{PciAddress{0, 32, 0}, 0}, std::pair{PciAddress{0, 0, 8}, 0}}) {
        auto const at = static_cast<std::uint16_t>(offset);
        EXPECT_EQ(access.read8(address, at), UINT8_MAX);
        EXPECT_EQ(access.read16(address, at), UINT16_MAX);
        EXPECT_EQ(access.read32(address, at), UINT32_MAX);
        access.write8(address, at, 0);
        access.write16(address, at, 0);
        access.write32(address, at, 0);
    }
    EXPECT_TRUE(ports.accesses.empty());
}

}  // namespace
}  // namespace virtq::test

#endif
