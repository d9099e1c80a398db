// SPDX-License-Identifier: MIT
#include <virtq/device/net_types.hpp>

#include <gtest/gtest.h>

namespace virtq::test {
namespace {

TEST(NetTypes, MeanAPlainPacketWhenZero) {
    NetOffload const plain;
    EXPECT_EQ(plain.checksum, NetChecksum::unknown);
    EXPECT_EQ(plain.gso, spec::net::Gso::none);
    EXPECT_EQ(MacAddress{}, (MacAddress{{0, 0, 0, 0, 0, 0}}));
    EXPECT_FALSE(MacAddress{} == (MacAddress{{0, 0, 0, 0, 0, 1}}));
}

}  // namespace
}  // namespace virtq::test
