// SPDX-License-Identifier: MIT
#include <virtq/platform/detail/prediction.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace {

using virtq::platform::Prediction;

// tests/freestanding/codegen checks its purpose: after a right prediction the result does not depend on the actual
// number.
TEST(Prediction, ReturnsTheActualNumber) {
    std::mt19937 random{1};
    Prediction prediction;
    for (int i = 0; i < 10'000; ++i) {
        auto const actual = static_cast<uint16_t>(random() % 3 == 0 ? random() : 3u);
        ASSERT_EQ(prediction.confirm(actual), actual);
    }
    EXPECT_EQ(Prediction{}.confirm(0), 0);
    EXPECT_EQ(Prediction{}.confirm(UINT16_MAX), UINT16_MAX);
}

}  // namespace
