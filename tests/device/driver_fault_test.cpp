// SPDX-License-Identifier: MIT
#include <virtq/device/driver_fault.hpp>

#include <virtq/device/detail/driver_fault_note.hpp>

#include <gtest/gtest.h>

#include <string_view>

namespace virtq::test {
namespace {

TEST(DriverFault, HasASentenceForEachReason) {
    EXPECT_NE(std::string_view{describe(DriverReason::none)}, "");
    EXPECT_NE(std::string_view{describe(DriverReason::entropy_empty)}.find("§5.4.6.2"), std::string_view::npos);
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
