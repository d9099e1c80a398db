// SPDX-License-Identifier: MIT
#include <virtq/platform/mmio_space.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace {

using virtq::MmioSpace;

/// A register block in plain memory, with a known value in each byte.
class MmioSpaceTest : public ::testing::Test {
protected:
    MmioSpaceTest() {
        for (unsigned i = 0; i < sizeof(bytes); ++i) {
            bytes[i] = static_cast<uint8_t>(0x10 + i);
        }
    }

    alignas(8) uint8_t bytes[32];
    MmioSpace space{reinterpret_cast<uintptr_t>(bytes)};
};

TEST_F(MmioSpaceTest, ReadsEachWidthLittleEndian) {
    EXPECT_EQ(space.read8(5), 0x15);
    EXPECT_EQ(space.read16(4), 0x1514);
    EXPECT_EQ(space.read32(4), 0x1716'1514u);
}

TEST_F(MmioSpaceTest, WritesEachWidthLittleEndian) {
    space.write8(0, 0xa1);
    space.write16(2, 0xb2b1);
    space.write32(4, 0xc4c3'c2c1);
    uint8_t const expected[] = {0xa1, 0x11, 0xb1, 0xb2, 0xc1, 0xc2, 0xc3, 0xc4, 0x18};
    EXPECT_EQ(std::memcmp(bytes, expected, sizeof(expected)), 0);
}

TEST_F(MmioSpaceTest, TouchesNoNeighbour) {
    uint8_t before[sizeof(bytes)];
    std::memcpy(before, bytes, sizeof(bytes));
    space.write8(9, 0);
    before[9] = 0;
    EXPECT_EQ(std::memcmp(bytes, before, sizeof(bytes)), 0);
    space.write16(12, 0);
    before[12] = before[13] = 0;
    EXPECT_EQ(std::memcmp(bytes, before, sizeof(bytes)), 0);
}

TEST_F(MmioSpaceTest, ReadsWhatItWrote) {
    space.write32(16, 0x1234'5678);
    EXPECT_EQ(space.read32(16), 0x1234'5678u);
    EXPECT_EQ(space.read16(16), 0x5678);
    EXPECT_EQ(space.read8(19), 0x12);
}

TEST_F(MmioSpaceTest, ReadsAgainEachTime) {
    EXPECT_EQ(space.read32(0), 0x1312'1110u);
    bytes[0] = 0;
    EXPECT_EQ(space.read32(0), 0x1312'1100u);
}

}  // namespace
