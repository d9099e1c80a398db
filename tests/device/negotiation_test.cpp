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

// Compiled with -Wextra, which warns about a member without an initialiser.
TEST(NegotiationRecord, TakesTheFirstMembersAlone) {
    constexpr Negotiation both{Features::of(spec::Feature::event_idx), Features::of(spec::Feature::version_1)};
    EXPECT_TRUE(both.wanted.has(spec::Feature::event_idx));
    EXPECT_TRUE(both.required.has(spec::Feature::version_1));
    EXPECT_TRUE(both.needs.empty());
}

}  // namespace
}  // namespace virtq::test
