// SPDX-License-Identifier: MIT
#include <virtq/diag/text_sink.hpp>

#include <gtest/gtest.h>

#include <string>
#include <type_traits>

namespace virtq::test {
namespace {

template <class Sink>
constexpr bool is_sink(Sink const&) {
    return TextSink<Sink>;
}

struct StringSink {
    void operator()(std::string const&) const {}
};

struct SilentSink {};

TEST(TextSink, IsWhateverTakesACharacter) {
    std::string text;
    auto collect = [&text](char character) { text += character; };
    auto count = [calls = 0](char) mutable { ++calls; };
    EXPECT_TRUE(is_sink(collect));
    EXPECT_TRUE(is_sink(count));
    EXPECT_TRUE((TextSink<void (*)(char)>));
    EXPECT_FALSE((TextSink<decltype(count) const>));  // changes itself
    EXPECT_FALSE(TextSink<StringSink>);
    EXPECT_FALSE(TextSink<SilentSink>);
}

// `dump(queue, put, 40)` would not say what the number is.
TEST(TextSink, CountsLinesByName) {
    EXPECT_EQ(Lines{40}.count, 40u);
    EXPECT_FALSE((std::is_convertible_v<unsigned, Lines>));
}

}  // namespace
}  // namespace virtq::test
