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
    std::uint8_t const bytes[] = {1, 2, 3, 4};
    std::uint32_t command = 0;
    std::memcpy(&command, bytes, sizeof command);
    ASSERT_TRUE(machine.driver.send(command, Token{5}, data).ok());
    machine.driver.kick();
    machine.device.step();
    EXPECT_EQ(machine.backend.seen, (std::vector<std::uint8_t>{1, 2, 3, 4, 9, 9}));
    RequestCompletion const ended = machine.driver.take_completed();
    EXPECT_EQ(ended.state, CompletionState::ready);
    EXPECT_EQ(ended.error, Error::none);
    EXPECT_EQ(ended.token, Token{5});
    std::uint8_t const answer[] = {2, 3, 4, 5};
    EXPECT_EQ(std::memcmp(&machine.driver.last_answer, answer, sizeof answer), 0);
}

// `GpuDevice` uses it: gpu_test.cpp sends one.
TEST(SlotQueue, HasRoomForALongCommand) {
    using Plain = SlotQueue<8, DriverTraits, SlotShape<4, 4>>;
    using WithLong = SlotQueue<8, DriverTraits, WithLongCommand<SlotShape<4, 4>, 8192>>;
    EXPECT_EQ(WithLong::page_count(), Plain::page_count() + 2);
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
    using Bytes = std::vector<std::uint8_t>;
    EchoMachine machine;
    machine.bring_up();
    ASSERT_TRUE(machine.driver.ask(0x0d0d0d0d, PollLimit{10}, machine.stepping()).ok());
    std::uint8_t const* const command = machine.backend.command_at;
    std::uint8_t const* const answer = machine.backend.last_answer;
    EXPECT_EQ(Bytes(command, command + 4), Bytes(4, 0x0d));
    EXPECT_EQ(Bytes(answer, answer + 4), Bytes(4, 0x0e));
    ASSERT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_EQ(Bytes(command, command + 4), Bytes(4, 0));
    EXPECT_EQ(Bytes(answer, answer + 4), Bytes(4, 0));
}

TEST(SlotQueue, AssertsThatASlotWasTaken) {
    EchoMachine machine;
    machine.bring_up();
    auto& commands = machine.driver.commands;
    std::uint8_t const byte = 0;
    EXPECT_BREACH(commands.put(commands.no_slot, 0, &byte, 1), "no_slot");
    EXPECT_BREACH(static_cast<void>(commands.send(commands.no_slot, {})), "no_slot");
}

TEST(SlotQueue, PutsNoMoreThanTheShapeHas) {
    EchoMachine machine;
    machine.bring_up();
    std::uint8_t const bytes[5] = {};
    std::uint16_t const slot = machine.driver.commands.take_slot(Token{});
    EXPECT_BREACH(machine.driver.commands.put(slot, 0, bytes, 5), "command_bytes");
    EXPECT_BREACH(machine.driver.commands.put(slot, 4, bytes, 1), "command_bytes");
    EXPECT_BREACH(machine.driver.commands.put(slot, 5, bytes, 0), "command_bytes");
}

/// Breaks the queue by a used entry with two requests in flight, which a reset hands back.
void expect_commands_broken_by(std::uint32_t id, std::uint32_t bytes, FaultReason reason) {
    EchoMachine machine;
    machine.backend.answers = false;
    machine.bring_up();
    ASSERT_TRUE(machine.driver.send(1, Token{1}).ok());
    ASSERT_TRUE(machine.driver.send(1, Token{2}).ok());
    machine.driver.kick();
    machine.device.step();
    machine.device.ring(1)->put_used_raw(id, bytes);
    machine.device.ring(1)->flush_used();
    RequestCompletion const nothing = machine.driver.take_completed();
    EXPECT_EQ(nothing.state, CompletionState::broken);
    EXPECT_EQ(nothing.error, Error::queue_broken);
    EXPECT_EQ(machine.driver.commands.ring().fault().reason, reason);
    EXPECT_EQ(machine.driver.send(1, Token{3}).error(), Error::reset_needed);
    EXPECT_EQ(machine.driver.commands.in_flight(), 2u);
    unsigned back = 0;
    EXPECT_TRUE(machine.driver
                    .reset([&](RequestCompletion const& ended) {
                        EXPECT_EQ(ended.token, Token{++back});
                        EXPECT_EQ(ended.error, Error::request_cancelled);
                    })
                    .ok());
    EXPECT_EQ(back, 2u);
}

