// SPDX-License-Identifier: MIT
#include <virtq/platform/port_space.hpp>

#include <platform/fake_ports.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace virtq::test {
namespace {

#if defined(__x86_64__) || defined(__i386__)

TEST(PortSpace, ReadsAndWritesInEachWidth) {
    FakePorts ports;
    PortSpace space{0xc000};
    space.write8(0x10, 0x11);
    space.write16(0x12, 0x3322);
    space.write32(0x14, 0x7766'5544);
    EXPECT_EQ(space.read8(0x13), 0x33);
    EXPECT_EQ(space.read16(0x10), 0x11);
    EXPECT_EQ(space.read32(0x14), 0x7766'5544u);
    std::vector<PortAccess> const expected = {
        {'w', 8, 0xc010, 0x11}, {'w', 16, 0xc012, 0x3322}, {'w', 32, 0xc014, 0x7766'5544},
        {'r', 8, 0xc013, 0x33}, {'r', 16, 0xc010, 0x11},   {'r', 32, 0xc014, 0x7766'5544},
    };
    EXPECT_EQ(ports.accesses, expected);
    EXPECT_EQ(ports.bytes[0xc015], 0x55);  // little-endian
}

TEST(PortSpace, BeginsAtAnOffset) {
    FakePorts ports;
    PortSpace const space{0xc000};
    space.at(0x20).write8(4, 1);
    EXPECT_EQ(ports.accesses, (std::vector<PortAccess>{{'w', 8, 0xc024, 1}}));
    EXPECT_EQ(PortSpace::port_end, 0x10000u);
}

#else

TEST(PortSpace, IsMemoryOnThisArchitecture) {
    std::uint32_t registers[4] = {};
    PortSpace space{reinterpret_cast<std::uintptr_t>(registers)};
    space.at(8).write32(4, 0x4433'2211);
    EXPECT_EQ(reinterpret_cast<std::uint8_t const*>(registers)[12], 0x11);  // little-endian
    EXPECT_EQ(PortSpace{MmioSpace{reinterpret_cast<std::uintptr_t>(registers)}}.read16(12), 0x2211);
}

#endif

}  // namespace
}  // namespace virtq::test
