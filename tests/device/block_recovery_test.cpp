// SPDX-License-Identifier: MIT
#include <device/disk_machine.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

/// Time-outs and device failures, and the reset that recovers from both.
namespace virtq::test {
namespace {

class BlockRecovery : public ::testing::Test {
protected:
    void SetUp() override { machine.bring_up(); }

    /// Submits three requests that the device never ends, with tokens 1 to 3.
    void fill() {
        for (std::uintptr_t token = 1; token <= 3; ++token) {
            Segment const segments[] = {machine.segment(data)};
            ASSERT_TRUE(machine.driver.submit_read(token, segments, Token{token}).ok());
        }
        machine.driver.kick_device();
    }

    void expect_reset_needed() {
        Segment const segments[] = {machine.segment(data)};
        EXPECT_EQ(machine.driver.submit_read(0, segments, Token{}).error(), Error::reset_needed);
        EXPECT_EQ(machine.driver.submit_write(0, segments, Token{}).error(), Error::reset_needed);
        EXPECT_EQ(machine.driver.submit_flush(Token{}).error(), Error::reset_needed);
        EXPECT_EQ(machine.driver.read(0, segments[0], patience).error(), Error::reset_needed);
        EXPECT_EQ(machine.driver.flush(patience).error(), Error::reset_needed);
        EXPECT_FALSE(machine.driver.kick_device());
        EXPECT_EQ(machine.driver.on_config_change().error(), Error::reset_needed);
        EXPECT_EQ(machine.driver.set_cache_mode(BlockCacheMode::writeback).error(), Error::reset_needed);
        BlockCompletion const nothing = machine.driver.take_completed();
        EXPECT_EQ(nothing.state, CompletionState::broken);
        EXPECT_TRUE(nothing.error == Error::reset_needed || nothing.error == Error::queue_broken);
    }

    /// Resets the disk, and records what `reset` hands back, by token.
    Status reset(std::map<std::uintptr_t, Error>& handed_back) {
        return machine.driver.reset([&](BlockCompletion const& completion) {
            EXPECT_EQ(completion.state, CompletionState::ready);
            EXPECT_TRUE(handed_back.emplace(completion.token.value(), completion.error).second) << "handed back twice";
        });
    }

    void expect_three_handed_back(Error error = Error::request_cancelled) {
        std::map<std::uintptr_t, Error> handed_back;
        Status const again = reset(handed_back);
        EXPECT_TRUE(again.ok()) << describe(again.error());
        EXPECT_EQ(handed_back, (std::map<std::uintptr_t, Error>{{1, error}, {2, error}, {3, error}}));
        expect_works();
    }

    void expect_works() {
        std::memset(data.virt, 0, data.bytes);
        Status const done = machine.driver.read(5, machine.segment(data), patience, machine.stepping());
        EXPECT_TRUE(done.ok()) << describe(done.error());
        EXPECT_TRUE(machine.holds(data, 5));
        EXPECT_EQ(machine.driver.in_flight(), 0);
    }

    DiskMachine<> machine;
    sim::Buffer data = machine.buffer(512);
};

// The first reset ends, everything is handed back, and the reset that begins the new initialisation does not end.
TEST_F(BlockRecovery, RecoversFromASecondTimeOut) {
    fill();
    unsigned handed_back = 0;
    auto const count = [&](BlockCompletion const& completion) {
        EXPECT_EQ(completion.error, Error::request_cancelled);
        ++handed_back;
        machine.device.reset_takes(sim::MmioDevice::never);
    };
    EXPECT_EQ(machine.driver.reset(count).error(), Error::not_restarted);
    EXPECT_EQ(handed_back, 3u);
    EXPECT_EQ(machine.driver.in_flight(), 0);
    expect_reset_needed();
    EXPECT_EQ(machine.driver.reset(count).error(), Error::not_restarted);  // nor is anything left with the device now
    machine.device.reset_takes(0);
    EXPECT_TRUE(machine.driver.reset(count).ok());
    EXPECT_EQ(handed_back, 3u);
    expect_works();
}

// The other way out: nothing is left with the device, so the pages are free although it does not reset.
TEST_F(BlockRecovery, ReleasesPagesAfterSecondTimeOut) {
    fill();
    auto const stick = [&](BlockCompletion const&) { machine.device.reset_takes(sim::MmioDevice::never); };
    EXPECT_EQ(machine.driver.reset(stick).error(), Error::not_restarted);
    EXPECT_TRUE(machine.driver.release(machine.memory, PollLimit{10}).ok());
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    machine.device.reset_takes(0);
    EXPECT_TRUE(machine.init().ok());
    expect_works();
}

TEST_F(BlockRecovery, ReturnsEachTokenAfterTimeOut) {
    fill();  // the device is not stepped
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}).error(), Error::timed_out);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::reset_needed);
    expect_reset_needed();
    EXPECT_EQ(machine.driver.in_flight(), 4);
    std::size_t const pages = machine.memory.pages_outstanding();
    std::size_t const allocations = machine.memory.allocations();
    expect_three_handed_back();
    EXPECT_EQ(machine.memory.pages_outstanding(), pages);
    EXPECT_EQ(machine.memory.allocations(), allocations);  // the same pages
}

