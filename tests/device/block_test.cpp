// SPDX-License-Identifier: MIT
#include <virtq/device/block.hpp>

#include <device/disk_machine.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <type_traits>
#include <vector>

namespace virtq::test {

using namespace virtq::detail;

namespace {

// `if (done)` would be true for a request that failed (faults C3).
static_assert(!std::is_constructible_v<bool, BlockCompletion>);

TEST(BlockDevice, ReportsAFailedRequestAsEnded) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{std::uintptr_t{5}}).ok());
    machine.disk.answer_next_with(1);
    machine.driver.kick_device();
    machine.device.step();
    BlockCompletion const done = machine.driver.take_completed();
    EXPECT_EQ(done.state, CompletionState::ready);
    EXPECT_EQ(done.error, Error::io_error);
    EXPECT_EQ(done.token.value(), 5u);
}

TEST(BlockDevice, ReportsItsProperties) {
    DiskMachine<> machine({.disk = {.sectors = 100, .read_only = true, .flush = false}});
    EXPECT_EQ(machine.driver.queue_size(), 0);
    machine.bring_up();
    EXPECT_EQ(machine.driver.capacity_sectors(), 100u);
    EXPECT_TRUE(machine.driver.is_read_only());
    EXPECT_FALSE(machine.driver.can_flush());
    EXPECT_EQ(machine.driver.queue_size(), 64);

    DiskMachine<> other;
    other.bring_up();
    EXPECT_FALSE(other.driver.is_read_only());
    EXPECT_TRUE(other.driver.can_flush());
}

class BlockOnBoth : public ::testing::TestWithParam<sim::MmioVersion> {
protected:
    [[nodiscard]] static MachineSetup setup(sim::BlockOptions options = {}) {
        return {.disk = options, .version = GetParam()};
    }
};

TEST_P(BlockOnBoth, ReadsFirstAndLastSector) {
    DiskMachine<> machine(setup({.sectors = 99}));
    machine.bring_up();
    for (std::uint64_t const sector : {0u, 98u}) {
        sim::Buffer const data = machine.buffer(512);
        Status const done = machine.driver.read(sector, machine.segment(data), patience, machine.stepping());
        EXPECT_TRUE(done.ok()) << describe(done.error());
        EXPECT_TRUE(machine.holds(data, sector));
    }
}

TEST_P(BlockOnBoth, FlushedDataSurvivePowerLoss) {
    DiskMachine<> machine(setup());
    machine.bring_up();
    sim::Buffer const data = machine.buffer(4096);
    std::memset(data.virt, 0xa5, data.bytes);
    ASSERT_TRUE(machine.driver.write(8, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 8));
    EXPECT_NE(machine.disk.durable()[8 * 512], 0xa5);
    ASSERT_TRUE(machine.driver.flush(patience, machine.stepping()).ok());
    machine.disk.lose_power();
    EXPECT_TRUE(machine.holds(data, 8));
}

TEST_P(BlockOnBoth, KeepsTokensApartInAnyOrder) {
    sim::Schedule const schedules[] = {sim::Schedule::in_order(), sim::Schedule::reversed(),
                                       sim::Schedule::shuffled(7), sim::Schedule::delayed(3),
                                       sim::Schedule::bursts(5)};
    for (bool const event_idx : {false, true}) {
        for (auto const& schedule : schedules) {
            DiskMachine<> machine(setup({.event_idx = event_idx}));
            machine.device.set_schedule(schedule);
            machine.bring_up();
            std::map<std::uintptr_t, std::pair<std::uint64_t, sim::Buffer>> waiting;
            std::mt19937 random(3);
            std::uintptr_t submitted = 0;
            std::size_t deepest = 0;
            for (unsigned rounds = 0; rounds < 5000 && (submitted < 300 || !waiting.empty()); ++rounds) {
                while (submitted < 300) {
                    std::uint64_t const sector = random() % 2040;
                    sim::Buffer const data = machine.buffer(512 * (1 + random() % 4));
                    Segment const segments[] = {machine.segment(data)};
                    if (!machine.driver.submit_read(sector, segments, Token{submitted})) {
                        machine.memory.free_buffer(data);
                        break;
                    }
                    waiting[submitted++] = {sector, data};
                }
                deepest = std::max(deepest, waiting.size());
                machine.driver.kick_device();
                machine.device.step();
                for (BlockCompletion done = machine.driver.take_completed(); done.state == CompletionState::ready;
                     done = machine.driver.take_completed()) {
                    EXPECT_EQ(done.error, Error::none) << describe(done.error);
                    auto const found = waiting.find(done.token.value());
                    ASSERT_NE(found, waiting.end());
                    EXPECT_TRUE(machine.holds(found->second.second, found->second.first));
                    machine.memory.free_buffer(found->second.second);
                    waiting.erase(found);
                }
            }
            EXPECT_TRUE(waiting.empty());
            EXPECT_GT(deepest, 16u);
            EXPECT_EQ(machine.driver.in_flight(), 0);
        }
    }
}

