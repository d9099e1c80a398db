// SPDX-License-Identifier: MIT
#include <virtq/device/driver_fault.hpp>

#include <virtq/device/detail/driver_fault_note.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace virtq::test {
namespace {

TEST(DriverFault, HasASentenceForEachReason) {
    std::set<std::string_view> sentences{describe(DriverReason::none)};
    for (unsigned number = 1; number <= static_cast<unsigned>(DriverReason::input_range); ++number) {
        std::string_view const sentence = describe(static_cast<DriverReason>(number));
        EXPECT_NE(sentence.find(". "), std::string_view::npos) << sentence;  // what is wrong, and what to do
        EXPECT_EQ(sentence.back(), '.') << sentence;
        EXPECT_TRUE(sentences.insert(sentence).second) << sentence;
        EXPECT_TRUE(DriverFault{static_cast<DriverReason>(number)});
    }
    EXPECT_EQ(std::string_view{describe(static_cast<DriverReason>(255))}, "Unknown.");
    EXPECT_FALSE(DriverFault{});
}

TEST(DriverFault, KeepsTheFirstUntilCleared) {
    detail::DriverFaultNote note;
    EXPECT_FALSE(note.read());
    note.note({DriverReason::entropy_empty, 3, 70000});
    note.note({DriverReason::entropy_empty, 4, 1});
    EXPECT_EQ(note.read().queue, 3u);
    EXPECT_EQ(note.read().value, 70000u);
    note.clear();
    EXPECT_FALSE(note.read());
}

}  // namespace
}  // namespace virtq::test
