// SPDX-License-Identifier: MIT
#include <virtq/device/entropy.hpp>

#include <device/entropy_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

/// What the entropy driver does beyond the contract of all drivers (`driver_contract_test`).
namespace virtq::test {
namespace {

[[nodiscard]] std::vector<std::uint8_t> contents(sim::Buffer const& buffer) {
    return {buffer.virt, buffer.virt + buffer.bytes};
}

TEST(Entropy, ReadsAnyLength) {
    for (std::size_t const bytes : {1u, 2u, 4095u, 4096u, 70000u}) {
        EntropyMachine<> machine;
        machine.bring_up();
        sim::Buffer const buffer = machine.buffer(bytes);
        EXPECT_EQ(machine.read(buffer), Error::none) << bytes;
        EXPECT_EQ(contents(buffer), machine.source.given()) << bytes;
    }
}

TEST(Entropy, ReadsWholeBuffersFromShortAnswers) {
    EntropyMachine<> machine;
    machine.bring_up();
    sim::Buffer const buffer = machine.buffer(100);
    machine.source.answer_at_most(7);
    EXPECT_EQ(machine.read(buffer), Error::none);
    EXPECT_EQ(contents(buffer), machine.source.given());
    EXPECT_EQ(machine.device.notifications(), 15u);
}

TEST(Entropy, CountsEachTurnAsAPoll) {
    EntropyMachine<> machine;
    machine.bring_up();
    sim::Buffer const buffer = machine.buffer(100);
    machine.source.answer_at_most(1);
    EXPECT_EQ(machine.read(buffer, PollLimit{40}), Error::timed_out);
    EXPECT_LE(machine.source.given().size(), 40u);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
}

TEST(Entropy, ReadsNothingIntoNothing) {
    EntropyMachine<> machine;
    machine.bring_up();
    Segment const nothing{machine.buffer(1).phys, 0};
    EXPECT_EQ(machine.driver.read(nothing, PollLimit{3}).error(), Error::segment_empty);
    EXPECT_EQ(machine.driver.submit(nothing, Token{1}).error(), Error::segment_empty);
    EXPECT_EQ(machine.driver.last_error(), Error::segment_empty);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
}

TEST(Entropy, ReadsAboveSixteenTebibytes) {
    EntropyMachine<> machine{std::uint64_t{1} << 44};
    machine.bring_up();
    sim::Buffer const buffer = machine.buffer(32);
    EXPECT_EQ(machine.read(buffer), Error::none);
    EXPECT_EQ(contents(buffer), machine.source.given());
}

TEST(Entropy, ReturnsShortAnswersAsTheyAre) {
    EntropyMachine<> machine;
    machine.bring_up();
    sim::Buffer const first = machine.buffer(10);
    sim::Buffer const second = machine.buffer(10);
    machine.source.answer_at_most(3);
    machine.submit(first, 1);
    machine.submit(second, 2);
    EXPECT_EQ(machine.driver.in_flight(), 2u);
    EXPECT_TRUE(machine.driver.kick_device());
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
    machine.device.step();
    machine.expect_ended(1, 3);
    machine.expect_ended(2, 3);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
}

TEST(Entropy, KeepsCompletionsThatAReadCollects) {
    EntropyMachine<> machine;
    machine.bring_up();
    sim::Buffer const asked = machine.buffer(4);
    machine.submit(asked, 1);
    machine.submit(asked, 2);  // read() makes them visible
    sim::Buffer const buffer = machine.buffer(4);
    EXPECT_EQ(machine.read(buffer), Error::none);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::no);
    machine.expect_ended(1, 4);
    machine.expect_ended(2, 4);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    std::vector<std::uint8_t> const given = machine.source.given();
    EXPECT_EQ(contents(buffer), (std::vector<std::uint8_t>{given.end() - 4, given.end()}));
}

TEST(Entropy, WaitsForRoomInAFullQueue) {
    EntropyMachine<> machine;
    machine.bring_up();
    sim::Buffer const asked = machine.buffer(4);
    for (std::uintptr_t token = 1; token <= 8; ++token) {
        machine.submit(asked, token);
    }
    EXPECT_EQ(machine.driver.submit(machine.segment(asked), Token{9}).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.last_error(), Error::queue_full);
    std::uintptr_t next = 1;
    auto const take_one = [&] {
        machine.device.step();
        if (next == 1) {
            machine.expect_ended(next++, 4);
        }
    };
    sim::Buffer const buffer = machine.buffer(4);
    EXPECT_EQ(machine.driver.read(machine.segment(buffer), machine.patience, take_one).error(), Error::none);
    for (; next <= 8; ++next) {
        machine.expect_ended(next, 4);
    }
}

// Requests that ended keep their slots, so waiting would not help.
TEST(Entropy, DoesNotWaitForItsCaller) {
    EntropyMachine<> machine;
    machine.bring_up();
    sim::Buffer const asked = machine.buffer(4);
    for (std::uintptr_t token = 1; token <= 8; ++token) {
        machine.submit(asked, token);
    }
    unsigned polls = 0;
    auto const count = [&] {
        ++polls;
        machine.device.step();
    };
    EXPECT_EQ(machine.driver.read(machine.segment(asked), machine.patience, count).error(), Error::queue_full);
    EXPECT_EQ(polls, 1u);
    machine.expect_ended(1, 4);
    EXPECT_EQ(machine.read(asked), Error::none);
    for (std::uintptr_t token = 2; token <= 8; ++token) {
        machine.expect_ended(token, 4);
    }
}

// The device never had the buffer, so the driver goes on.
TEST(Entropy, ReportsAQueueThatStaysFull) {
    EntropyMachine<> machine;
    machine.bring_up();
    machine.source.wait_for_feed();
    sim::Buffer const asked = machine.buffer(4);
    for (std::uintptr_t token = 1; token <= 8; ++token) {
        machine.submit(asked, token);
    }
    EXPECT_EQ(machine.read(asked, PollLimit{5}), Error::queue_full);
    EXPECT_EQ(machine.driver.in_flight(), 8u);
    machine.source.feed({1, 2, 3, 4});
    machine.device.step();
    machine.expect_ended(1, 4);
    machine.submit(asked, 9);
    machine.device.need_reset();
    EXPECT_EQ(machine.read(asked, PollLimit{5}), Error::reset_needed);
}

TEST(Entropy, EndsAWaitForRoomThatIsReset) {
    EntropyMachine<> machine;
    machine.bring_up();
    sim::Buffer const asked = machine.buffer(4);
    for (std::uintptr_t token = 1; token <= 8; ++token) {
        machine.submit(asked, token);
    }
    unsigned back = 0;
    auto const reset = [&] { EXPECT_TRUE(machine.driver.reset([&](RequestCompletion const&) { ++back; }).ok()); };
    EXPECT_EQ(machine.driver.read(machine.segment(asked), machine.patience, reset).error(), Error::request_cancelled);
    EXPECT_EQ(back, 8u);
}

// As QEMU with a file that has ended.
TEST(Entropy, TimesOutAtTheEndOfTheSource) {
    EntropyMachine<> machine;
    machine.bring_up();
    machine.source.wait_for_feed();
    machine.source.feed({1, 2, 3});
    sim::Buffer const buffer = machine.buffer(5);
    EXPECT_EQ(machine.read(buffer, PollLimit{20}), Error::timed_out);
    EXPECT_EQ(buffer.virt[2], 3);
    EXPECT_FALSE(machine.driver.kick_device());
    RequestCompletion const nothing = machine.driver.take_completed();
    EXPECT_EQ(nothing.state, CompletionState::broken);
    EXPECT_EQ(nothing.error, Error::reset_needed);
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) { ADD_FAILURE() << "nobody submitted"; }).ok());
    machine.source.feed({4, 5, 6, 7, 8});
    EXPECT_EQ(machine.read(buffer), Error::none);
    EXPECT_EQ(contents(buffer), (std::vector<std::uint8_t>{4, 5, 6, 7, 8}));
}