TEST_P(BlockOnBoth, GathersARequestFromManySegments) {
    DiskMachine<> machine(setup());
    machine.bring_up();
    sim::Buffer const parts[] = {machine.buffer(100), machine.buffer(924), machine.buffer(1024)};
    Segment const segments[] = {machine.segment(parts[0]), machine.segment(parts[1]), machine.segment(parts[2])};
    ASSERT_TRUE(machine.driver.submit_read(10, segments, Token{std::uintptr_t{5}}).ok());
    EXPECT_TRUE(machine.driver.kick_device());
    machine.device.step();
    BlockCompletion const done = machine.driver.take_completed();
    ASSERT_EQ(done.state, CompletionState::ready);
    EXPECT_EQ(done.error, Error::none);
    auto const* const image = machine.disk.current().data() + 10 * 512;
    EXPECT_EQ(std::memcmp(parts[0].virt, image, 100), 0);
    EXPECT_EQ(std::memcmp(parts[1].virt, image + 100, 924), 0);
    EXPECT_EQ(std::memcmp(parts[2].virt, image + 1024, 1024), 0);
}

INSTANTIATE_TEST_SUITE_P(Interface, BlockOnBoth, ::testing::Values(sim::MmioVersion::modern, sim::MmioVersion::legacy),
                         [](auto const& tested) {
                             return tested.param == sim::MmioVersion::modern ? "Modern" : "Legacy";
                         });

// --- requests that the driver rejects -------------------------------------------------------------------------------

TEST(BlockDevice, RejectsAccessBeyondTheCapacity) {
    DiskMachine<> machine({.disk = {.sectors = 10}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(1024);
    Segment const two[] = {machine.segment(data)};
    EXPECT_EQ(machine.driver.submit_read(9, two, Token{}).error(), Error::beyond_capacity);
    EXPECT_EQ(machine.driver.submit_read(10, two, Token{}).error(), Error::beyond_capacity);
    EXPECT_EQ(machine.driver.submit_read(UINT64_MAX, two, Token{}).error(), Error::beyond_capacity);
    EXPECT_EQ(machine.driver.submit_read(UINT64_MAX - 1, two, Token{}).error(), Error::beyond_capacity);
    EXPECT_EQ(machine.driver.submit_write(9, two, Token{}).error(), Error::beyond_capacity);
    EXPECT_TRUE(machine.driver.submit_read(8, two, Token{}).ok());
}

TEST(BlockDevice, RejectsAllAtCapacityZero) {
    DiskMachine<> machine({.disk = {.sectors = 0}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), patience).error(), Error::beyond_capacity);
}

TEST(BlockDevice, RejectsFractionsOfASector) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(1024);
    for (std::uint32_t const bytes : {1u, 511u, 513u, 1023u}) {
        Segment const segments[] = {{data.phys, bytes}};
        EXPECT_EQ(machine.driver.submit_read(0, segments, Token{}).error(), Error::length_not_block_multiple);
    }
    EXPECT_EQ(machine.driver.submit_read(0, {}, Token{}).error(), Error::length_not_block_multiple);
    Segment const with_empty[] = {machine.segment(data), {data.phys, 0}};
    EXPECT_EQ(machine.driver.submit_read(0, with_empty, Token{}).error(), Error::segment_empty);
    EXPECT_EQ(machine.driver.in_flight(), 0);
}