TEST_F(BlockRecovery, ReturnsEndedRequestsWithTheirResults) {
    fill();
    machine.disk.answer_next_with(1);
    machine.device.step();
    machine.disk.swallow_next();
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}, machine.stepping()).error(),
              Error::timed_out);
    std::map<std::uintptr_t, Error> handed_back;
    ASSERT_TRUE(reset(handed_back).ok());
    EXPECT_EQ(handed_back,
              (std::map<std::uintptr_t, Error>{{1, Error::io_error}, {2, Error::none}, {3, Error::none}}));
    expect_works();
}

TEST_F(BlockRecovery, RecoversADeviceThatNeedsReset) {
    fill();
    machine.device.need_reset();
    EXPECT_EQ(machine.driver.check_alive().error(), Error::reset_needed);
    expect_reset_needed();
    expect_three_handed_back();
}

TEST_F(BlockRecovery, RecoversFromABrokenQueue) {
    fill();
    machine.device.ring()->put_used_raw(999, 0);
    machine.device.ring()->flush_used();
    EXPECT_EQ(machine.driver.take_completed().error, Error::queue_broken);
    EXPECT_EQ(machine.driver.fault().reason, FaultReason::used_id_out_of_range);
    expect_reset_needed();
    expect_three_handed_back();
    EXPECT_FALSE(machine.driver.fault());
}

TEST_F(BlockRecovery, EndsWhenTheDeviceIsGone) {
    fill();
    machine.device.vanish();
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}).error(), Error::device_gone);
    expect_reset_needed();
    std::map<std::uintptr_t, Error> handed_back;
    EXPECT_EQ(reset(handed_back).error(), Error::device_gone);
    EXPECT_EQ(handed_back, (std::map<std::uintptr_t, Error>{
                               {1, Error::device_gone}, {2, Error::device_gone}, {3, Error::device_gone}}));
    machine.hostile = true;  // the simulated device still owns the memory
    EXPECT_TRUE(machine.driver.release(machine.memory).error() == Error::none);
    machine.device.vanish(false);
    machine.device.write(0x070, 0, 4);
    machine.bring_up();
    expect_works();
}

TEST_F(BlockRecovery, ReturnsNothingUntilTheDeviceResets) {
    fill();
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}).error(), Error::timed_out);
    machine.device.reset_takes(sim::MmioDevice::never);
    std::map<std::uintptr_t, Error> handed_back;
    EXPECT_EQ(reset(handed_back).error(), Error::reset_timed_out);
    EXPECT_TRUE(handed_back.empty());
    EXPECT_EQ(machine.driver.release(machine.memory, PollLimit{10}).error(), Error::reset_timed_out);
    EXPECT_NE(machine.memory.pages_outstanding(), 0u);
    expect_reset_needed();
    machine.device.reset_takes(0);
    expect_three_handed_back();
}

TEST_F(BlockRecovery, RetriesAFailedReset) {
    fill();
    machine.device.need_reset();
    machine.device.refuse_features_ok();
    std::map<std::uintptr_t, Error> handed_back;
    EXPECT_EQ(reset(handed_back).error(), Error::features_refused);
    EXPECT_EQ(handed_back.size(), 3u);
    expect_reset_needed();
    machine.device.refuse_features_ok(false);
    handed_back.clear();
    EXPECT_TRUE(reset(handed_back).ok());
    EXPECT_TRUE(handed_back.empty());
    expect_works();
}

// The used entries of before the reset are still in the ring. A fuzzer found that their records were freed twice.
TEST_F(BlockRecovery, IgnoresOldUsedEntriesAfterReset) {
    fill();
    machine.device.step();  // all three are used, and nobody has taken them
    machine.device.refuse_features_ok();
    std::map<std::uintptr_t, Error> handed_back;
    EXPECT_EQ(reset(handed_back).error(), Error::features_refused);
    EXPECT_EQ(handed_back.size(), 3u);
    BlockCompletion const nothing = machine.driver.take_completed();
    EXPECT_EQ(nothing.state, CompletionState::broken);
    EXPECT_EQ(nothing.error, Error::reset_needed);
    EXPECT_EQ(machine.driver.in_flight(), 0);
    machine.device.refuse_features_ok(false);
    EXPECT_TRUE(reset(handed_back).ok());
    expect_works();
}

