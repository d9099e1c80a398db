// SPDX-License-Identifier: MIT
#include <device/disk_machine.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

/// What disks offer beyond reads and writes, and the limits that they set (§5.2.4 to §5.2.6).
namespace virtq::test {
namespace {

/// Reads `sectors` sectors from `sector` on in one request, and compares the data.
template <class Machine>
void expect_read(Machine& machine, std::uint64_t sector, std::size_t sectors) {
    sim::Buffer const data = machine.buffer(sectors * 512);
    Status const done = machine.driver.read(sector, machine.segment(data), patience, machine.stepping());
    EXPECT_TRUE(done.ok()) << describe(done.error());
    EXPECT_TRUE(machine.holds(data, sector));
    machine.memory.free_buffer(data);
}

// virtio-win#692: a driver ignored seg_max and size_max.
TEST(BlockLimits, SplitsARequestAboveTheLimits) {
    struct Limits {
        std::uint32_t seg_max;
        std::uint32_t size_max;
        std::size_t requests;
    };
    for (Limits const& limits : {Limits{0, 0, 1}, Limits{4, 1024, 4}, Limits{1, 512, 32}, Limits{3, 700, 8},
                                 Limits{8, 0, 1}, Limits{2, 4096, 2}}) {
        DiskMachine<256> machine({.disk = {.seg_max = limits.seg_max, .size_max = limits.size_max}});
        machine.bring_up();
        expect_read(machine, 5, 32);
        EXPECT_EQ(machine.disk.requests().size(), limits.requests) << limits.seg_max << " " << limits.size_max;
    }
}

TEST(BlockLimits, SplitsWritesLikeReads) {
    DiskMachine<256> machine({.disk = {.seg_max = 2, .size_max = 1000}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(16384);
    for (std::size_t i = 0; i < data.bytes; ++i) {
        data.virt[i] = static_cast<std::uint8_t>(i * 11 + i / 256);
    }
    ASSERT_TRUE(machine.driver.write(40, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 40));
    EXPECT_GT(machine.disk.requests().size(), 1u);
}

TEST(BlockLimits, ReportsTheFirstErrorOfParts) {
    DiskMachine<> machine({.disk = {.seg_max = 1, .size_max = 512}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(2048);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(0, segments, Token{std::uintptr_t{9}}).ok());
    EXPECT_EQ(machine.driver.in_flight(), 4);
    machine.disk.answer_next_with(1);
    machine.driver.kick_device();
    machine.device.step();
    BlockCompletion const done = machine.driver.take_completed();
    EXPECT_EQ(done.token.value(), 9u);
    EXPECT_EQ(done.error, Error::io_error);
    EXPECT_NE(machine.driver.take_completed().state, CompletionState::ready);
    EXPECT_EQ(machine.driver.in_flight(), 0);
}

TEST(BlockLimits, AddsAllPartsOrNone) {
    DiskMachine<16> machine({.disk = {.seg_max = 1, .size_max = 512}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512 * 6);
    Segment const four[] = {{data.phys, 2048}};
    Segment const two[] = {{data.phys, 1024}};
    Segment const six[] = {{data.phys, 3072}};
    ASSERT_TRUE(machine.driver.submit_read(0, four, Token{}).ok());
    EXPECT_EQ(machine.driver.submit_read(0, two, Token{}).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.in_flight(), 4);
    EXPECT_EQ(machine.driver.submit_read(0, six, Token{}).error(), Error::request_above_queue);
    machine.driver.kick_device();
    machine.device.step();
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::ready);
    EXPECT_TRUE(machine.driver.submit_read(0, two, Token{}).ok());
}

TEST(BlockLimits, ReportsLimitsBelowOneBlock) {
    DiskMachine<> machine({.disk = {.seg_max = 1, .size_max = 100}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).error(),
              Error::device_limits_too_small);
}

// One sector is in three pieces, and the device accepts two data segments.
TEST(BlockLimits, AddsNothingIfLaterPartFails) {
    DiskMachine<> machine({.disk = {.seg_max = 2}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(1024);
    Segment const pieces[] = {
        {data.phys, 512}, {data.phys + 512, 100}, {data.phys + 612, 100}, {data.phys + 712, 312}};
    EXPECT_EQ(machine.driver.submit_read(0, pieces, Token{}).error(), Error::device_limits_too_small);
    EXPECT_EQ(machine.driver.in_flight(), 0);
    expect_read(machine, 5, 2);
}

// The queue fills up before the impossible part, so the first parts are sent before anybody knows of it.
TEST(BlockLimits, StopsAtAnImpossiblePart) {
    DiskMachine<8> machine({.disk = {.seg_max = 2}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(3072);
    Segment const pieces[] = {{data.phys, 512},        {data.phys + 512, 512},  {data.phys + 1024, 512},
                              {data.phys + 1536, 512}, {data.phys + 2048, 512}, {data.phys + 2560, 100},
                              {data.phys + 2660, 100}, {data.phys + 2760, 312}};
    BlockRequest const request{BlockOperation::read, 3, 0, pieces, Token{}};
    EXPECT_EQ(machine.driver.submit(request).error(), Error::request_above_queue);
    EXPECT_EQ(machine.driver.perform(request, patience, machine.stepping()).error(), Error::device_limits_too_small);
    EXPECT_EQ(machine.disk.requests().size(), 3u);  // the parts before it were done
    EXPECT_EQ(std::memcmp(data.virt, machine.disk.current().data() + 3 * 512, 2560), 0);
    EXPECT_EQ(machine.driver.in_flight(), 0);
    expect_read(machine, 5, 2);
}

TEST(BlockLimits, NeedsARecordForEachPart) {
    DiskMachine<16> machine({.disk = {.seg_max = 1, .size_max = 512}});
    machine.bring_up();
    for (int i = 0; i < 7; ++i) {
        ASSERT_TRUE(machine.driver.submit_flush(Token{}).ok());
    }
    expect_read(machine, 5, 1);  // collects the seven, which wait for take_completed()
    EXPECT_EQ(machine.driver.in_flight(), 0);
    sim::Buffer const data = machine.buffer(1024);
    Segment const two[] = {machine.segment(data)};
    EXPECT_EQ(machine.driver.submit_read(0, two, Token{}).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::ready);
    EXPECT_TRUE(machine.driver.submit_read(0, two, Token{}).ok());
}

TEST(BlockLimits, RejectsFractionsOfABlock) {
    DiskMachine<> machine({.disk = {.blk_size = 4096}});
    machine.bring_up();
    EXPECT_EQ(machine.driver.block_bytes(), 4096u);
    sim::Buffer const data = machine.buffer(8192);
    Segment const one[] = {{data.phys, 4096}};
    Segment const half[] = {{data.phys, 2048}};
    EXPECT_EQ(machine.driver.submit_read(8, half, Token{}).error(), Error::length_not_block_multiple);
    EXPECT_EQ(machine.driver.submit_read(4, one, Token{}).error(), Error::length_not_block_multiple);
    EXPECT_TRUE(machine.driver.submit_read(8, one, Token{}).ok());
}

TEST(BlockLimits, ReplacesInvalidBlockSizeBy512) {
    for (std::uint32_t const size : {1u, 256u, 513u, 3000u}) {
        DiskMachine<> machine({.disk = {.blk_size = size}});
        machine.bring_up();
        EXPECT_EQ(machine.driver.block_bytes(), 512u) << size;
        expect_read(machine, 3, 1);
    }
}

TEST(BlockTopology, IsReadIfOffered) {
    DiskMachine<> with({.disk = {.topology = true}});
    with.bring_up();
    EXPECT_FALSE(with.driver.topology() == BlockTopology{});
    DiskMachine<> without;
    without.bring_up();
    EXPECT_TRUE(without.driver.topology() == BlockTopology{});
}

TEST(BlockId, IsTwentyBytesOfText) {
    DiskMachine<> machine({.disk = {.id = "a disk"}});
    machine.bring_up();
    sim::Buffer const id = machine.memory.allocate_buffer(20);
    ASSERT_TRUE(machine.driver.read_id({id.phys, 20}, patience, machine.stepping()).ok());
    EXPECT_EQ(std::string(reinterpret_cast<char const*>(id.virt)), "a disk");
    EXPECT_EQ(machine.driver.read_id({id.phys, 19}, patience).error(), Error::length_not_block_multiple);
    Segment const twice[] = {{id.phys, 20}, {id.phys, 20}};
    EXPECT_EQ(machine.driver.submit({BlockOperation::get_id, 0, 0, twice, Token{}}).error(),
              Error::length_not_block_multiple);
    EXPECT_EQ(machine.driver.submit({BlockOperation::get_id, 0, 0, {}, Token{}}).error(),
              Error::length_not_block_multiple);
}

TEST(BlockDiscard, IsSplitAtTheDeviceLimit) {
    DiskMachine<> machine({.disk = {.discard = true, .max_discard_sectors = 100, .discard_alignment = 8}});
    machine.bring_up();
    EXPECT_TRUE(machine.driver.can_discard());
    BlockRequest const request{BlockOperation::discard, 10, 250, {}, Token{}};
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    ASSERT_EQ(machine.disk.requests().size(), 3u);
    EXPECT_EQ(machine.disk.requests()[0].ranges[0].sector, 10u);
    EXPECT_EQ(machine.disk.requests()[0].ranges[0].sectors, 96u);
    EXPECT_EQ(machine.disk.requests()[2].ranges[0].sector, 202u);
    EXPECT_EQ(machine.disk.requests()[2].ranges[0].sectors, 58u);
}

// QEMU limits write zeroes to 4194303 sectors at any block size. Parts are whole blocks nevertheless.
TEST(BlockDiscard, IsSplitIntoWholeBlocks) {
    DiskMachine<> machine({.disk = {.blk_size = 4096,
                                    .discard = true,
                                    .max_discard_sectors = 20,
                                    .discard_alignment = 3,
                                    .write_zeroes = true,
                                    .max_write_zeroes_sectors = 13}});
    machine.bring_up();
    BlockRequest request{BlockOperation::discard, 16, 32, {}, Token{}};
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    request.operation = BlockOperation::write_zeroes;
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    ASSERT_EQ(machine.disk.requests().size(), 6u);
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(machine.disk.requests()[i].ranges[0].sectors, i < 2 ? 16u : 8u) << i;
    }
}

// With a device that accepts one sector at a time, a call with a poll limit must still end.
TEST(BlockWriteZeroes, CountsEachPartAsAPoll) {
    DiskMachine<8> machine({.disk = {.write_zeroes = true, .max_write_zeroes_sectors = 1}});
    machine.bring_up();
    BlockRequest const request{BlockOperation::write_zeroes, 0, 32, {}, Token{}};
    EXPECT_EQ(machine.driver.submit(request).error(), Error::request_above_queue);
    EXPECT_EQ(machine.driver.perform(request, PollLimit{10}, machine.stepping()).error(), Error::timed_out);
    EXPECT_LE(machine.disk.requests().size(), 10u);
    EXPECT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
}

TEST(BlockWriteZeroes, LeavesZeroes) {
    DiskMachine<> machine({.disk = {.write_zeroes = true, .write_zeroes_may_unmap = true}});
    machine.bring_up();
    BlockRequest request{BlockOperation::write_zeroes, 20, 4, {}, Token{}};
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    EXPECT_FALSE(machine.disk.requests()[0].ranges[0].unmap);
    for (std::size_t i = 20 * 512; i < 24 * 512; ++i) {
        ASSERT_EQ(machine.disk.current()[i], 0);
    }
    request.operation = BlockOperation::write_zeroes_may_unmap;
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.disk.requests()[1].ranges[0].unmap);
}

TEST(BlockWriteZeroes, IsRejectedWhereUnsupported) {
    BlockRequest const discard{BlockOperation::discard, 0, 8, {}, Token{}};
    BlockRequest const zero{BlockOperation::write_zeroes, 0, 8, {}, Token{}};
    BlockRequest const unmap{BlockOperation::write_zeroes_may_unmap, 0, 8, {}, Token{}};
    DiskMachine<> plain;
    plain.bring_up();
    EXPECT_EQ(plain.driver.submit(discard).error(), Error::not_supported);
    EXPECT_EQ(plain.driver.submit(zero).error(), Error::not_supported);
    EXPECT_EQ(plain.driver.submit(unmap).error(), Error::not_supported);

    DiskMachine<> read_only({.disk = {.read_only = true, .discard = true, .write_zeroes = true}});
    read_only.bring_up();
    EXPECT_EQ(read_only.driver.submit(discard).error(), Error::read_only);
    EXPECT_EQ(read_only.driver.submit(unmap).error(), Error::not_supported);  // the device may not unmap

    DiskMachine<> small({.disk = {.sectors = 10, .discard = true}});
    small.bring_up();
    EXPECT_EQ(small.driver.submit({BlockOperation::discard, 8, 3, {}, Token{}}).error(), Error::beyond_capacity);
    EXPECT_EQ(small.driver.submit({BlockOperation::discard, UINT64_MAX, 2, {}, Token{}}).error(),
              Error::beyond_capacity);
    EXPECT_EQ(small.driver.submit({BlockOperation::discard, 0, 0, {}, Token{}}).error(),
              Error::length_not_block_multiple);
}

TEST(BlockCacheMode, IsSwitchedAndReadBack) {
    DiskMachine<> machine({.disk = {.config_wce = true}});
    machine.bring_up();
    ASSERT_TRUE(machine.driver.set_cache_mode(BlockCacheMode::writethrough).ok());
    EXPECT_EQ(machine.driver.cache_mode(), BlockCacheMode::writethrough);
    sim::Buffer const data = machine.buffer(512);
    std::memset(data.virt, 0x77, 512);
    ASSERT_TRUE(machine.driver.write(1, machine.segment(data), patience, machine.stepping()).ok());
    machine.disk.lose_power();
    EXPECT_TRUE(machine.holds(data, 1));
    ASSERT_TRUE(machine.driver.set_cache_mode(BlockCacheMode::writeback).ok());
    EXPECT_EQ(machine.driver.cache_mode(), BlockCacheMode::writeback);
}

TEST(BlockCacheMode, ReportsADeviceThatIgnoresIt) {
    DiskMachine<> machine({.disk = {.config_wce = true}});
    machine.bring_up();
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        if (offset == 0x100 + 32) {
            machine.device.vanish(is_write);  // writes of this byte are lost
        }
    });
    EXPECT_EQ(machine.driver.set_cache_mode(BlockCacheMode::writethrough).error(), Error::not_supported);
    EXPECT_EQ(machine.driver.cache_mode(), BlockCacheMode::writeback);
    machine.device.before_access(nullptr);
}

TEST(BlockCacheMode, CanBeReadAfterRelease) {
    DiskMachine<> machine({.disk = {.config_wce = true}});
    machine.bring_up();
    ASSERT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_EQ(machine.driver.cache_mode(), BlockCacheMode::writeback);
}

TEST(BlockCacheMode, IsDeducedWithoutConfigWce) {
    DiskMachine<> with_flush;
    with_flush.bring_up();
    EXPECT_EQ(with_flush.driver.cache_mode(), BlockCacheMode::writeback);
    EXPECT_EQ(with_flush.driver.set_cache_mode(BlockCacheMode::writethrough).error(), Error::not_supported);
    DiskMachine<> without({.disk = {.flush = false}});
    without.bring_up();
    EXPECT_EQ(without.driver.cache_mode(), BlockCacheMode::writethrough);
}

TEST(BlockCapacity, FollowsAChangeWhileRunning) {
    DiskMachine<> machine({.disk = {.sectors = 100}});
    machine.bring_up();
    EXPECT_FALSE(*machine.driver.on_config_change());
    machine.device.change_config([&] { machine.disk.set_sectors(50); });
    ASSERT_TRUE(machine.transport.on_interrupt().config_change);
    EXPECT_TRUE(*machine.driver.on_config_change());
    EXPECT_EQ(machine.driver.capacity_sectors(), 50u);
    sim::Buffer const data = machine.buffer(512);
    EXPECT_EQ(machine.driver.read(50, machine.segment(data), patience).error(), Error::beyond_capacity);
    machine.device.unsettle_config();
    EXPECT_EQ(machine.driver.on_config_change().error(), Error::config_unstable);
    machine.device.unsettle_config(0);
    machine.device.need_reset();
    EXPECT_EQ(machine.driver.on_config_change().error(), Error::reset_needed);
}

struct FourQueues : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 4;
};

TEST(BlockQueues, WorkConcurrently) {
    for (std::uint16_t const offered : {std::uint16_t{1}, std::uint16_t{3}, std::uint16_t{9}}) {
        DiskMachine<64, FourQueues> machine({.disk = {.queues = offered}});
        machine.bring_up();
        std::uint16_t const count = offered < 4 ? offered : std::uint16_t{4};
        EXPECT_EQ(machine.driver.queue_count(), count);
        std::vector<sim::Buffer> data;
        for (std::uint16_t queue = 0; queue < count; ++queue) {
            data.push_back(machine.buffer(512));
            Segment const segments[] = {machine.segment(data.back())};
            BlockRequest const request{BlockOperation::read, queue + 7u, 0, segments, Token{std::uintptr_t{queue}}};
            ASSERT_TRUE(machine.driver.submit(request, queue).ok());
            EXPECT_TRUE(machine.driver.kick_device(queue));
        }
        machine.device.step();
        for (std::uint16_t queue = 0; queue < count; ++queue) {
            EXPECT_EQ(machine.driver.take_completed(queue).token.value(), queue);
            EXPECT_TRUE(machine.holds(data[queue], queue + 7u));
        }
        EXPECT_EQ(machine.driver.submit({}, count).error(), Error::no_such_queue);
        EXPECT_EQ(machine.driver.take_completed(count).error, Error::no_such_queue);
        EXPECT_EQ(machine.driver.check_alive(count).error(), Error::no_such_queue);
        EXPECT_BREACH(machine.driver.kick_device(count),
                      "kick_device() was called for a queue that this disk does not have");
        unsigned handed_back = 0;
        EXPECT_TRUE(machine.driver.reset([&](BlockCompletion const&) { ++handed_back; }).ok());
        EXPECT_EQ(handed_back, 0u);
    }
}

void expect_queue_works(DiskMachine<64, FourQueues>& machine, std::uint16_t queue) {
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    BlockRequest const request{BlockOperation::read, queue + 1u, 0, segments, Token{}};
    EXPECT_TRUE(machine.driver.perform(request, patience, machine.stepping(), queue).ok());
    EXPECT_TRUE(machine.holds(data, queue + 1u));
}

TEST(BlockQueues, KeepTheirNumberAcrossAReset) {
    DiskMachine<64, FourQueues> machine({.disk = {.queues = 4}});
    auto const ignore = [](BlockCompletion const&) {};
    constexpr auto mq = static_cast<unsigned>(spec::block::Feature::mq);
    machine.device.offer(mq, false);
    machine.bring_up();
    EXPECT_EQ(machine.driver.queue_count(), 1);
    machine.device.offer(mq);
    ASSERT_TRUE(machine.driver.reset(ignore).ok());
    EXPECT_EQ(machine.driver.queue_count(), 1);
    EXPECT_EQ(machine.driver.submit({}, 1).error(), Error::no_such_queue);
    expect_queue_works(machine, 0);
}

TEST(BlockQueues, ResumeWhenOfferedAgain) {
    DiskMachine<64, FourQueues> machine({.disk = {.queues = 4}});
    auto const ignore = [](BlockCompletion const&) {};
    constexpr auto mq = static_cast<unsigned>(spec::block::Feature::mq);
    machine.bring_up();
    machine.device.offer(mq, false);
    ASSERT_TRUE(machine.driver.reset(ignore).ok());
    EXPECT_EQ(machine.driver.queue_count(), 1);
    expect_queue_works(machine, 0);
    machine.device.offer(mq);
    ASSERT_TRUE(machine.driver.reset(ignore).ok());
    EXPECT_EQ(machine.driver.queue_count(), 4);
    expect_queue_works(machine, 0);
    expect_queue_works(machine, 3);
}

TEST(BlockQueues, ReleaseAllIfAnAllocationFails) {
    std::size_t const all = 8;  // four queues, each with a ring and its headers
    for (std::size_t n = 0; n < all; ++n) {
        DiskMachine<64, FourQueues> machine({.disk = {.queues = 4}});
        machine.memory.fail_allocation(n);
        EXPECT_EQ(machine.init().error(), Error::no_pages) << n;
        EXPECT_EQ(machine.memory.pages_outstanding(), 0u) << n;
        machine.bring_up();
        EXPECT_EQ(machine.memory.allocations(), n + 1 + all);
    }
}

/// An allocator that hands out a run twice: it forgets that the run is in use.
struct ForgetfulPages {
    Pages allocate_pages(std::size_t count) {
        if (runs.size() == again_at) {
            again_at = SIZE_MAX;
            return {runs[again].virt, runs[again].phys, count};
        }
        runs.push_back(memory.allocate_pages(count));
        return runs.back();
    }
    void free_pages(Pages run) {
        for (auto it = runs.begin(); it != runs.end(); ++it) {
            if (it->virt == run.virt && it->count == run.count) {
                memory.free_pages(run);
                runs.erase(it);
                return;
            }
        }
    }

    sim::GuestMemory& memory;
    std::size_t again;     ///< the run that is handed out twice
    std::size_t again_at;  ///< the call that hands it out again
    std::vector<Pages> runs{};
};

TEST(BlockQueues, RejectPagesHandedOutTwice) {
    // The runs are ring, headers, ring, headers. Only a call for no more pages than the run has can get it again.
    for (auto const& [again, again_at] : {std::pair{0u, 1u}, {0u, 2u}, {0u, 3u}, {1u, 3u}, {2u, 3u}}) {
        DiskMachine<64, FourQueues> machine({.disk = {.queues = 2}});
        ASSERT_TRUE(machine.probe().ok());
        ForgetfulPages pages{machine.memory, again, again_at};
        EXPECT_EQ(machine.driver.init(machine.transport, pages, {.reset_limit = PollLimit{100}}).error(),
                  Error::pages_handed_out_twice)
            << again << ' ' << again_at;
        for (Pages const& run : std::vector<Pages>{pages.runs}) {
            pages.free_pages(run);
        }
        machine.bring_up();
        machine.hostile = true;  // the device may have got headers as its ring
    }
}

// As above, with indirect tables (faults B10).
TEST(BlockQueues, RejectTablesHandedOutTwice) {
    // The runs are ring, tables, headers, and so on. Only a call for no more pages than the run has can get it again.
    for (auto const& [again, again_at] :
         {std::pair{0u, 1u}, {0u, 2u}, {1u, 2u}, {0u, 3u}, {1u, 4u}, {1u, 5u}, {0u, 4u}, {2u, 4u}, {4u, 5u}}) {
        DiskMachine<64, FourQueues> machine({.disk = {.indirect = true, .queues = 2}});
        ASSERT_TRUE(machine.probe().ok());
        ForgetfulPages pages{machine.memory, again, again_at};
        EXPECT_EQ(machine.driver.init(machine.transport, pages, {.reset_limit = PollLimit{100}}).error(),
                  Error::pages_handed_out_twice)
            << again << ' ' << again_at;
        for (Pages const& run : std::vector<Pages>{pages.runs}) {
            pages.free_pages(run);
        }
        machine.bring_up();
        machine.hostile = true;  // the device may have got headers as its ring
    }
}

/// A faulty allocator: it hands out single consecutive pages, whatever the count.
struct SinglePages {
    Pages allocate_pages(std::size_t count) {
        std::size_t const offset = taken++ * page_bytes;
        return {static_cast<unsigned char*>(all.virt) + offset, all.phys + offset, count};
    }
    void free_pages(Pages) { --taken; }

    Pages all;
    std::size_t taken = 0;
};

// The second run overlaps the first one (faults C6).
TEST(BlockQueues, RejectSinglePagesReportedAsRuns) {
    DiskMachine<64> machine;
    ASSERT_TRUE(machine.probe().ok());
    SinglePages pages{machine.memory.allocate_pages(16)};
    Status const up = machine.driver.init(machine.transport, pages, {.reset_limit = PollLimit{100}});
    EXPECT_EQ(up.error(), Error::pages_handed_out_twice);
    EXPECT_NE(std::string{describe(up.error())}.find("single pages"), std::string::npos);
    EXPECT_EQ(pages.taken, 0u);
    machine.memory.free_pages(pages.all);
    machine.hostile = true;
}

TEST(BlockQueues, ReportTheirPageCount) {
    using Disk = BlockDevice<Transport, 256>;
    static_assert(Disk::page_count() == 3 + 4 + 2);
    static_assert(Disk::page_count({.tables = 256}) == 3 + 16 + 2);
    static_assert(BlockDevice<Transport, 256, FourQueues>::page_count() == 4 * Disk::page_count());
    for (bool const indirect : {false, true}) {
        DiskMachine<64, FourQueues> machine({.disk = {.indirect = indirect, .queues = 4}});
        std::size_t const before = machine.memory.pages_outstanding();
        machine.bring_up();
        std::size_t const taken = machine.memory.pages_outstanding() - before;
        std::size_t const most = BlockDevice<Transport, 64, FourQueues>::page_count();
        EXPECT_EQ(taken, indirect ? most : most - 4);  // one page of tables for each queue
    }
}

TEST(BlockCompletions, CanBeHandledByACallback) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    for (std::uintptr_t token = 1; token <= 3; ++token) {
        ASSERT_TRUE(machine.driver.submit_read(token, segments, Token{token}).ok());
    }
    machine.driver.kick_device();
    machine.device.step();
    std::vector<std::uintptr_t> seen;
    auto const note = [&](BlockCompletion const& completion) { seen.push_back(completion.token.value()); };
    EXPECT_EQ(machine.driver.for_each_completed(note), CompletionState::none);
    EXPECT_EQ(seen, (std::vector<std::uintptr_t>{1, 2, 3}));
}

}  // namespace
}  // namespace virtq::test
