// SPDX-License-Identifier: MIT
#include <virtq/diag/cause.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace virtq::test {
namespace {

constexpr unsigned causes = static_cast<unsigned>(Cause::descriptors_not_freed) + 1;

TEST(CauseSentence, EndsAndBeginsAsASentence) {
    for (unsigned cause = 0; cause < causes; ++cause) {
        std::string const sentence = describe(static_cast<Cause>(cause));
        EXPECT_GT(sentence.size(), 30u) << cause;
        EXPECT_EQ(sentence.back(), '.') << sentence;
        EXPECT_TRUE(sentence.front() >= 'A' && sentence.front() <= 'Z') << sentence;
    }
}

TEST(CauseSentence, BelongsToOneCause) {
    std::set<std::string> sentences;
    for (unsigned cause = 0; cause < causes; ++cause) {
        EXPECT_TRUE(sentences.insert(describe(static_cast<Cause>(cause))).second) << cause;
    }
}

TEST(CauseSentence, IsThereForUnknownNumbers) {
    EXPECT_STREQ(describe(static_cast<Cause>(causes)), "Unknown.");
    EXPECT_STREQ(describe(static_cast<Cause>(255)), "Unknown.");
}

}  // namespace
}  // namespace virtq::test
