// SPDX-License-Identifier: MIT
#include <virtq/queue/token.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>

namespace virtq::test {
namespace {

TEST(Token, HoldsAPointer) {
    int request = 7;
    Token const token{&request};
    EXPECT_EQ(token.as<int>(), &request);
    EXPECT_EQ(token.value(), reinterpret_cast<std::uintptr_t>(&request));
}

TEST(Token, HoldsANumber) {
    constexpr Token token{UINTPTR_MAX};
    static_assert(token.value() == UINTPTR_MAX);
    EXPECT_EQ(Token{}.value(), 0u);
}

TEST(Token, ComparesWhatItHolds) {
    EXPECT_TRUE(Token{std::uintptr_t{3}} == Token{std::uintptr_t{3}});
    EXPECT_FALSE(Token{std::uintptr_t{3}} == Token{std::uintptr_t{4}});
}

// A number or a pointer becomes a token only where the caller says so.
TEST(Token, HasNoImplicitConversions) {
    EXPECT_FALSE((std::is_convertible_v<std::uintptr_t, Token>));
    EXPECT_FALSE((std::is_convertible_v<int*, Token>));
    EXPECT_FALSE((std::is_convertible_v<Token, std::uintptr_t>));
    EXPECT_EQ(sizeof(Token), sizeof(void*));
}

}  // namespace
}  // namespace virtq::test
