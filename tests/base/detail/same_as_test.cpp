// SPDX-License-Identifier: MIT
#include <virtq/base/detail/same_as.hpp>

#include <gtest/gtest.h>

namespace {

using virtq::detail::SameAs;

TEST(SameAs, HoldsForOneTypeOnly) {
    EXPECT_TRUE((SameAs<int, int>));
    EXPECT_FALSE((SameAs<int, unsigned>));
    EXPECT_FALSE((SameAs<int, int const>));
    EXPECT_FALSE((SameAs<int, int&>));
}

}  // namespace
