// SPDX-License-Identifier: MIT
#include <virtq/base/span.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace {

using virtq::Span;

TEST(Span, IsEmptyAtFirst) {
    Span<int> const span;
    EXPECT_TRUE(span.empty());
    EXPECT_EQ(span.size(), 0u);
    EXPECT_EQ(span.data(), nullptr);
    EXPECT_EQ(span.begin(), span.end());
}

TEST(Span, ViewsAWholeArray) {
    int numbers[] = {1, 2, 3};
    Span<int> const span = numbers;
    EXPECT_EQ(span.size(), 3u);
    EXPECT_EQ(span.data(), numbers);
    EXPECT_EQ(&span[2], &numbers[2]);
}

TEST(Span, ViewsAPart) {
    int numbers[] = {1, 2, 3, 4};
    Span<int> const span(numbers + 1, 2);
    int sum = 0;
    for (int number : span) {
        sum += number;
    }
    EXPECT_EQ(sum, 5);
}

TEST(Span, WritesThrough) {
    int numbers[] = {1, 2};
    Span<int> const span = numbers;
    span[1] = 7;
    EXPECT_EQ(numbers[1], 7);
}

TEST(Span, OfConstantsTakesAnArrayOfConstants) {
    static constexpr int numbers[] = {4, 5};
    constexpr Span<int const> span = numbers;
    static_assert(span.size() == 2 && span[0] == 4);
    EXPECT_EQ(*span.begin(), 4);
}

TEST(Span, TravelsInRegisters) {
    EXPECT_TRUE(std::is_trivially_copyable_v<Span<int>>);
    EXPECT_TRUE(std::is_trivially_destructible_v<Span<int>>);
    EXPECT_EQ(sizeof(Span<int>), 2 * sizeof(void*));
}

}  // namespace
