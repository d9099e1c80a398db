// SPDX-License-Identifier: MIT
#include <virtq/device/negotiation.hpp>

#include <gtest/gtest.h>

namespace virtq::test {
namespace {

// §2.7.3: a modern device is little-endian, a legacy one has the order of the guest.
TEST(NegotiationRecord, FixesTheByteOrder) {
    using virtq::detail::byte_order;
    using virtq::detail::ByteOrder;
    using virtq::detail::Interface;
    EXPECT_EQ(byte_order(Interface::modern), ByteOrder::little);
    EXPECT_EQ(byte_order(Interface::legacy), virtq::detail::native_byte_order);
}

// A driver that asks for nothing gets nothing, and a failed negotiation names nothing as missing before it began.
TEST(NegotiationRecord, IsEmptyAtFirst) {
    constexpr Negotiation fresh;
    for (Features const& features :
         {fresh.wanted, fresh.required, fresh.offered, fresh.negotiated, fresh.unwanted, fresh.missing}) {
        EXPECT_TRUE(features.empty());
    }
    EXPECT_TRUE(fresh.needs.empty());
}

}  // namespace
}  // namespace virtq::test
