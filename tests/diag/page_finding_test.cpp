// SPDX-License-Identifier: MIT
#include <virtq/diag/page_finding.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

namespace {

using virtq::PageFinding;

constexpr auto last = PageFinding::table_full;

TEST(PageFinding, HasDistinctSentences) {
    std::set<std::string> sentences;
    for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(last); ++i) {
        std::string const sentence = describe(static_cast<PageFinding>(i));
        EXPECT_GT(sentence.size(), 40u) << sentence;
        EXPECT_EQ(sentence.back(), '.') << sentence;
        EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
        EXPECT_TRUE(sentences.insert(sentence).second) << sentence;
    }
}

TEST(PageFinding, IsANoteIfPossiblyRight) {
    for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(last); ++i) {
        auto const finding = static_cast<PageFinding>(i);
        EXPECT_EQ(virtq::detail::is_note(finding), std::string(describe(finding)).rfind("Note:", 0) == 0)
            << unsigned{i};
    }
}

TEST(PageFinding, DescribesUnknownNumbers) {
    EXPECT_STREQ(virtq::describe(static_cast<PageFinding>(200)), "Unknown.");
}

TEST(PageReport, HasTheSentenceOfItsFinding) {
    virtq::PageReport report;
    report.finding = PageFinding::freed_twice;
    EXPECT_STREQ(report.sentence(), describe(PageFinding::freed_twice));
}

}  // namespace
