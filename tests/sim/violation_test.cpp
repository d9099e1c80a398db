// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

#include <sim/rule.hpp>
#include <sim/violation.hpp>

namespace virtq::sim {

TEST(ViolationLog, IsEmptyAtFirst) {
    ViolationLog log;
    EXPECT_TRUE(log.empty());
    EXPECT_TRUE(log.entries().empty());
}

TEST(ViolationLog, KeepsWhatWasReportedInOrder) {
    ViolationLog log;
    log.report(rule::queue_live, 7);
    log.report(rule::head_range, 300);
    log.report(rule::queue_live, 8);
    auto const entries = log.entries();
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].id, "D-4.2.2.2-17");
    EXPECT_EQ(entries[0].section, "4.2.2.2");
    EXPECT_EQ(entries[1].value, 300u);
    EXPECT_EQ(log.count("D-4.2.2.2-17"), 2u);
    EXPECT_TRUE(log.contains("S-2.7.6-head"));
    EXPECT_FALSE(log.contains("D-2.1.1-1"));
}

TEST(ViolationLog, PrintsIdSectionSentenceAndValue) {
    ViolationLog log;
    log.report(rule::queue_live, 0x84);
    EXPECT_EQ(::testing::PrintToString(log).find("D-4.2.2.2-17 (§4.2.2.2): "),
              std::string("1 rule(s) broken:\n  ").size());
    EXPECT_NE(::testing::PrintToString(log).find("0x84"), std::string::npos);
}

TEST(ViolationLog, ForgetsWhenCleared) {
    ViolationLog log;
    log.report(rule::queue_live);
    log.clear();
    EXPECT_TRUE(log.empty());
}

}  // namespace virtq::sim
