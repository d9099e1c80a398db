// SPDX-License-Identifier: MIT
#include <virtq/spec/input.hpp>

#include <support/number.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace {

namespace input = virtq::spec::input;
using virtq::test::number_of;

TEST(InputQueue, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(input::event_queue, 0);
    EXPECT_EQ(input::status_queue, 1);
}

TEST(InputConfiguration, HasTheOffsetsOfTheStandard) {
    EXPECT_EQ(input::config::select.offset, 0);
    EXPECT_EQ(input::config::subsel.offset, 1);
    EXPECT_EQ(input::config::size.offset, 2);
    EXPECT_EQ(input::config::data, 8);
    EXPECT_EQ(input::data_bytes_max, 128u);
}

TEST(InputSelect, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(number_of(input::Select::unset), 0u);
    EXPECT_EQ(number_of(input::Select::id_name), 1u);
    EXPECT_EQ(number_of(input::Select::id_serial), 2u);
    EXPECT_EQ(number_of(input::Select::id_devids), 3u);
    EXPECT_EQ(number_of(input::Select::prop_bits), 16u);
    EXPECT_EQ(number_of(input::Select::event_bits), 17u);
    EXPECT_EQ(number_of(input::Select::abs_info), 18u);
}

TEST(InputStructure, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(input::AbsInfo), 20u);
    EXPECT_EQ(offsetof(input::AbsInfo, min), 0u);
    EXPECT_EQ(offsetof(input::AbsInfo, max), 4u);
    EXPECT_EQ(offsetof(input::AbsInfo, fuzz), 8u);
    EXPECT_EQ(offsetof(input::AbsInfo, flat), 12u);
    EXPECT_EQ(offsetof(input::AbsInfo, res), 16u);
    EXPECT_EQ(sizeof(input::DeviceIds), 8u);
    EXPECT_EQ(offsetof(input::DeviceIds, bustype), 0u);
    EXPECT_EQ(offsetof(input::DeviceIds, vendor_id), 2u);
    EXPECT_EQ(offsetof(input::DeviceIds, product_id), 4u);
    EXPECT_EQ(offsetof(input::DeviceIds, version), 6u);
    EXPECT_EQ(sizeof(input::Event), 8u);
    EXPECT_EQ(offsetof(input::Event, type), 0u);
    EXPECT_EQ(offsetof(input::Event, code), 2u);
    EXPECT_EQ(offsetof(input::Event, value), 4u);
}

// The numbers are those of Linux, and no device of QEMU knows others.
TEST(InputEvent, HasTheNumbersOfLinux) {
    EXPECT_EQ(number_of(input::EventType::syn), 0u);
    EXPECT_EQ(number_of(input::EventType::key), 1u);
    EXPECT_EQ(number_of(input::EventType::rel), 2u);
    EXPECT_EQ(number_of(input::EventType::abs), 3u);
    EXPECT_EQ(number_of(input::EventType::msc), 4u);
    EXPECT_EQ(number_of(input::EventType::sw), 5u);
    EXPECT_EQ(number_of(input::EventType::led), 17u);
    EXPECT_EQ(number_of(input::EventType::snd), 18u);
    EXPECT_EQ(number_of(input::EventType::rep), 20u);
    EXPECT_EQ(input::code::syn_report, 0);
    EXPECT_EQ(input::code::syn_dropped, 3);
    EXPECT_EQ(input::code::btn_joystick, 288);
    EXPECT_EQ(input::code::btn_digi, 320);
    EXPECT_EQ(input::code::rel_x, 0);
    EXPECT_EQ(input::code::rel_y, 1);
    EXPECT_EQ(input::code::abs_x, 0);
    EXPECT_EQ(input::code::abs_y, 1);
    EXPECT_EQ(input::code::abs_mt_slot, 47);
    EXPECT_EQ(input::code::abs_mt_position_x, 53);
    EXPECT_EQ(input::code::abs_mt_position_y, 54);
    EXPECT_EQ(input::code::led_num_lock, 0);
    EXPECT_EQ(input::code::led_caps_lock, 1);
    EXPECT_EQ(input::code::led_scroll_lock, 2);
}

}  // namespace
