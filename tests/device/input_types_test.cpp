// SPDX-License-Identifier: MIT
#include <virtq/device/input_types.hpp>

#include <gtest/gtest.h>

namespace virtq::test {
namespace {

TEST(InputBitmap, FindsCodes) {
    InputBitmap bitmap;
    EXPECT_FALSE(bitmap.has_any());
    bitmap.bytes[1] = 0x82;
    bitmap.bytes[127] = 0x80;
    EXPECT_FALSE(bitmap.has(1));
    EXPECT_TRUE(bitmap.has(9));
    EXPECT_FALSE(bitmap.has(10));
    EXPECT_TRUE(bitmap.has(15));
    EXPECT_TRUE(bitmap.has(1023));
    EXPECT_FALSE(bitmap.has(1024));
    EXPECT_FALSE(bitmap.has(0xffffffff));
}

TEST(InputBitmap, FindsRangesOfCodes) {
    InputBitmap bitmap;
    bitmap.bytes[1] = 0x02;
    EXPECT_TRUE(bitmap.has_any());
    EXPECT_TRUE(bitmap.has_any(9, 10));
    EXPECT_FALSE(bitmap.has_any(0, 9));
    EXPECT_FALSE(bitmap.has_any(10));
    EXPECT_FALSE(bitmap.has_any(9, 9));
}

TEST(InputEvent, ComparesAllMembers) {
    InputEvent const pressed{spec::input::EventType::key, 30, 1};
    EXPECT_EQ(pressed, (InputEvent{spec::input::EventType::key, 30, 1}));
    EXPECT_NE(pressed, (InputEvent{spec::input::EventType::key, 30, 0}));
    EXPECT_NE(pressed, (InputEvent{spec::input::EventType::key, 31, 1}));
    EXPECT_NE(pressed, (InputEvent{spec::input::EventType::rel, 30, 1}));
}

}  // namespace
}  // namespace virtq::test
