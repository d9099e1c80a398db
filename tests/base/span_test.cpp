// SPDX-License-Identifier: MIT
#include <virtq/base/span.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

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

TEST(Span, ViewsConstantArrays) {
    static constexpr int numbers[] = {4, 5};
    constexpr Span<int const> span = numbers;
    static_assert(span.size() == 2 && span[0] == 4);
    EXPECT_EQ(*span.begin(), 4);
}

template <class From, class To>
constexpr bool converts = std::is_convertible_v<From, To>;

// Users reported that only an array, or a pointer and a count, made a Span (faults C8).
TEST(Span, ViewsContainers) {
    std::vector<int> const numbers{1, 2, 3};
    Span<int const> const span = numbers;
    EXPECT_EQ(span.data(), numbers.data());
    EXPECT_EQ(span.size(), 3u);
    static constexpr std::array<int, 2> two{4, 5};
    constexpr Span<int const> of_array = two;
    static_assert(of_array.size() == 2 && of_array[1] == 5);
    EXPECT_TRUE((converts<std::vector<int>&, Span<int>>));
    EXPECT_TRUE((converts<std::span<int>, Span<int>>));
    EXPECT_TRUE((converts<std::span<int>, Span<int const>>));
    EXPECT_TRUE((converts<Span<int>, Span<int const>>));
}

TEST(Span, ViewsOneObject) {
    int number = 7;
    Span<int const> const span = number;
    EXPECT_EQ(span.data(), &number);
    EXPECT_EQ(span.size(), 1u);
    EXPECT_FALSE((converts<int, Span<int const>>));  // a temporary
}

struct Base {
    int number;
};
struct Derived : Base {
    int more;
};

TEST(Span, TakesNoOtherType) {
    EXPECT_FALSE((converts<std::vector<int> const&, Span<int>>));
    EXPECT_FALSE((converts<std::vector<unsigned>&, Span<int const>>));
    EXPECT_FALSE((converts<std::vector<Derived>&, Span<Base const>>));
    EXPECT_FALSE((converts<Derived&, Span<Base const>>));
    EXPECT_FALSE((converts<Span<int const>, Span<int>>));
    EXPECT_FALSE((converts<int*, Span<int>>));
    EXPECT_FALSE((converts<unsigned&, Span<int const>>));
}

TEST(Span, TravelsInRegisters) {
    EXPECT_TRUE(std::is_trivially_copyable_v<Span<int>>);
    EXPECT_TRUE(std::is_trivially_destructible_v<Span<int>>);
    EXPECT_EQ(sizeof(Span<int>), 2 * sizeof(void*));
}

}  // namespace
