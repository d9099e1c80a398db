// SPDX-License-Identifier: MIT
#include <virtq/spec/receive_queue.hpp>

#include <gtest/gtest.h>

namespace virtq::spec {
namespace {

constexpr Features modern = Features::of(Feature::version_1);

// §5.1.9.3 (Setting Up Receive Buffers)
TEST(ReceiveQueue, GivesTheNetworkBufferSize) {
    EXPECT_EQ(net_receive_bytes(modern), 1526u);
    EXPECT_EQ(net_receive_bytes({}), 1524u);  // §5.1.9.1
    for (auto const large : {net::Feature::guest_tso4, net::Feature::guest_tso6, net::Feature::guest_ufo,
                             net::Feature::guest_uso4, net::Feature::guest_uso6}) {
        Features features = modern;
        features.set(large);
        EXPECT_EQ(net_receive_bytes(features), 65601u);
        features.set(net::Feature::hash_report);
        EXPECT_EQ(net_receive_bytes(features), 65609u);
        features.set(net::Feature::mrg_rxbuf);
        EXPECT_EQ(net_receive_bytes(features), 20u);
    }
    EXPECT_EQ(net_receive_bytes(Features::of(Feature::version_1, net::Feature::hash_report)), 1534u);
    EXPECT_EQ(net_receive_bytes(Features::of(net::Feature::mrg_rxbuf)), 12u);
}

TEST(ReceiveQueue, KnowsTheQueuesOfEachDevice) {
    Features const many = Features::of(Feature::version_1, net::Feature::mq);
    Features const spread = Features::of(Feature::version_1, net::Feature::rss);
    auto const is_one = [](DeviceId device, uint16_t queue, Features const& features = modern) {
        return receive_queue(device, queue, features).is_one;
    };
    EXPECT_TRUE(is_one(DeviceId::net, 0));
    EXPECT_FALSE(is_one(DeviceId::net, 1));
    EXPECT_FALSE(is_one(DeviceId::net, 2));
    EXPECT_TRUE(is_one(DeviceId::net, 2, many));
    EXPECT_TRUE(is_one(DeviceId::net, 2, spread));
    EXPECT_FALSE(is_one(DeviceId::net, 3, many));
    EXPECT_FALSE(receive_queue(DeviceId::net, 0, many).may_be_control);
    EXPECT_TRUE(receive_queue(DeviceId::net, 2, many).may_be_control);
    EXPECT_TRUE(is_one(DeviceId::console, 0));
    EXPECT_FALSE(is_one(DeviceId::console, 1));
    EXPECT_TRUE(is_one(DeviceId::console, 2));
    EXPECT_TRUE(is_one(DeviceId::console, 4));
    EXPECT_TRUE(is_one(DeviceId::input, 0));
    EXPECT_FALSE(is_one(DeviceId::input, 1));
    EXPECT_FALSE(is_one(DeviceId::scsi_host, 0));
    EXPECT_TRUE(is_one(DeviceId::scsi_host, 1));
    EXPECT_TRUE(is_one(DeviceId::socket, 0));
    EXPECT_FALSE(is_one(DeviceId::socket, 1));
    EXPECT_TRUE(is_one(DeviceId::socket, 2));
    EXPECT_FALSE(is_one(DeviceId::sound, 0));
    EXPECT_TRUE(is_one(DeviceId::sound, 1));
    EXPECT_FALSE(is_one(DeviceId::block, 0));
    EXPECT_FALSE(is_one(DeviceId::entropy, 0));
}

TEST(ReceiveQueue, GivesTheOtherBufferSizes) {
    auto const least = [](DeviceId device, uint16_t queue) {
        return receive_queue(device, queue, modern).least_bytes;
    };
    EXPECT_EQ(least(DeviceId::console, 0), 1u);
    EXPECT_EQ(least(DeviceId::console, 2), 8u);
    EXPECT_EQ(least(DeviceId::input, 0), 8u);
    EXPECT_EQ(least(DeviceId::scsi_host, 1), 16u);
    EXPECT_EQ(least(DeviceId::socket, 0), 44u);
    EXPECT_EQ(least(DeviceId::socket, 2), 4u);
    EXPECT_EQ(least(DeviceId::sound, 1), 8u);
}

}  // namespace
}  // namespace virtq::spec
