// SPDX-License-Identifier: MIT
#include <virtq/device/posted_queue.hpp>

#include <support/contract.hpp>

#include <device/echo_driver.hpp>

namespace virtq::test {
namespace {

TEST(PostedQueue, GivesTheDeviceEveryBufferAtFirst) {
    EchoMachine machine;
    machine.bring_up();
    EXPECT_EQ(machine.driver.events.ring().num_free(), 0u);
    EXPECT_FALSE(machine.driver.events.take());
}

TEST(PostedQueue, TakesCopiesAndPostsAgain) {
    EchoMachine machine;
    machine.backend.events = 1;
    machine.bring_up();
    for (int round = 0; round < 30; ++round) {  // more than the ring has buffers
        machine.device.step();
        FilledBuffer const filled = machine.driver.events.take();
        ASSERT_TRUE(filled);
        EXPECT_EQ(filled.bytes, 8u);
        std::uint8_t bytes[8] = {};
        machine.driver.events.copy(filled, 0, bytes, 8);
        EXPECT_EQ(bytes[7], 1u);
        machine.backend.events = 1;
        machine.driver.events.post(filled.number);
        EXPECT_TRUE(machine.driver.kick_events());
    }
}

TEST(PostedQueue, HasEveryBufferAgainAfterAReset) {
    EchoMachine machine;
    machine.backend.events = 1;
    machine.bring_up();
    machine.device.step();
    ASSERT_TRUE(machine.driver.events.take());  // and never posted again
    EXPECT_EQ(machine.driver.events.ring().num_free(), 1u);
    ASSERT_TRUE(machine.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
    EXPECT_EQ(machine.driver.events.ring().num_free(), 0u);
}

TEST(PostedQueue, CopiesNoMoreThanTheDeviceWrote) {
    EchoMachine machine;
    machine.backend.events = 1;
    machine.backend.event_bytes = 3;
    machine.bring_up();
    machine.device.step();
    FilledBuffer const filled = machine.driver.events.take();
    ASSERT_TRUE(filled);
    EXPECT_EQ(filled.bytes, 3u);
    std::uint8_t bytes[8] = {};
    EXPECT_BREACH(machine.driver.events.copy(filled, 0, bytes, 4), "more of a buffer");
    EXPECT_BREACH(machine.driver.events.copy(filled, 4, bytes, 0), "more of a buffer");
    machine.driver.events.copy(filled, 1, bytes, 2);
    EXPECT_EQ(bytes[1], 1u);
}

}  // namespace
}  // namespace virtq::test