TEST(Entropy, NamesAnAnswerWithoutAByte) {
    EntropyMachine<> machine;
    machine.bring_up();
    sim::Buffer const buffer = machine.buffer(8);
    EXPECT_FALSE(machine.driver.driver_fault());
    machine.source.report_next_length(0);
    EXPECT_EQ(machine.read(buffer), Error::answer_invalid);
    DriverFault const fault = machine.driver.driver_fault();
    EXPECT_EQ(fault.reason, DriverReason::entropy_empty);
    EXPECT_EQ(fault.queue, 0u);
    EXPECT_EQ(fault.value, 0u);
    machine.source.report_next_length(0);
    machine.submit(buffer, 5);
    machine.driver.kick_device();
    machine.device.step();
    machine.expect_ended(5, 0, Error::answer_invalid);
    EXPECT_EQ(machine.read(buffer), Error::none);  // the driver goes on
    EXPECT_TRUE(machine.driver.driver_fault());
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST(Entropy, BreaksAtALengthAboveTheBuffer) {
    EntropyMachine<> machine;
    machine.bring_up();
    sim::Buffer const buffer = machine.buffer(8);
    machine.submit(buffer, 3);
    machine.source.report_next_length(9);
    EXPECT_EQ(machine.read(buffer), Error::queue_broken);
    RequestCompletion const nothing = machine.driver.take_completed();
    EXPECT_EQ(nothing.state, CompletionState::broken);
    EXPECT_NE(nothing.error, Error::none);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::queue_broken);
    unsigned back = 0;
    EXPECT_TRUE(machine.driver
                    .reset([&](RequestCompletion const& ended) {
                        EXPECT_EQ(ended.token, Token{3});
                        EXPECT_EQ(ended.error, Error::request_cancelled);
                        EXPECT_EQ(ended.bytes, 0u);
                        ++back;
                    })
                    .ok());
    EXPECT_EQ(back, 1u);
    EXPECT_EQ(machine.read(buffer), Error::none);
}

TEST(Entropy, ClampsLengthsOnRequest) {
    EntropyMachine<> machine;
    machine.bring_up({.queue = {.over_reported = OverReportedLength::clamp}});
    sim::Buffer const buffer = machine.buffer(8);
    machine.source.report_next_length(~0u);
    EXPECT_EQ(machine.read(buffer), Error::none);
    EXPECT_EQ(contents(buffer), machine.source.given());
}

TEST(Entropy, ReadsThroughTheMapper) {
    EntropyMachine<BouncingEntropy> machine;
    machine.bring_up();
    machine.source.answer_at_most(30);
    sim::Buffer const buffer = machine.buffer(100);
    EXPECT_EQ(machine.read(buffer), Error::none);
    EXPECT_EQ(contents(buffer), machine.source.given());
    EXPECT_EQ(machine.mapper.maps, 4u);
    machine.mapper.fail_after = 0;
    EXPECT_EQ(machine.driver.submit(machine.segment(buffer), Token{1}).error(), Error::dma_map_failed);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
    machine.mapper.fail_after = 1;
    EXPECT_EQ(machine.read(buffer), Error::dma_map_failed);  // after 30 bytes
    machine.mapper.fail_after.reset();
    EXPECT_EQ(machine.read(buffer), Error::none);
}

}  // namespace
}  // namespace virtq::test