TEST(BlockDevice, RejectsAVirtualAddress) {
    DiskMachine<> machine;
    machine.bring_up();
    Segment const segments[] = {{PhysAddr{0xffff'8000'0010'0000}, 512}};
    EXPECT_EQ(machine.driver.submit_read(0, segments, Token{}).error(), Error::segment_address_virtual);
    EXPECT_EQ(machine.driver.write(0, segments[0], patience).error(), Error::segment_address_virtual);
    EXPECT_EQ(machine.driver.in_flight(), 0);
}

// The allocator handed the page out twice, or the page was freed while in use.
TEST(BlockDevice, AssertsOnDataInOwnPages) {
    DiskMachine<> machine;
    machine.bring_up();
    Pages const& ring = machine.driver.ring(0).pages();
    PhysAddr const last{ring.phys.value + ring.count * page_bytes - 512};
    PhysAddr const before{ring.phys.value - 512};
    for (Segment const& data : {Segment{ring.phys, 512}, Segment{last, 512}, Segment{before, 1024}}) {
        EXPECT_BREACH(machine.driver.submit_write(0, {&data, 1}, Token{}), "the disk's own pages");
    }
    Segment const sound = machine.segment(machine.buffer(512));
    ASSERT_TRUE(machine.driver.submit_write(0, {&sound, 1}, Token{}).ok());
    auto const* const first = static_cast<spec::Descriptor const*>(ring.virt);
    Segment const headers{PhysAddr{little_endian(first->addr)}, 512};
    EXPECT_BREACH(machine.driver.submit_write(0, {&headers, 1}, Token{}), "the disk's own pages");
    Segment const one_of_two[] = {headers, sound};
    EXPECT_BREACH(machine.driver.submit_write(0, one_of_two, Token{}), "the disk's own pages");
    machine.hostile = true;
}

TEST(BlockDevice, AssertsOnDataInOwnTables) {
    DiskMachine<> machine({.disk = {.indirect = true}});
    machine.bring_up();
    Segment const table{machine.driver.ring(0).table_pages().phys, 512};
    EXPECT_BREACH(machine.driver.submit_write(0, {&table, 1}, Token{}), "the disk's own pages");
    machine.hostile = true;
}

TEST(BlockDevice, RejectsWritesToReadOnlyDisks) {
    DiskMachine<> machine({.disk = {.read_only = true}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    EXPECT_EQ(machine.driver.write(0, machine.segment(data), patience).error(), Error::read_only);
    EXPECT_TRUE(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).ok());
}

TEST(BlockDevice, FlushesNothingWithoutWriteCache) {
    DiskMachine<> machine({.disk = {.flush = false}});
    machine.bring_up();
    EXPECT_TRUE(machine.driver.flush(patience).ok());
    EXPECT_EQ(machine.driver.submit_flush(Token{}).error(), Error::not_supported);
    EXPECT_TRUE(machine.disk.requests().empty());
}

TEST(BlockDevice, OmitsUnwantedFeatures) {
    DiskMachine<> machine({.disk = {.event_idx = true}});
    machine.bring_up({.unwanted = Features::of(spec::Feature::event_idx, spec::block::Feature::flush)});
    EXPECT_FALSE(machine.driver.can_flush());
    EXPECT_FALSE(machine.driver.negotiation().negotiated.has(spec::Feature::event_idx));
    EXPECT_TRUE(machine.driver.negotiation().offered.has(spec::Feature::event_idx));
}

// A kernel may pass on the operation that a user requested.
TEST(BlockDevice, RejectsUnknownOperations) {
    DiskMachine<> machine;
    machine.bring_up();
    BlockRequest request;
    request.operation = static_cast<BlockOperation>(99);
    EXPECT_EQ(machine.driver.submit(request).error(), Error::not_supported);
    EXPECT_EQ(machine.driver.in_flight(), 0);
}

// For `diagnose`: a kernel that ignores the result of a call waits for a request that was never sent.
TEST(BlockDevice, KeepsLastErrorUntilNextSuccess) {
    DiskMachine<> machine({.disk = {.sectors = 10}});
    EXPECT_EQ(machine.driver.last_error(), Error::none);
    machine.bring_up();
    EXPECT_EQ(machine.driver.last_error(), Error::none);
    Segment const data[] = {machine.segment(machine.buffer(512))};
    ASSERT_EQ(machine.driver.submit_read(10 * 512, data, Token{}).error(), Error::beyond_capacity);
    EXPECT_EQ(machine.driver.last_error(), Error::beyond_capacity);
    ASSERT_TRUE(machine.driver.read(0, data[0], patience, machine.stepping()).ok());
    EXPECT_EQ(machine.driver.last_error(), Error::none);
    ASSERT_EQ(machine.driver.read(0, data[0], PollLimit{1}).error(), Error::timed_out);
    ASSERT_EQ(machine.driver.submit_read(0, data, Token{}).error(), Error::reset_needed);
    EXPECT_EQ(machine.driver.last_error(), Error::reset_needed);
    ASSERT_TRUE(machine.driver.reset([](BlockCompletion) {}).ok());
    EXPECT_EQ(machine.driver.last_error(), Error::none);
}

TEST(BlockDevice, KeepsTheErrorOfInit) {
    DiskMachine<> machine;
    machine.device.refuse_features_ok();
    ASSERT_EQ(machine.init().error(), Error::features_refused);
    EXPECT_EQ(machine.driver.last_error(), Error::features_refused);
    Transport unknown;
    ASSERT_EQ(machine.driver.init(unknown, machine.memory).error(), Error::transport_not_probed);
    EXPECT_EQ(machine.driver.last_error(), Error::transport_not_probed);
}

TEST(BlockDevice, ResumesAfterAFullQueue) {
    DiskMachine<8> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    EXPECT_TRUE(machine.driver.submit_read(0, segments, Token{}).ok());
    EXPECT_TRUE(machine.driver.submit_read(1, segments, Token{}).ok());
    EXPECT_EQ(machine.driver.submit_read(2, segments, Token{}).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.in_flight(), 2);
    EXPECT_TRUE(machine.driver.submit_flush(Token{}).ok());
    EXPECT_EQ(machine.driver.submit_flush(Token{}).error(), Error::queue_full);
    machine.driver.kick_device();
    machine.device.step();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(machine.driver.take_completed().state, CompletionState::ready);
    }
    EXPECT_NE(machine.driver.take_completed().state, CompletionState::ready);
    EXPECT_TRUE(machine.driver.submit_read(2, segments, Token{}).ok());
}

TEST(BlockDevice, RejectsRequestsBeforeInit) {
    DiskMachine<> machine;
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    EXPECT_EQ(machine.driver.submit_read(0, segments, Token{}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.submit_flush(Token{}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.flush(patience).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.read(0, segments[0], patience).error(), Error::not_initialised);
    EXPECT_FALSE(machine.driver.kick_device());
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
    EXPECT_EQ(machine.driver.take_completed().error, Error::not_initialised);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::not_initialised);
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    machine.bring_up();
    EXPECT_BREACH(machine.driver.init(machine.transport, machine.memory), "your boot code clears .bss");
}

// --- answers of the device ------------------------------------------------------------------------------------------

TEST(BlockDevice, ReportsDeviceErrors) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    std::pair<std::uint8_t, Error> const answers[] = {{std::uint8_t{1}, Error::io_error},
                                                      {std::uint8_t{2}, Error::not_supported},
                                                      {std::uint8_t{3}, Error::status_invalid},
                                                      {std::uint8_t{0xff}, Error::status_invalid}};
    for (auto const& [status, error] : answers) {
        machine.disk.answer_next_with(status);
        EXPECT_EQ(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).error(), error);
    }
    machine.disk.leave_next_status();
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).error(),
              Error::status_invalid);
    EXPECT_TRUE(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).ok());
}

