// SPDX-License-Identifier: MIT
#include <virtq/spec/device_id.hpp>

#include <gtest/gtest.h>

namespace {

using virtq::spec::DeviceId;

TEST(DeviceId, HasTheNumbersOfTheStandard) {
    // §5 (Device Types): the types that most drivers are for.
    EXPECT_EQ(static_cast<unsigned>(DeviceId::none), 0u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::net), 1u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::block), 2u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::console), 3u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::entropy), 4u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::scsi_host), 8u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::gpu), 16u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::input), 18u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::socket), 19u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::iommu), 23u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::sound), 25u);
    EXPECT_EQ(static_cast<unsigned>(DeviceId::file_system), 26u);
}

}  // namespace
