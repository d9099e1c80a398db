// SPDX-License-Identifier: MIT
#include <virtq/base/detail/register.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>

namespace {

using virtq::detail::Access;
using virtq::detail::ReadOnly;
using virtq::detail::ReadWrite;
using virtq::detail::ReadWritePair;
using virtq::detail::Register;
using virtq::detail::WriteOnly;
using virtq::detail::WriteOnlyPair;

TEST(Register, KeepsItsOffset) {
    constexpr ReadOnly<uint32_t> status{0x70};
    static_assert(status.offset == 0x70);
}

TEST(Register, NamesItsAccess) {
    EXPECT_TRUE((std::is_same_v<ReadOnly<uint32_t>, Register<uint32_t, Access::read>>));
    EXPECT_TRUE((std::is_same_v<WriteOnly<uint32_t>, Register<uint32_t, Access::write>>));
    EXPECT_TRUE((std::is_same_v<ReadWrite<uint32_t>, Register<uint32_t, Access::read_write>>));
}

TEST(Register, DistinguishesWidthAndAccess) {
    EXPECT_FALSE((std::is_convertible_v<ReadOnly<uint16_t>, ReadOnly<uint32_t>>));
    EXPECT_FALSE((std::is_convertible_v<ReadOnly<uint32_t>, WriteOnly<uint32_t>>));
    EXPECT_FALSE((std::is_convertible_v<ReadOnly<uint32_t>, ReadWrite<uint32_t>>));
}

TEST(WriteOnlyPair, HoldsTwoHalves) {
    constexpr WriteOnlyPair address{{0x80}, {0x84}};
    static_assert(address.low.offset == 0x80 && address.high.offset == 0x84);
}

TEST(ReadWritePair, HoldsTwoHalves) {
    constexpr ReadWritePair address{{0x20}, {0x24}};
    static_assert(address.low.offset == 0x20 && address.high.offset == 0x24);
}

}  // namespace
