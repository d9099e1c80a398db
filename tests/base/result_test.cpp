// SPDX-License-Identifier: MIT
#include <virtq/base/result.hpp>

#include <gtest/gtest.h>

#include <support/contract.hpp>

#include <type_traits>

namespace {

using virtq::Error;
using virtq::Result;
using virtq::Status;

Result<int> half(int value) {
    if (value % 2 != 0) {
        return Error::not_supported;
    }
    return value / 2;
}

TEST(Result, HoldsAValue) {
    Result<int> const result = half(8);
    ASSERT_TRUE(result.ok());
    EXPECT_TRUE(result);
    EXPECT_EQ(result.value(), 4);
    EXPECT_EQ(*result, 4);
    EXPECT_EQ(result.error(), Error::none);
}

TEST(Result, HoldsAnError) {
    Result<int> const result = half(7);
    EXPECT_FALSE(result.ok());
    EXPECT_FALSE(result);
    EXPECT_EQ(result.error(), Error::not_supported);
}

TEST(Result, AssertsThatTheValueIsThere) {
    EXPECT_BREACH(half(7).value(), "Result::value() was called on an error");
    EXPECT_BREACH(*half(7), "Result::value() was called on an error");
    EXPECT_BREACH(half(7).operator->(), "Result::operator-> was called on an error");
}

TEST(Result, RejectsASuccessWithoutAValue) {
    EXPECT_BREACH(static_cast<void>(Result<int>(Error::none)), "made of Error::none");
}

TEST(Result, HasNoImplicitConversions) {
    EXPECT_FALSE((std::is_convertible_v<Result<int>, bool>));
    EXPECT_FALSE((std::is_convertible_v<Result<int>, int>));
}

TEST(Result, IsComputedAtCompileTime) {
    constexpr Result<int> good = 3;
    constexpr Result<int> bad = Error::no_pages;
    static_assert(good.ok() && *good == 3 && !bad.ok() && bad.error() == Error::no_pages);
}

TEST(Result, TravelsInRegisters) {
    EXPECT_TRUE(std::is_trivially_copyable_v<Result<int>>);
    EXPECT_LE(sizeof(Result<uint64_t>), 16u);
}

TEST(Status, IsSuccessAtFirst) {
    EXPECT_TRUE(Status().ok());
    EXPECT_EQ(Status().error(), Error::none);
}

TEST(Status, HoldsAnError) {
    Status const status = Error::queue_full;
    EXPECT_FALSE(status.ok());
    EXPECT_FALSE(status);
    EXPECT_EQ(status.error(), Error::queue_full);
}

// `status = transport.use_msix(…)`: a caller may need only whether it succeeded (faults C8).
TEST(Status, ConvertsFromAResult) {
    Status status = Result<int>{7};
    EXPECT_TRUE(status.ok());
    status = Result<int>{Error::queue_full};
    EXPECT_EQ(status.error(), Error::queue_full);
}

}  // namespace
