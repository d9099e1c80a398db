// SPDX-License-Identifier: MIT
#include <virtq/spec/console.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace {

namespace console = virtq::spec::console;

TEST(ConsoleFeature, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(static_cast<unsigned>(console::Feature::size), 0u);
    EXPECT_EQ(static_cast<unsigned>(console::Feature::multiport), 1u);
    EXPECT_EQ(static_cast<unsigned>(console::Feature::emerg_write), 2u);
}

TEST(ConsoleQueue, ControlQueuesFollowPortZero) {
    EXPECT_EQ(console::receive_queue(0), 0);
    EXPECT_EQ(console::transmit_queue(0), 1);
    EXPECT_EQ(console::control_receive_queue, 2);
    EXPECT_EQ(console::control_transmit_queue, 3);
    EXPECT_EQ(console::receive_queue(1), 4);
    EXPECT_EQ(console::transmit_queue(1), 5);
}

TEST(ConsoleQueue, LastPortsFitSixteenBits) {
    EXPECT_EQ(console::receive_queue(30), 62);
    EXPECT_EQ(console::transmit_queue(30), 63);
    EXPECT_EQ(console::transmit_queue(32766), 65535);
}

TEST(ConsoleConfiguration, HasTheOffsetsOfTheStandard) {
    EXPECT_EQ(console::config::cols.offset, 0);
    EXPECT_EQ(console::config::rows.offset, 2);
    EXPECT_EQ(console::config::max_nr_ports.offset, 4);
    EXPECT_EQ(console::config::emerg_wr.offset, 8);
}

TEST(ConsoleEvent, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(static_cast<unsigned>(console::Event::device_ready), 0u);
    EXPECT_EQ(static_cast<unsigned>(console::Event::device_add), 1u);
    EXPECT_EQ(static_cast<unsigned>(console::Event::device_remove), 2u);
    EXPECT_EQ(static_cast<unsigned>(console::Event::port_ready), 3u);
    EXPECT_EQ(static_cast<unsigned>(console::Event::console_port), 4u);
    EXPECT_EQ(static_cast<unsigned>(console::Event::resize), 5u);
    EXPECT_EQ(static_cast<unsigned>(console::Event::port_open), 6u);
    EXPECT_EQ(static_cast<unsigned>(console::Event::port_name), 7u);
}

TEST(ConsoleControl, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(console::Control), 8u);
    EXPECT_EQ(offsetof(console::Control, id), 0u);
    EXPECT_EQ(offsetof(console::Control, event), 4u);
    EXPECT_EQ(offsetof(console::Control, value), 6u);
    EXPECT_EQ(sizeof(console::Resize), 4u);
    EXPECT_EQ(offsetof(console::Resize, cols), 0u);
    EXPECT_EQ(offsetof(console::Resize, rows), 2u);
}

}  // namespace
