// SPDX-License-Identifier: MIT
#include <virtq/device/console_types.hpp>

#include <gtest/gtest.h>

#include <string_view>

namespace virtq::test {
namespace {

static_assert(ConsoleTraits::port_max == 1, "Unless a kernel asks for ports, the driver does not negotiate MULTIPORT");

TEST(ConsoleTypes, KnowNothingAtFirst) {
    ConsolePort const port;
    EXPECT_EQ(std::string_view{port.name}, "");
    EXPECT_EQ(port.size, (ConsoleSize{0, 0}));
    EXPECT_FALSE(port.is_present || port.is_console || port.is_open);
    EXPECT_NE(port.size, (ConsoleSize{80, 25}));
    EXPECT_NE(port.size, (ConsoleSize{0, 25}));
}

}  // namespace
}  // namespace virtq::test
