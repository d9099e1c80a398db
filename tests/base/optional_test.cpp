// SPDX-License-Identifier: MIT
#include <virtq/base/optional.hpp>

#include <support/contract.hpp>

#include <gtest/gtest.h>

namespace virtq::test {
namespace {

struct Pair {
    int first = 1;
    int second = 2;
};

static_assert(!Optional<int>{}.has_value() && Optional<int>{0}.has_value() && *Optional<int>{7} == 7);

TEST(Optional, IsEmptyAtFirst) {
    Optional<bool> const nothing;
    EXPECT_FALSE(nothing.has_value());
    EXPECT_TRUE(nothing.value_or(true));
    EXPECT_BREACH(*nothing, "has_value()");
}

TEST(Optional, HoldsAValueThatIsFalse) {
    Optional<bool> answer;
    answer = false;
    EXPECT_TRUE(answer.has_value());
    EXPECT_FALSE(*answer);
    EXPECT_FALSE(answer.value_or(true));
}

TEST(Optional, ShowsMembers) {
    Optional<Pair> pair;
    EXPECT_EQ(pair.value_or({3, 4}).second, 4);
    pair = Pair{5, 6};
    EXPECT_EQ(pair->first, 5);
    EXPECT_EQ((*pair).second, 6);
}

}  // namespace
}  // namespace virtq::test