TEST_F(BlockRecovery, ReleasesPagesAfterAReset) {
    machine.device.refuse_features_ok();
    std::map<std::uintptr_t, Error> handed_back;
    EXPECT_EQ(reset(handed_back).error(), Error::features_refused);  // reset, and without a queue since
    machine.device.reset_takes(sim::MmioDevice::never);
    EXPECT_TRUE(machine.driver.release(machine.memory, PollLimit{10}).ok());
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    machine.device.reset_takes(0);
}

TEST_F(BlockRecovery, RejectsAShrunkenQueue) {
    machine.device.set_queue_size_max(32);
    std::map<std::uintptr_t, Error> handed_back;
    EXPECT_EQ(reset(handed_back).error(), Error::queue_size_not_taken);
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    machine.bring_up();
    EXPECT_EQ(machine.driver.queue_size(), 32);
}

TEST_F(BlockRecovery, IsNotNeededBeforeRelease) {
    fill();
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_EQ(machine.driver.in_flight(), 0);
    EXPECT_EQ(machine.driver.capacity_sectors(), 0u);
    std::map<std::uintptr_t, Error> handed_back;
    EXPECT_EQ(reset(handed_back).error(), Error::not_initialised);
    machine.bring_up();
    expect_works();
}

TEST_F(BlockRecovery, ReportsATimedOutRequestOnce) {
    machine.disk.swallow_next();
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}, machine.stepping()).error(),
              Error::timed_out);
    std::map<std::uintptr_t, Error> handed_back;
    ASSERT_TRUE(reset(handed_back).ok());
    EXPECT_TRUE(handed_back.empty());  // its caller already got the time-out
    expect_works();
}

// Found in review: a driver might sleep although a blocking call had collected a completion.
TEST_F(BlockRecovery, ForbidsSleepWithCompletionsToTake) {
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{std::uintptr_t{1}}).ok());
    sim::Buffer const own = machine.buffer(512);
    ASSERT_TRUE(machine.driver.read(2, machine.segment(own), patience, machine.stepping()).ok());
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::no);
    EXPECT_EQ(machine.driver.take_completed().token.value(), 1u);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
}

// Found in review: a hook that used the disk got the record of the waiting request.
TEST_F(BlockRecovery, RelaxHookMayUseTheDisk) {
    unsigned taken = 0;
    unsigned submitted = 0;
    sim::Buffer const other = machine.buffer(512);
    Segment const segments[] = {machine.segment(other)};
    auto const relax = [&] {
        machine.device.step();
        for (BlockCompletion completion = machine.driver.take_completed(); completion.state == CompletionState::ready;
             completion = machine.driver.take_completed()) {
            EXPECT_EQ(completion.token.value(), 42u);
            ++taken;
        }
        if (submitted < 3 && machine.driver.submit_read(9, segments, Token{std::uintptr_t{42}})) {
            ++submitted;
            machine.driver.kick_device();
        }
    };
    for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(machine.driver.read(3, machine.segment(data), patience, relax).ok());
        EXPECT_TRUE(machine.holds(data, 3));
    }
    machine.device.step();
    while (machine.driver.take_completed().state == CompletionState::ready) {
        ++taken;
    }
    EXPECT_EQ(submitted, 3u);
    EXPECT_EQ(taken, 3u);
}

TEST_F(BlockRecovery, ReportsAQueueOfFinishedRequests) {
    Segment const segments[] = {machine.segment(data)};
    unsigned submitted = 0;
    while (machine.driver.submit_flush(Token{})) {
        ++submitted;
    }
    EXPECT_EQ(submitted, 32u);
    machine.driver.kick_device();
    machine.device.step();
    unsigned relaxed = 0;
    EXPECT_EQ(machine.driver.read(0, segments[0], patience, [&] { ++relaxed; }).error(), Error::queue_full);
    EXPECT_LT(relaxed, 2u);  // it does not wait in vain
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::ready);
    EXPECT_TRUE(machine.driver.read(0, segments[0], patience, machine.stepping()).ok());
}

TEST_F(BlockRecovery, ReportsAGoneDeviceWhileFull) {
    while (machine.driver.submit_flush(Token{})) {
    }
    machine.device.vanish();
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{5}).error(), Error::device_gone);
    expect_reset_needed();
    machine.device.vanish(false);
}

