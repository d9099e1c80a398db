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
    EXPECT_STREQ(feature_name(DeviceId::net, 5), "VIRTIO_NET_F_MAC");
    EXPECT_STREQ(feature_name(DeviceId::net, 70), "VIRTIO_NET_F_IPSEC");
    EXPECT_STREQ(feature_name(DeviceId::console, 2), "VIRTIO_CONSOLE_F_EMERG_WRITE");
    EXPECT_STREQ(feature_name(DeviceId::traditional_balloon, 5), "VIRTIO_BALLOON_F_PAGE_REPORTING");
    EXPECT_STREQ(feature_name(DeviceId::gpu, 1), "VIRTIO_GPU_F_EDID");
    EXPECT_STREQ(feature_name(DeviceId::transport_9p, 0), "VIRTIO_9P_MOUNT_TAG");
    EXPECT_EQ(feature_name(DeviceId::entropy, 5), nullptr);
    EXPECT_EQ(feature_name(DeviceId::gpu, 6), nullptr);
}

TEST(FeatureName, IsNullForUnnamedBits) {
    for (unsigned bit : {3u, 8u, 23u, 25u, 31u, 63u, 64u, 127u}) {
        EXPECT_EQ(feature_name(DeviceId::block, bit), nullptr) << bit;
    }
}

/// The names of all bits of a device type.
std::set<std::string_view> feature_names_of(DeviceId device) {
    std::set<std::string_view> names;
    for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
        if (char const* const name = feature_name(device, bit)) {
            EXPECT_TRUE(names.insert(name).second) << name;
            EXPECT_EQ(std::string_view(name).substr(0, 7), "VIRTIO_") << name;
        }
    }
    return names;
}

// 15 bits are reserved (§6). Bit 41 is ADMIN_VQ today, and was GUEST_RSC4 of a network device.
TEST(FeatureName, IsUnique) {
    EXPECT_EQ(feature_names_of(DeviceId::entropy).size(), 15u);
    EXPECT_EQ(feature_names_of(DeviceId::block).size(), 15u + 16u);
    EXPECT_EQ(feature_names_of(DeviceId::net).size(), 15u + 44u);
    EXPECT_EQ(feature_names_of(DeviceId::console).size(), 15u + 3u);
    EXPECT_EQ(feature_names_of(DeviceId::traditional_balloon).size(), 15u + 6u);
    EXPECT_EQ(feature_names_of(DeviceId::gpu).size(), 15u + 6u);
    EXPECT_EQ(feature_names_of(DeviceId::transport_9p).size(), 15u + 1u);
}

TEST(FeatureName, IsKnownAtCompileTime) {
    static_assert(feature_name(DeviceId::block, 5)[0] == 'V');
    static_assert(feature_name(DeviceId::block, 127) == nullptr);
}

}  // namespace
