// SPDX-License-Identifier: MIT
#include <virtq/base/detail/description.hpp>
#include <virtq/base/error.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace {

using virtq::Error;
using virtq::detail::description_of;
using virtq::detail::Wording;

enum class Fruit : unsigned char { apple, pear, unripe, plum };

constexpr char const* fruit_sentence(Fruit fruit) {
    switch (fruit) {
        case Fruit::apple: return "An apple.";
        case Fruit::pear: return "";
        case Fruit::plum: return "A plum.";
        default: return nullptr;
    }
}

template <Wording wording>
std::string_view described(unsigned value) {
    return description_of<fruit_sentence, 'O', wording>(static_cast<Fruit>(value));
}

TEST(Description, IsTheSentence) {
    EXPECT_EQ(described<Wording::sentences>(0), "An apple.");
    EXPECT_EQ(described<Wording::sentences>(1), "");
    EXPECT_EQ(described<Wording::sentences>(3), "A plum.");
}

TEST(Description, IsTheNameOfTheEnumerator) {
    EXPECT_EQ(described<Wording::names>(0), "apple");
    EXPECT_EQ(described<Wording::names>(2), "unripe");
    EXPECT_EQ(described<Wording::names>(3), "plum");
}

TEST(Description, IsTheNumber) {
    EXPECT_EQ(described<Wording::numbers>(0), "O0");
    EXPECT_EQ(described<Wording::numbers>(3), "O3");
}

TEST(Description, CoversValuesWithoutASentence) {
    for (unsigned const value : {2u, 4u, 255u}) {
        EXPECT_EQ(described<Wording::sentences>(value), "Unknown.");
    }
    EXPECT_EQ(described<Wording::names>(4), "unknown");
    EXPECT_EQ(described<Wording::numbers>(255), "O?");
}

constexpr char const* later_fruit_sentence(Fruit fruit) {
    return fruit < Fruit::unripe ? "" : fruit_sentence(fruit);
}

TEST(Description, LeavesOutValuesThatAreElsewhere) {
    constexpr auto& texts = virtq::detail::descriptions<later_fruit_sentence, 'O', Wording::names>;
    EXPECT_EQ(std::string_view(texts.text), "unripe");
    EXPECT_EQ(sizeof(texts.text), sizeof("unripe") + sizeof("plum") + sizeof("unknown"));
    EXPECT_EQ(std::string_view(virtq::detail::find_description<later_fruit_sentence>(texts.text, Fruit::plum)),
              "plum");
    EXPECT_EQ(std::string_view(virtq::detail::find_description<later_fruit_sentence>(texts.text, Fruit::pear)),
              "unknown");
    EXPECT_EQ(described<Wording::names>(1), "");
    EXPECT_EQ(described<Wording::numbers>(1), "");
}

TEST(Description, IsAConstantExpression) {
    static_assert(*description_of<fruit_sentence, 'O', Wording::names>(Fruit::plum) == 'p');
    static_assert(*virtq::describe(Error::none) == 'N');
}

// --- the enumeration with the most values ---

template <Wording wording>
std::string_view error_text(unsigned number) {
    return description_of<virtq::detail::error_sentence<Error>, 'E', wording>(static_cast<Error>(number));
}

TEST(Description, HasUpToThreeDigits) {
    EXPECT_EQ(error_text<Wording::numbers>(9), "E9");
    EXPECT_EQ(error_text<Wording::numbers>(10), "E10");
    EXPECT_EQ(error_text<Wording::numbers>(99), "E99");
    EXPECT_EQ(error_text<Wording::numbers>(100), "E100");
}

// The compiler writes a value that is no enumerator as (virtq::Error)200.
template <std::size_t... numbers>
void expect_words_for_each_enumerator(std::index_sequence<numbers...>) {
    std::string_view const signatures[] = {virtq::detail::signature_with<static_cast<Error>(numbers)>()...};
    for (unsigned number = 0; number < sizeof...(numbers); ++number) {
        bool const is_enumerator = signatures[number].find(")") == signatures[number].rfind(")");
        std::string const plain = "E" + std::to_string(number);
        EXPECT_EQ(error_text<Wording::sentences>(number) != "Unknown.", is_enumerator) << number;
        EXPECT_EQ(error_text<Wording::names>(number) != "unknown", is_enumerator) << number;
        EXPECT_EQ(error_text<Wording::numbers>(number), is_enumerator ? plain : "E?");
    }
}

TEST(Description, HasWordsForEachError) {
    expect_words_for_each_enumerator(std::make_index_sequence<256>());
    EXPECT_EQ(error_text<Wording::names>(static_cast<unsigned>(Error::queue_full)), "queue_full");
    EXPECT_EQ(error_text<Wording::names>(static_cast<unsigned>(Error::request_cancelled)), "request_cancelled");
}

}  // namespace
