// SPDX-License-Identifier: MIT
#include <virtq/device/detail/input/input_config.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace virtq::test {
namespace {

// Two looks at the configuration are compared: what differs was written while it was read.
template <class Answer>
void expect_that_each_part_counts() {
    Answer const one{2, {7}};
    Answer other = one;
    EXPECT_TRUE(one == other);
    other.size = 3;
    EXPECT_FALSE(one == other);
    other = one;
    ++other.fields[std::extent_v<decltype(other.fields)> - 1];
    EXPECT_FALSE(one == other);
}

TEST(InputAnswer, IsEqualOnlyAsAWhole) {
    expect_that_each_part_counts<detail::InputBytes>();
    expect_that_each_part_counts<detail::InputWords>();
    expect_that_each_part_counts<detail::InputHalves>();
}

}  // namespace
}  // namespace virtq::test
