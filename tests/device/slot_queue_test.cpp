// SPDX-License-Identifier: MIT
#include <virtq/device/slot_queue.hpp>

#include <support/contract.hpp>

#include <device/echo_driver.hpp>

namespace virtq::test {
namespace {

TEST(SlotQueue, CopiesCommandsInAndSendsDataBehind) {
    EchoMachine machine;
    machine.bring_up();
    auto const buffer = machine.memory.allocate_buffer(2, 1);
    std::memset(buffer.virt, 9, 2);
    Segment const data{buffer.phys, 2};
    ASSERT_TRUE(machine.driver.send(0x04030201, Token{5}, data).ok());
    machine.driver.kick();
    machine.device.step();
    EXPECT_EQ(machine.backend.seen, (std::vector<std::uint8_t>{1, 2, 3, 4, 9, 9}));
    RequestCompletion const ended = machine.driver.take_completed();
    EXPECT_EQ(ended.state, CompletionState::ready);
    EXPECT_EQ(ended.error, Error::none);
    EXPECT_EQ(ended.token, Token{5});
    EXPECT_EQ(machine.driver.last_answer, 0x05040302u);
}

TEST(SlotQueue, SaysWhenAllSlotsAreInUse) {
    EchoMachine machine;
    machine.bring_up();
    for (int i = 0; i < 4; ++i) {  // a command and an answer each, in a ring of 8
        ASSERT_TRUE(machine.driver.send(1, Token{}).ok());
    }
    EXPECT_EQ(machine.driver.send(1, Token{}).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.commands.in_flight(), 4u);
}

TEST(SlotQueue, EndsAShortAnswerAsInvalid) {
    EchoMachine machine;
    machine.bring_up();
    machine.backend.answer_bytes = 3;
    EXPECT_EQ(machine.driver.ask(1, PollLimit{10}, machine.stepping()).error(), Error::answer_invalid);
    DriverFault const fault = machine.driver.driver_fault();
    EXPECT_TRUE(fault);
    EXPECT_EQ(fault.queue, 1u);
    EXPECT_EQ(fault.value, 3u);
}

TEST(SlotQueue, FreesTheSlotOfARefusedChain) {
    EchoMachine machine;
    machine.bring_up();
    for (int i = 0; i < 20; ++i) {
        Segment const nothing{PhysAddr{4096}, 0};
        EXPECT_EQ(machine.driver.send(1, Token{}, nothing).error(), Error::segment_empty);
        EXPECT_EQ(machine.driver.last_error(1), Error::segment_empty);
    }
    EXPECT_TRUE(machine.driver.ask(1, PollLimit{10}, machine.stepping()).ok());
}

// The device must not see commands from before the reset (faults B3).
TEST(SlotQueue, HasNoOldCommandsAfterAReset) {
    EchoMachine machine;
    machine.bring_up();
    ASSERT_TRUE(machine.driver.ask(0x0a0b0c0d, PollLimit{10}, machine.stepping()).ok());
    EXPECT_EQ(machine.backend.command_at[0], 0x0du);
    ASSERT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_EQ(machine.backend.command_at[0], 0u);
}

TEST(SlotQueue, PutsNoMoreThanTheShapeHas) {
    EchoMachine machine;
    machine.bring_up();
    std::uint8_t const bytes[5] = {};
    std::uint16_t const slot = machine.driver.commands.take_slot(Token{});
    EXPECT_BREACH(machine.driver.commands.put(slot, 0, bytes, 5), "command_bytes");
    EXPECT_BREACH(machine.driver.commands.put(slot, 4, bytes, 1), "command_bytes");
}

}  // namespace
}  // namespace virtq::test
