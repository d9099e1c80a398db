// SPDX-License-Identifier: MIT
#include <virtq/queue/index.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>

namespace virtq::test {
namespace {

/// Whether the two can be compared, which would mix their numbers.
template <class A, class B>
concept Comparable = requires(A a, B b) {
    a == b;
};

TEST(QueueIndex, KeepsKindsApart) {
    EXPECT_FALSE((std::is_convertible_v<RingIndex, DescIndex>));
    EXPECT_FALSE((std::is_convertible_v<DescIndex, RingIndex>));
    EXPECT_FALSE((std::is_convertible_v<std::uint16_t, RingIndex>));
    EXPECT_FALSE((std::is_convertible_v<RingIndex, std::uint16_t>));
    EXPECT_FALSE((Comparable<RingIndex, DescIndex>));
    EXPECT_TRUE((Comparable<RingIndex, RingIndex>));
}

// §2.7.6: idx is free-running, so 65535 is followed by 0.
TEST(QueueIndex, CountsModulo16Bits) {
    EXPECT_EQ(number(RingIndex{65535}), 65535);
    EXPECT_EQ(static_cast<std::uint16_t>(number(RingIndex{65535}) + 1), number(RingIndex{0}));
    EXPECT_EQ(sizeof(RingIndex), 2u);
}

TEST(QueueIndex, NumbersDescriptorsIn16Bits) {
    EXPECT_EQ(number(DescIndex{32767}), 32767);
    EXPECT_TRUE((std::is_same_v<decltype(number(DescIndex{})), std::uint16_t>));
}

}  // namespace
}  // namespace virtq::test
