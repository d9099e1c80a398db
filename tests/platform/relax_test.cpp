// SPDX-License-Identifier: MIT
#include <virtq/platform/relax.hpp>

#include <gtest/gtest.h>

namespace {

using virtq::Relax;

struct TakesAnArgument {
    void operator()(int) const {}
};

TEST(Relax, AcceptsAnyCallableWithoutArguments) {
    auto counting = [count = 0]() mutable { ++count; };
    EXPECT_TRUE(Relax<decltype(counting)>);
    EXPECT_FALSE(Relax<decltype(counting) const>);
    counting();
    EXPECT_TRUE(Relax<void()>);
    EXPECT_FALSE(Relax<TakesAnArgument>);
    EXPECT_FALSE(Relax<int>);
}

TEST(SpinRelax, ReturnsAtOnce) {
    virtq::SpinRelax{}();
}

}  // namespace
