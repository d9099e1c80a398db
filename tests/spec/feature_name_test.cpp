// SPDX-License-Identifier: MIT
#include <virtq/spec/feature_name.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace {

using virtq::feature_name;
using virtq::Features;
using virtq::spec::DeviceId;

TEST(FeatureName, IsTheSpellingOfTheStandard) {
    EXPECT_STREQ(feature_name(DeviceId::net, 28), "VIRTIO_F_INDIRECT_DESC");
    EXPECT_STREQ(feature_name(DeviceId::net, 29), "VIRTIO_F_EVENT_IDX");
    EXPECT_STREQ(feature_name(DeviceId::net, 32), "VIRTIO_F_VERSION_1");
    EXPECT_STREQ(feature_name(DeviceId::net, 34), "VIRTIO_F_RING_PACKED");
    EXPECT_STREQ(feature_name(DeviceId::net, 40), "VIRTIO_F_RING_RESET");
}

TEST(FeatureName, DependsOnTheDeviceType) {
    EXPECT_STREQ(feature_name(DeviceId::block, 5), "VIRTIO_BLK_F_RO");
    EXPECT_STREQ(feature_name(DeviceId::block, 9), "VIRTIO_BLK_F_FLUSH");
    EXPECT_EQ(feature_name(DeviceId::net, 5), nullptr);
}

TEST(FeatureName, IsNullForUnnamedBits) {
    for (unsigned bit : {3u, 8u, 23u, 25u, 31u, 63u, 64u, 127u}) {
        EXPECT_EQ(feature_name(DeviceId::block, bit), nullptr) << bit;
    }
}

TEST(FeatureName, IsUnique) {
    std::set<std::string_view> names;
    for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
        if (char const* const name = feature_name(DeviceId::block, bit)) {
            EXPECT_TRUE(names.insert(name).second) << name;
            EXPECT_EQ(std::string_view(name).substr(0, 7), "VIRTIO_") << name;
        }
    }
    EXPECT_GT(names.size(), 25u);
}

}  // namespace
