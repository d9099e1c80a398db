// SPDX-License-Identifier: MIT
#include <virtq/device/block.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>

#include <device/disk_machine.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// Disks that report no SEG_MAX, or no length of the data that they have written.
namespace virtq::test {

using namespace virtq::detail;

namespace {

template <class Machine>
std::vector<Segment> pieces(Machine& machine, std::vector<std::uint32_t> const& bytes,
                            std::vector<sim::Buffer>& kept) {
    std::vector<Segment> segments;
    for (std::uint32_t const count : bytes) {
        kept.push_back(machine.buffer(count));
        segments.push_back(machine.segment(kept.back()));
    }
    return segments;
}

/// Requests of one to three segments of one to four blocks each, in all mixes. Writes and reads each through a disk
/// that accepts one data segment in a request.
template <class Traits>
void expect_every_shape(MachineSetup const& setup) {
    for (unsigned shape = 4; shape < 128; ++shape) {  // base 4: a digit for each segment, after a leading one
        std::vector<std::uint32_t> bytes;
        for (unsigned rest = shape; rest >= 4; rest /= 4) {
            bytes.push_back((rest % 4 + 1) * 512);
        }
        DiskMachine<32, Traits> machine(setup);
        machine.bring_up();
        std::vector<sim::Buffer> kept;
        std::vector<Segment> const segments = pieces(machine, bytes, kept);
        Span<Segment const> const data{segments.data(), segments.size()};
        for (sim::Buffer const& buffer : kept) {
            std::memset(buffer.virt, static_cast<int>(shape), buffer.bytes);
        }
        for (BlockOperation const operation : {BlockOperation::write, BlockOperation::read}) {
            Status const done = machine.driver.perform({operation, 3, 0, data, Token{}}, patience, machine.stepping());
            ASSERT_TRUE(done.ok()) << shape << describe(done.error());
            std::uint64_t sector = 3;
            for (sim::Buffer const& buffer : kept) {
                EXPECT_TRUE(machine.holds(buffer, sector)) << shape;
                sector += buffer.bytes / 512;
            }
        }
        ASSERT_TRUE(machine.driver.submit_read(3, data, Token{std::uintptr_t{1}}).ok());
        machine.driver.kick_device();
        machine.device.step();
        BlockCompletion const done = machine.driver.take_completed();
        EXPECT_EQ(done.state, CompletionState::ready);
        EXPECT_EQ(done.error, Error::none);
    }
}

// Firecracker and semu take the third descriptor as the status, but it held the second segment (faults A1).
TEST(BlockLimit, SendsOneSegmentWithoutSegMax) {
    for (bool const indirect : {false, true}) {
        sim::BlockOptions disk{.seg_max = 0, .indirect = indirect, .one_data_segment = true};
        expect_every_shape<BlockTraits>({.disk = disk});
        expect_every_shape<BlockTraits>({.disk = disk, .version = sim::MmioVersion::legacy});
        disk.packed = true;
        expect_every_shape<PackedTraits>({.disk = disk});
        expect_every_shape<NegotiatedTraits>({.disk = disk});
    }
}

// The device never had the data, so this is no time-out, and each look at the full queue is one poll.
TEST(BlockLimit, SaysThatTheQueueStaysFullOfOtherRequests) {
    DiskMachine<8> machine({.disk = {.seg_max = 1}});
    machine.bring_up();
    std::vector<sim::Buffer> kept;
    std::vector<Segment> const mine = pieces(machine, {512, 512, 512}, kept);
    std::vector<Segment> const others = pieces(machine, {512, 512}, kept);
    ASSERT_TRUE(machine.driver.submit_read(0, {&others[0], 1}, Token{std::uintptr_t{1}}).ok());
    ASSERT_TRUE(machine.driver.submit_read(1, {&others[1], 1}, Token{std::uintptr_t{2}}).ok());
    unsigned polls = 0;
    BlockRequest const request{BlockOperation::read, 0, 0, {mine.data(), 3}, Token{}};
    EXPECT_EQ(machine.driver.perform(request, PollLimit{20}, [&] { ++polls; }).error(), Error::queue_full);
    EXPECT_EQ(polls, 20u);
    EXPECT_TRUE(machine.driver.check_alive().ok());
}

struct RefusingTraits : BlockTraits {
    static constexpr LongRequest long_request = LongRequest::refuse;
};

struct RefusingPackedTraits : PackedTraits {
    static constexpr LongRequest long_request = LongRequest::refuse;
};

/// Refuses what is above the limits, and takes what is exactly at them.
template <class Traits>
void expect_refusals(MachineSetup const& setup) {
    DiskMachine<32, Traits> machine(setup);
    machine.bring_up();
    BlockPartLimit const limit = machine.driver.part_limit(BlockOperation::read);
    ASSERT_EQ(limit.segments, 2u);
    ASSERT_EQ(limit.segment_bytes, 1024u);
    std::vector<sim::Buffer> kept;
    std::vector<Segment> const data = pieces(machine, {1024, 1024, 512}, kept);
    EXPECT_EQ(machine.driver.submit_read(0, {data.data(), 3}, Token{}).error(), Error::device_limits_too_small);
    EXPECT_EQ(machine.driver.last_error(), Error::device_limits_too_small);
    BlockRequest const request{BlockOperation::read, 0, 0, {data.data(), 3}, Token{}};
    EXPECT_EQ(machine.driver.perform(request, patience, machine.stepping()).error(), Error::device_limits_too_small);
    sim::Buffer const long_segment = machine.buffer(1536);
    Segment const above[] = {machine.segment(long_segment)};
    EXPECT_EQ(machine.driver.submit_read(0, above, Token{}).error(), Error::device_limits_too_small);
    EXPECT_EQ(machine.driver.in_flight(), 0u);

    BlockRequest const fitting{BlockOperation::read, 0, 0, {data.data(), limit.segments}, Token{}};
    EXPECT_TRUE(machine.driver.perform(fitting, patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(kept[0], 0));
    EXPECT_TRUE(machine.holds(kept[1], 2));
    EXPECT_TRUE(machine.driver.flush(patience, machine.stepping()).ok());
}

TEST(BlockLimit, RefusesALongRequestIfTheKernelSplits) {
    expect_refusals<RefusingTraits>({.disk = {.seg_max = 2, .size_max = 1024}});
    expect_refusals<RefusingPackedTraits>({.disk = {.seg_max = 2, .size_max = 1024, .packed = true}});
}

TEST(BlockLimit, RefusesALongRangeIfTheKernelSplits) {
    DiskMachine<32, RefusingTraits> machine({.disk = {.discard = true, .max_discard_sectors = 16}});
    machine.bring_up();
    ASSERT_EQ(machine.driver.part_limit(BlockOperation::discard).range_sectors, 16u);
    BlockRequest const above{BlockOperation::discard, 0, 17, {}, Token{}};
    EXPECT_EQ(machine.driver.submit(above).error(), Error::device_limits_too_small);
    BlockRequest const fitting{BlockOperation::discard, 0, 16, {}, Token{}};
    EXPECT_TRUE(machine.driver.perform(fitting, patience, machine.stepping()).ok());
}

TEST(BlockLimit, IsThatOfASmallQueue) {
    DiskMachine<4, RefusingTraits> machine({.disk = {.seg_max = 8}});
    EXPECT_EQ(machine.driver.part_limit(BlockOperation::read).segments, 0u);
    machine.bring_up();
    EXPECT_EQ(machine.driver.part_limit(BlockOperation::read).segments, 2u);
    EXPECT_EQ(machine.driver.part_limit(BlockOperation::read, 1).segments, 0u);
    std::vector<sim::Buffer> kept;
    std::vector<Segment> const data = pieces(machine, {512, 512, 512}, kept);
    EXPECT_EQ(machine.driver.submit_read(0, {data.data(), 3}, Token{}).error(), Error::device_limits_too_small);
    EXPECT_TRUE(machine.driver.submit_read(0, {data.data(), 2}, Token{}).ok());
}

// As above, with a SIZE_MAX below the length of the segment (faults A1).
TEST(BlockLimit, SplitsASegmentAboveSizeMax) {
    DiskMachine<> machine({.disk = {.seg_max = 0, .size_max = 1024, .one_data_segment = true}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(4096);
    ASSERT_TRUE(machine.driver.read(5, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 5));
    EXPECT_EQ(machine.disk.requests().size(), 4u);
}

// A queue of 8 holds two parts, so a blocking call sends them in turn (faults A1).
TEST(BlockLimit, SendsPartsThroughASmallQueue) {
    DiskMachine<8> machine(
        {.disk = {.seg_max = 0, .discard = true, .max_discard_sectors = 8, .one_data_segment = true}});
    machine.bring_up();
    std::vector<sim::Buffer> kept;
    std::vector<Segment> const segments = pieces(machine, std::vector<std::uint32_t>(12, 1024), kept);
    BlockRequest const request{BlockOperation::read, 7, 0, {segments.data(), segments.size()}, Token{}};
    EXPECT_EQ(machine.driver.submit(request).error(), Error::request_above_queue);
    Span<Segment const> const three{segments.data(), 3};  // nine descriptors, one above the queue
    EXPECT_EQ(machine.driver.submit_read(7, three, Token{}).error(), Error::request_above_queue);
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    for (std::size_t i = 0; i < kept.size(); ++i) {
        EXPECT_TRUE(machine.holds(kept[i], 7 + 2 * i));
    }
    EXPECT_EQ(machine.disk.requests().size(), 12u);
    BlockRequest const discard{BlockOperation::discard, 100, 50, {}, Token{}};
    ASSERT_TRUE(machine.driver.perform(discard, patience, machine.stepping()).ok());
    EXPECT_EQ(machine.disk.current()[100 * 512], sim::BlockDevice::discarded);
    EXPECT_EQ(machine.disk.current()[150 * 512 - 1], sim::BlockDevice::discarded);
    EXPECT_NE(machine.disk.current()[150 * 512], sim::BlockDevice::discarded);
}

TEST(BlockLimit, StopsAtTheFirstFailedPart) {
    DiskMachine<8> machine({.disk = {.seg_max = 0}});
    machine.bring_up();
    std::vector<sim::Buffer> kept;
    std::vector<Segment> const segments = pieces(machine, std::vector<std::uint32_t>(6, 512), kept);
    BlockRequest const request{BlockOperation::read, 0, 0, {segments.data(), segments.size()}, Token{}};
    unsigned steps = 0;
    auto const third_fails = [&] {
        if (++steps == 3) {
            machine.disk.answer_next_with(1);
        }
        machine.device.step();
    };
    EXPECT_EQ(machine.driver.perform(request, patience, third_fails).error(), Error::io_error);
    EXPECT_EQ(machine.disk.requests().size(), 3u);
    EXPECT_EQ(machine.driver.in_flight(), 0);
    // One poll limit covers all parts.
    EXPECT_EQ(machine.driver.perform(request, PollLimit{3}, machine.stepping()).error(), Error::timed_out);
}

TEST(BlockLimit, SendsNoPartAfterTheDiskStopped) {
    DiskMachine<8> machine({.disk = {.seg_max = 0}});
    machine.bring_up();
    std::vector<sim::Buffer> kept;
    std::vector<Segment> const segments = pieces(machine, std::vector<std::uint32_t>(6, 512), kept);
    BlockRequest const request{BlockOperation::read, 0, 0, {segments.data(), segments.size()}, Token{}};
    auto const fails_after_the_first = [&] {
        machine.device.step();
        machine.device.need_reset();
        EXPECT_EQ(machine.driver.check_alive().error(), Error::reset_needed);
    };
    EXPECT_EQ(machine.driver.perform(request, patience, fails_after_the_first).error(), Error::reset_needed);
    EXPECT_EQ(machine.driver.last_error(), Error::reset_needed);
    EXPECT_EQ(machine.disk.requests().size(), 1u);
}

TEST(BlockLimit, ObeysTheCallersOwnLimit) {
    struct {
        std::uint32_t seg_max;
        std::uint32_t own;
        std::size_t requests;
    } const cases[] = {{0, 0, 6}, {0, 3, 2}, {0, 6, 1}, {4, 0, 2}, {4, 2, 3}, {4, 6, 2}, {6, 1, 6}};
    for (auto const& [seg_max, own, requests] : cases) {
        DiskMachine<> machine({.disk = {.seg_max = seg_max}});
        machine.bring_up({.reset_limit = PollLimit{100}, .data_segments = own});
        std::vector<sim::Buffer> kept;
        std::vector<Segment> const segments = pieces(machine, std::vector<std::uint32_t>(6, 512), kept);
        Span<Segment const> const data{segments.data(), segments.size()};
        ASSERT_TRUE(
            machine.driver.perform({BlockOperation::read, 0, 0, data, Token{}}, patience, machine.stepping()).ok());
        EXPECT_EQ(machine.disk.requests().size(), requests) << seg_max << ' ' << own;
        machine.device.change_config([&] { machine.disk.set_sectors(4096); });
        EXPECT_TRUE(machine.driver.on_config_change().ok());  // reads seg_max again
        ASSERT_TRUE(
            machine.driver.perform({BlockOperation::read, 0, 0, data, Token{}}, patience, machine.stepping()).ok());
        EXPECT_EQ(machine.disk.requests().size(), 2 * requests) << seg_max << ' ' << own;
    }
}

// The sentence blamed only the page allocator (faults A1).
TEST(BlockLimit, InvalidStatusSuggestsTheSegmentLimit) {
    DiskMachine<> machine({.disk = {.seg_max = 0, .one_data_segment = true}});
    machine.bring_up({.reset_limit = PollLimit{100}, .data_segments = 8});
    std::vector<sim::Buffer> kept;
    std::vector<Segment> const segments = pieces(machine, {512, 512}, kept);
    BlockRequest const request{BlockOperation::read, 0, 0, {segments.data(), segments.size()}, Token{}};
    EXPECT_EQ(machine.driver.perform(request, patience, machine.stepping()).error(), Error::status_invalid);
    EXPECT_NE(std::string{describe(Error::status_invalid)}.find("data_segments"), std::string::npos);
}

// libvmm reports a length of 0, and every read ended in short_read (faults A2).
TEST(BlockLimit, IgnoresALengthWithoutData) {
    for (sim::BlockUsedLength const length : {sim::BlockUsedLength::is_zero, sim::BlockUsedLength::status_only}) {
        DiskMachine<> machine({.disk = {.used_length = length}});
        machine.bring_up();
        sim::Buffer const data = machine.buffer(1024);
        EXPECT_TRUE(machine.driver.read(9, machine.segment(data), patience, machine.stepping()).ok());
        EXPECT_TRUE(machine.holds(data, 9));
        machine.disk.answer_next_with(1);  // the status decides
        EXPECT_EQ(machine.driver.read(9, machine.segment(data), patience, machine.stepping()).error(),
                  Error::io_error);
    }
}

// A length that covers part of the data is a short read, unless the option accepts it (faults A2).
TEST(BlockLimit, AcceptsAShortLengthOnRequest) {
    for (std::uint64_t const bytes : {std::uint64_t{2}, std::uint64_t{511}, std::uint64_t{1023}}) {
        DiskMachine<> strict;
        strict.bring_up();
        sim::Buffer data = strict.buffer(1024);
        strict.disk.shorten_next_data(bytes);
        EXPECT_EQ(strict.driver.read(0, strict.segment(data), patience, strict.stepping()).error(), Error::short_read);
        DiskMachine<> tolerant;
        tolerant.bring_up({.reset_limit = PollLimit{100}, .under_reported = UnderReportedLength::accept});
        data = tolerant.buffer(1024);
        for (unsigned life = 0; life < 2; ++life) {
            tolerant.disk.misreport_next_length(-static_cast<std::int64_t>(bytes));
            EXPECT_TRUE(tolerant.driver.read(0, tolerant.segment(data), patience, tolerant.stepping()).ok());
            ASSERT_TRUE(tolerant.driver.reset([](BlockCompletion const&) {}).ok());  // the option survives a reset
        }
    }
    EXPECT_NE(std::string{describe(Error::short_read)}.find("under_reported"), std::string::npos);
    EXPECT_NE(std::string{describe(Error::short_read)}.find("over_reported"), std::string::npos);
}

// §5.2.5.1: the driver accepted DISCARD from a host-managed disk, which then refused FEATURES_OK (faults B9).
TEST(BlockLimit, RejectsHostManagedZones) {
    DiskMachine<> managed({.disk = {.discard = true, .zoned = sim::wire::block::zoned_host_managed}});
    EXPECT_EQ(managed.init().error(), Error::zoned_host_managed);
    EXPECT_EQ(managed.device.status(), 0x83u);
    EXPECT_EQ(managed.device.accepted_features()[0], 0u);
    for (std::uint8_t const model : {sim::wire::block::zoned_none, sim::wire::block::zoned_host_aware}) {
        DiskMachine<> machine({.disk = {.discard = true, .zoned = model}});
        machine.bring_up();
        EXPECT_TRUE(machine.driver.can_discard());
        EXPECT_FALSE(machine.driver.negotiation().negotiated.has(spec::block::Feature::zoned));
    }
}

}  // namespace
}  // namespace virtq::test
