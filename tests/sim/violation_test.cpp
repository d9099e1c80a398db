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

TEST(ViolationLog, KeepsReportsInOrder) {
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

// What the driver did, and what the standard asks for: not a fact about the device.
TEST(ViolationLog, PrintsIdSectionSentenceAndValue) {
    ViolationLog log;
    EXPECT_EQ(::testing::PrintToString(log), "the driver broke no rule");
    log.report(rule::queue_live, 0x84);
    log.report(rule::leak_unknown_run, 0x1000);
    EXPECT_EQ(
        ::testing::PrintToString(log),
        std::string(
            "2 violation(s), oldest first:\n  the driver broke D-4.2.2.2-17 with 0x84; VIRTIO 1.4 §4.2.2.2 asks: \"") +
            rule::queue_live.sentence + "\"\n  the driver broke S-leak-unknown with 0x1000; the page allocator's " +
            "contract asks: \"" + rule::leak_unknown_run.sentence + "\"");
}

TEST(ViolationLog, IsEmptyOnceCleared) {
    ViolationLog log;
    log.report(rule::queue_live);
    log.clear();
    EXPECT_TRUE(log.empty());
}

}  // namespace virtq::sim