TEST(BlockDevice, TrustsDataWithinUsedLengthOnly) {
    DiskMachine<> modern;
    modern.bring_up();
    sim::Buffer const data = modern.buffer(1024);
    modern.disk.misreport_next_length(-2);
    EXPECT_EQ(modern.driver.read(0, modern.segment(data), patience, modern.stepping()).error(), Error::short_read);
    modern.disk.misreport_next_length(-1);  // the length lacks the status byte only: all data was reported
    EXPECT_TRUE(modern.driver.read(0, modern.segment(data), patience, modern.stepping()).ok());
    modern.disk.misreport_next_length(-1);
    EXPECT_TRUE(modern.driver.write(0, modern.segment(data), patience, modern.stepping()).ok());

    DiskMachine<> old({.version = sim::MmioVersion::legacy});
    old.bring_up();
    sim::Buffer const legacy_data = old.buffer(1024);
    for (std::int64_t const short_by : {-1025, -513}) {  // legacy devices set the length wrongly (§5.2.6.3)
        old.disk.misreport_next_length(short_by);
        EXPECT_TRUE(old.driver.read(0, old.segment(legacy_data), patience, old.stepping()).ok());
        EXPECT_TRUE(old.holds(legacy_data, 0));
    }
}

TEST(BlockDevice, ReportsABrokenQueue) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    machine.disk.misreport_next_length(1);
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).error(),
              Error::queue_broken);
    EXPECT_EQ(machine.driver.fault().reason, FaultReason::used_length_above_writable);
    EXPECT_EQ(machine.driver.fault().value, 514u);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::broken);
    EXPECT_EQ(machine.driver.take_completed().error, Error::queue_broken);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::queue_broken);
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).error(),
              Error::reset_needed);
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    machine.bring_up();
    EXPECT_TRUE(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).ok());
}

