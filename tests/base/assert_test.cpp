// SPDX-License-Identifier: MIT
#include <virtq/base/assert.hpp>

#include <gtest/gtest.h>

#include <support/contract.hpp>

namespace {

TEST(Assert, NamesTheBrokenRule) {
    EXPECT_BREACH(VIRTQ_ASSERT(1 + 1 == 3, "two and two make four"), "two and two make four");
}

TEST(Assert, IsQuietWhereTheRuleHolds) {
    VIRTQ_ASSERT(1 + 1 == 2, "two and two make four");
}

TEST(Assert, EvaluatesItsConditionOnce) {
    int evaluations = 0;
    VIRTQ_ASSERT(++evaluations == 1, "evaluated once");
    EXPECT_EQ(evaluations, 1);
}

TEST(Assert, WorksInConstantExpressions) {
    constexpr auto checked = [](int value) {
        VIRTQ_ASSERT(value > 0, "value is positive");
        return value;
    };
    static_assert(checked(5) == 5);
}

}  // namespace