TEST(SlotQueue, BreaksAtAnUnknownRequest) {
    expect_commands_broken_by(999, 4, FaultReason::used_id_out_of_range);
    expect_commands_broken_by(7, 4, FaultReason::used_id_not_in_flight);
}

TEST(SlotQueue, BreaksAtALengthAboveTheAnswer) {
    expect_commands_broken_by(0, 5, FaultReason::used_length_above_writable);
}

TEST(SlotQueue, ZeroesAnswersBefore) {
    EchoMachine machine;
    machine.bring_up();
    EXPECT_TRUE(machine.driver.ask(0x01010101, PollLimit{10}, machine.stepping()).ok());
    machine.backend.answer_bytes = 0;
    machine.backend.claims = 4;  // it says that it wrote them
    Result<std::uint32_t> const answer = machine.driver.ask(0x01010101, PollLimit{10}, machine.stepping());
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(*answer, 0u);
}

TEST(SlotQueue, KeepsACopyOfTheAnswer) {
    EchoMachine machine;
    machine.bring_up();
    ASSERT_TRUE(machine.driver.ask(0x01020304, PollLimit{10}, machine.stepping()).ok());
    std::memset(machine.backend.last_answer, 0x77, 4);  // the device goes on writing
    EXPECT_EQ(machine.driver.last_answer, 0x02030405u);
}

TEST(SlotQueue, NeedsTwoDescriptorsARequest) {
    EchoMachine machine;
    machine.device.set_queue_size_max(1, 1);
    EXPECT_EQ(machine.init().error(), Error::queue_too_small);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

TEST(SlotQueue, CopiesNoMoreThanTheShapeHas) {
    EchoMachine machine;
    machine.bring_up();
    std::uint8_t bytes[5] = {};
    EXPECT_BREACH(machine.driver.commands.copy_answer(0, 0, bytes, 5), "answer_bytes");
    EXPECT_BREACH(machine.driver.commands.copy_answer(0, 5, bytes, 0), "answer_bytes");
}

TEST(SlotQueue, FreesAbandonedSlotsWhenTheyEnd) {
    EchoMachine machine;
    machine.bring_up();
    Result<std::uint16_t> const slot = machine.driver.send(1, Token{1});
    ASSERT_TRUE(slot.ok());
    machine.driver.commands.await(*slot);
    machine.driver.commands.abandon(*slot);
    machine.driver.kick();
    machine.device.step();
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
    EXPECT_EQ(machine.driver.commands.in_flight(), 0u);
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(machine.driver.send(1, Token{}).ok());
    }
}

TEST(SlotQueue, RefusesMoreSegmentsThanItMaps) {
    MappedEchoMachine machine;
    machine.bring_up();
    std::vector<Segment> const many(machine.driver.commands.segments_max + 1, Segment{PhysAddr{4096}, 1});
    EXPECT_EQ(machine.driver.send(1, Token{}, {many.data(), many.size()}).error(), Error::chain_longer_than_queue);
    EXPECT_EQ(machine.driver.last_error(1), Error::chain_longer_than_queue);
    EXPECT_EQ(machine.mapper.maps, 0u);
    EXPECT_EQ(machine.driver.commands.in_flight(), 0u);
}

TEST(SlotQueue, UnmapsDataOnceWhateverHappens) {
    MappedEchoMachine machine;
    machine.bring_up();
    auto const buffer = machine.memory.allocate_buffer(64, 1);
    Segment const data[] = {{buffer.phys, 2}, {buffer.phys + 8, 3}};
    for (int n = 0; n < 2; ++n) {  // the mapper fails
        machine.mapper.fail_after = n;
        EXPECT_EQ(machine.driver.send(1, Token{}, data).error(), Error::dma_map_failed);
        EXPECT_TRUE(machine.mapper.mapped.empty());
    }
    machine.mapper.fail_after.reset();
    ASSERT_TRUE(machine.driver.send(1, Token{1}, data).ok());
    ASSERT_TRUE(machine.driver.send(1, Token{2}, data).ok());
    EXPECT_EQ(machine.driver.send(1, Token{3}, data).error(), Error::queue_full);  // of descriptors, not of slots
    EXPECT_EQ(machine.mapper.mapped.size(), 4u);
    machine.driver.kick();
    machine.device.step();
    EXPECT_EQ(machine.driver.take_completed().token, Token{1});
    EXPECT_EQ(machine.driver.take_completed().token, Token{2});
    EXPECT_TRUE(machine.mapper.mapped.empty());
    ASSERT_TRUE(machine.driver.send(1, Token{4}, data).ok());
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_TRUE(machine.mapper.mapped.empty());
}

}  // namespace
}  // namespace virtq::test