// --- waiting ----------------------------------------------------------------------------------------------------

TEST(BlockDevice, StopsAtThePollLimit) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    machine.disk.swallow_next();
    unsigned relaxed = 0;
    auto const relax = [&] {
        ++relaxed;
        machine.device.step();
    };
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{100}, relax).error(), Error::timed_out);
    EXPECT_EQ(relaxed, 99u);  // between a hundred polls
    EXPECT_EQ(machine.driver.in_flight(), 1);
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
}

TEST(BlockDevice, ReportsWhyTheDeviceIsSilent) {
    DiskMachine<> broken_down;
    broken_down.bring_up();
    sim::Buffer const data = broken_down.buffer(512);
    broken_down.device.need_reset();
    EXPECT_EQ(broken_down.driver.read(0, broken_down.segment(data), PollLimit{10}).error(), Error::reset_needed);

    DiskMachine<> gone;
    gone.bring_up();
    sim::Buffer const other = gone.buffer(512);
    gone.device.vanish();
    EXPECT_EQ(gone.driver.read(0, gone.segment(other), PollLimit{10}).error(), Error::device_gone);
    gone.device.vanish(false);
}

TEST(BlockDevice, KeepsOtherCompletionsWhileWaiting) {
    DiskMachine<> machine;
    machine.device.set_schedule(sim::Schedule::reversed());
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    for (std::uintptr_t token = 1; token <= 3; ++token) {
        ASSERT_TRUE(machine.driver.submit_read(token, segments, Token{token}).ok());
    }
    sim::Buffer const own = machine.buffer(512);
    ASSERT_TRUE(machine.driver.read(9, machine.segment(own), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(own, 9));
    EXPECT_EQ(machine.driver.take_completed().token.value(), 3u);
    EXPECT_EQ(machine.driver.take_completed().token.value(), 2u);
    EXPECT_EQ(machine.driver.take_completed().token.value(), 1u);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::none);
}

TEST(BlockDevice, WaitsWhileTheQueueIsFull) {
    DiskMachine<4> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{std::uintptr_t{1}}).ok());
    sim::Buffer const own = machine.buffer(512);
    ASSERT_TRUE(machine.driver.read(2, machine.segment(own), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(own, 2));
    EXPECT_EQ(machine.driver.take_completed().token.value(), 1u);

    machine.disk.swallow_next();
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{}).ok());
    EXPECT_EQ(machine.driver.read(2, machine.segment(own), PollLimit{20}, machine.stepping()).error(),
              Error::queue_full);
}

TEST(BlockDevice, SleepsOnlyWithNothingToTake) {
    for (bool const event_idx : {false, true}) {
        DiskMachine<> machine({.disk = {.event_idx = event_idx}});
        machine.bring_up();
        sim::Buffer const data = machine.buffer(512);
        Segment const segments[] = {machine.segment(data)};
        for (int i = 0; i < 5; ++i) {
            ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{}).ok());
            machine.driver.kick_device();
            EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
            machine.device.step();
            EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
            EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::no);
            machine.driver.disable_used_notifications();
            EXPECT_EQ(machine.driver.take_completed().state, CompletionState::ready);
        }
    }
}

TEST(BlockDevice, NotifiesOnlyIfTheDeviceAsks) {
    DiskMachine<> machine({.disk = {.event_idx = true}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    EXPECT_FALSE(machine.driver.kick_device());
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{}).ok());
    EXPECT_TRUE(machine.driver.kick_device());
    EXPECT_FALSE(machine.driver.kick_device());
    ASSERT_TRUE(machine.driver.submit_read(2, segments, Token{}).ok());
    machine.driver.kick_device();
    machine.device.step();
    EXPECT_LE(machine.device.notifications(), 2u);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::ready);
}

}  // namespace
}  // namespace virtq::test
