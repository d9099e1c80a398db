// SPDX-License-Identifier: MIT
#include <virtq/spec/version.hpp>

#include <gtest/gtest.h>

#include <string_view>

namespace {

// Each `§` is a section of this edition: another one has other numbers.
TEST(SpecVersion, NamesTheEditionAndItsDate) {
    constexpr std::string_view version = virtq::spec::version;
    EXPECT_EQ(version.substr(0, 12), "VIRTIO 1.4 C");
    EXPECT_NE(version.find("2026"), std::string_view::npos);
}

}  // namespace
