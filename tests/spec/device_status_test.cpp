// SPDX-License-Identifier: MIT
#include <virtq/spec/device_status.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace {

using virtq::DeviceStatus;
using virtq::spec::StatusBit;

constexpr StatusBit all_bits[] = {
    StatusBit::acknowledge, StatusBit::driver, StatusBit::driver_ok,          StatusBit::features_ok,
    StatusBit::suspend,     StatusBit::failed, StatusBit::device_needs_reset,
};

TEST(DeviceStatus, IsResetAtFirst) {
    EXPECT_TRUE(DeviceStatus{}.is_reset());
    EXPECT_FALSE(DeviceStatus{}.is_gone());
    EXPECT_EQ(DeviceStatus{}.bits(), 0);
}

TEST(DeviceStatus, HasTheNumbersOfTheStandard) {
    // §2.1 (Device Status Field), copied from the standard, not from the header.
    EXPECT_EQ(static_cast<unsigned>(StatusBit::acknowledge), 1u);
    EXPECT_EQ(static_cast<unsigned>(StatusBit::driver), 2u);
    EXPECT_EQ(static_cast<unsigned>(StatusBit::driver_ok), 4u);
    EXPECT_EQ(static_cast<unsigned>(StatusBit::features_ok), 8u);
    EXPECT_EQ(static_cast<unsigned>(StatusBit::suspend), 16u);
    EXPECT_EQ(static_cast<unsigned>(StatusBit::device_needs_reset), 64u);
    EXPECT_EQ(static_cast<unsigned>(StatusBit::failed), 128u);
}

TEST(DeviceStatus, SetsOneBitOnly) {
    for (StatusBit bit : all_bits) {
        DeviceStatus const status = DeviceStatus{}.with(bit);
        for (StatusBit other : all_bits) {
            EXPECT_EQ(status.has(other), other == bit);
        }
        EXPECT_EQ(status.with(StatusBit::driver).has(bit), true);
    }
}

TEST(DeviceStatus, GrowsAlongTheInitialisation) {
    DeviceStatus status;
    status = status.with(StatusBit::acknowledge).with(StatusBit::driver);
    EXPECT_EQ(status.bits(), 3);
    status = status.with(StatusBit::features_ok).with(StatusBit::driver_ok);
    EXPECT_EQ(status.bits(), 15);
    EXPECT_FALSE(status.is_reset());
}

TEST(DeviceStatus, AllOnesMeanAVanishedDevice) {
    EXPECT_TRUE(DeviceStatus{0xff}.is_gone());
    EXPECT_FALSE(DeviceStatus{0x7f}.is_gone());
}

TEST(DeviceStatus, ComparesByItsBits) {
    EXPECT_EQ(DeviceStatus{5}, DeviceStatus{}.with(StatusBit::driver_ok).with(StatusBit::acknowledge));
    EXPECT_NE(DeviceStatus{5}, DeviceStatus{4});
}

}  // namespace