TEST_F(BlockRecovery, ReportsABrokenQueueWhileFull) {
    std::uintptr_t submitted = 0;
    while (machine.driver.submit_flush(Token{submitted})) {
        ++submitted;
    }
    machine.device.ring()->put_used_raw(999, 0);
    machine.driver.kick_device();
    machine.device.ring()->flush_used();
    unsigned relaxed = 0;
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{5}, [&] { ++relaxed; }).error(),
              Error::queue_broken);
    EXPECT_EQ(relaxed, 0u);  // no descriptor will become free
    expect_reset_needed();
    std::map<std::uintptr_t, Error> handed_back;
    EXPECT_TRUE(reset(handed_back).ok());
    EXPECT_EQ(handed_back.size(), submitted);
    expect_works();
}

TEST_F(BlockRecovery, RelaxHookMayResetTheDisk) {
    std::map<std::uintptr_t, Error> handed_back;
    unsigned relaxed = 0;
    auto const relax = [&] {
        if (++relaxed == 1) {
            EXPECT_TRUE(reset(handed_back).ok());
            EXPECT_TRUE(machine.driver.submit_flush(Token{std::uintptr_t{7}}).ok());  // uses the same record
        }
    };
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{5}, relax).error(), Error::request_cancelled);
    EXPECT_EQ(relaxed, 1u);
    EXPECT_TRUE(handed_back.empty());  // the caller itself gets the error
    machine.driver.kick_device();
    machine.device.step();
    EXPECT_EQ(machine.driver.take_completed().token.value(), 7u);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
    expect_works();
}

TEST_F(BlockRecovery, RelaxHookMayReleaseTheDisk) {
    auto const relax = [&] { EXPECT_TRUE(machine.driver.release(machine.memory).ok()); };
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{5}, relax).error(), Error::request_cancelled);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    machine.bring_up();
    expect_works();
}

TEST_F(BlockRecovery, RelaxHookMayReleaseFullDisk) {
    while (machine.driver.submit_flush(Token{})) {
    }
    auto const relax = [&] { EXPECT_TRUE(machine.driver.release(machine.memory).ok()); };
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{5}, relax).error(), Error::request_cancelled);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    machine.bring_up();
    expect_works();
}

TEST_F(BlockRecovery, PollsAgainAfterTheHook) {
    unsigned slept = 0;
    auto const sleep = [&] {
        ++slept;
        machine.device.step();
    };
    EXPECT_TRUE(machine.driver.read(5, machine.segment(data), PollLimit{2}, sleep).ok());
    EXPECT_EQ(slept, 1u);
    EXPECT_EQ(machine.driver.read(5, machine.segment(data), PollLimit{1}, sleep).error(), Error::timed_out);
    EXPECT_EQ(slept, 1u);
}

TEST_F(BlockRecovery, ForbidsSleepOnAnAbandonedDevice) {
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    fill();
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{3}).error(), Error::timed_out);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::broken);
}

// This is the loop of a handler with interrupts masked. It must end on an abandoned device, too (faults A4).
TEST_F(BlockRecovery, EndsATakeAndSleepLoop) {
    fill();
    sim::Buffer const own = machine.buffer(512);
    EXPECT_EQ(machine.driver.read(9, machine.segment(own), PollLimit{1}).error(), Error::timed_out);
    machine.device.step();
    unsigned turns = 0;
    unsigned taken = 0;
    do {
        machine.driver.disable_used_notifications();
        static_cast<void>(machine.driver.for_each_completed([&](BlockCompletion const&) { ++taken; }));
    } while (machine.driver.enable_used_notifications() == MaySleep::no && ++turns != 100);
    EXPECT_LT(turns, 100u);
    EXPECT_EQ(taken, 3u);
}

TEST_F(BlockRecovery, DetectsAForeignReset) {
    fill();
    machine.device.write(0x070, 0, 4);
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}).error(), Error::reset_needed);
    machine.memory.violations().clear();  // the driver notified the device after that reset
    expect_three_handed_back();
}

TEST_F(BlockRecovery, AssertsThatTheQueueExists) {
    EXPECT_BREACH(machine.driver.queue_size(1), "no such queue");
    EXPECT_BREACH(machine.driver.in_flight(1), "no such queue");
    EXPECT_BREACH(machine.driver.fault(1), "no such queue");
    EXPECT_BREACH(machine.driver.enable_used_notifications(1), "no such queue");
}

}  // namespace
}  // namespace virtq::test
