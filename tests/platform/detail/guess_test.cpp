// SPDX-License-Identifier: MIT
#include <virtq/platform/detail/guess.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace {

using virtq::platform::Guess;

// tests/freestanding/codegen checks its purpose: after a right prediction the result does not depend on the actual
// number.
TEST(Guess, ReturnsTheActualNumber) {
    std::mt19937 random{1};
    Guess guess;
    for (int i = 0; i < 10'000; ++i) {
        auto const actual = static_cast<uint16_t>(random() % 3 == 0 ? random() : 3u);
        ASSERT_EQ(guess.confirm(actual), actual);
    }
    EXPECT_EQ(Guess{}.confirm(0), 0);
    EXPECT_EQ(Guess{}.confirm(UINT16_MAX), UINT16_MAX);
}

}  // namespace
