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

/// Breaks the queue by a used entry, and then works again after a reset.
void expect_broken_by(std::uint32_t id, std::uint32_t bytes, FaultReason reason) {
    EchoMachine machine;
    machine.bring_up();
    machine.device.step();
    machine.device.ring(0)->put_used_raw(id, bytes);
    machine.device.ring(0)->flush_used();
    FilledBuffer const nothing = machine.driver.events.take();
    EXPECT_FALSE(nothing);
    EXPECT_EQ(nothing.state, CompletionState::broken);
    EXPECT_EQ(machine.driver.events.ring().fault().reason, reason);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::queue_broken);
    machine.driver.events.post(3);  // is lost, and harms nothing
    EXPECT_FALSE(machine.driver.kick_events());
    ASSERT_TRUE(machine.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
    machine.backend.events = 1;
    machine.device.step();
    EXPECT_TRUE(machine.driver.events.take());
}

TEST(PostedQueue, BreaksAtAnUnknownBuffer) {
    expect_broken_by(999, 8, FaultReason::used_id_out_of_range);
}

TEST(PostedQueue, BreaksAtALengthAboveTheBuffer) {
    expect_broken_by(0, 9, FaultReason::used_length_above_writable);
}

TEST(PostedQueue, BreaksAtABufferReturnedTwice) {
    EchoMachine machine;
    machine.backend.events = 1;
    machine.bring_up();
    machine.device.step();
    FilledBuffer const filled = machine.driver.events.take();
    ASSERT_TRUE(filled);
    machine.device.ring(0)->put_used_raw(filled.number, 8);  // its descriptor, too: they were posted in order
    machine.device.ring(0)->flush_used();
    EXPECT_EQ(machine.driver.events.take().state, CompletionState::broken);
    EXPECT_EQ(machine.driver.events.ring().fault().reason, FaultReason::used_id_not_in_flight);
}

TEST(PostedQueue, KeepsACopyFromTheDevice) {
    EchoMachine machine;
    machine.backend.events = 1;
    machine.bring_up();
    machine.device.step();
    FilledBuffer const filled = machine.driver.events.take();
    ASSERT_TRUE(filled);
    std::uint8_t bytes[8] = {};
    machine.driver.events.copy(filled, 0, bytes, 8);
    std::memset(const_cast<std::uint8_t*>(machine.driver.events.data(filled)), 0x77, 8);  // the device goes on writing
    EXPECT_EQ(bytes[0], 1u);
    EXPECT_EQ(machine.driver.events.data(filled)[0], 0x77);
}

TEST(PostedQueue, TakesNothingFromAStoppedDevice) {
    EchoMachine machine;
    machine.bring_up();
    ASSERT_TRUE(machine.driver.send(1, Token{1}).ok());
    auto const stick = [&](RequestCompletion const&) { machine.device.reset_takes(sim::MmioDevice::never); };
    EXPECT_EQ(machine.driver.reset(stick).error(), Error::not_restarted);
    EXPECT_FALSE(machine.driver.events.take());
    machine.device.reset_takes(0);
}

TEST(PostedQueue, NamesTheMostPages) {
    using Large = PostedQueue<8, Split, 5000>;
    EXPECT_EQ(Large::page_count(), VirtQueue<8>::page_count() + 10u);
    EchoMachine machine;
    machine.bring_up();
    EXPECT_LE(machine.memory.pages_outstanding(),
              decltype(machine.driver.events)::page_count() + decltype(machine.driver.commands)::page_count());
}

}  // namespace
}  // namespace virtq::test
