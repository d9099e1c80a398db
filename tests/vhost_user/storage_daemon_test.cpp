// SPDX-License-Identifier: MIT
//
// `BlockDevice` against QEMU's storage daemon: a device that we did not write, in another process.

#include <support/contract.hpp>
#include <virtq/device/block.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <vhost_user/storage_daemon.hpp>
#include <vhost_user/transport.hpp>

namespace virtq::test {
namespace {

using vhost_user::SharedMemory;
using vhost_user::VhostUserTransport;

constexpr std::uint32_t sector_bytes = 512;
constexpr std::uint64_t sectors = 4096;
constexpr std::uint32_t request_sectors_max = 24;
constexpr std::size_t depth = 16;

class DaemonDisk : public ::testing::Test {
protected:
    void SetUp() override {
        if (!StorageDaemon::is_installed()) {
            GTEST_SKIP() << "qemu-storage-daemon is not installed (Debian's package qemu-system-common)";
        }
        for (auto& byte : expected) {
            byte = static_cast<std::uint8_t>(random());
        }
        daemon = std::make_unique<StorageDaemon>(expected);
        buffers = memory.allocate_pages(depth * request_sectors_max * sector_bytes / page_bytes);
        bring_up();
    }
    void TearDown() override {
        if (daemon != nullptr) {
            EXPECT_TRUE(disk.release(memory).ok());
            memory.free_pages(buffers);
            EXPECT_EQ(memory.pages_outstanding(), 0u);
        }
    }

    void bring_up() {
        transport.set_settling_time(std::chrono::milliseconds{30});
        Status const found = connect(std::chrono::seconds{10});
        ASSERT_TRUE(found.ok()) << "qemu-storage-daemon kept no connection in 10 s. Start it by hand to see why.";
        Status const up = disk.init(transport, memory);
        ASSERT_TRUE(up.ok()) << describe(up.error());
        ASSERT_EQ(disk.capacity_sectors(), sectors);
    }

    /// Connects to the daemon, which has just been started and may not listen yet.
    [[nodiscard]] Status connect(std::chrono::seconds time_limit) {
        auto const end = std::chrono::steady_clock::now() + time_limit;
        for (;;) {
            Status const found = transport.probe({daemon->socket(), spec::DeviceId::block, 1, 64, 60}, memory);
            if (found || std::chrono::steady_clock::now() >= end) {
                return found;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }

    /// A request that is at the device; its number is its token.
    struct Job {
        BlockOperation operation = BlockOperation::read;
        std::uint64_t sector = 0;
        std::uint32_t bytes = 0;
        bool busy = false;
    };

    [[nodiscard]] std::uint8_t* buffer(std::size_t number) {
        return static_cast<std::uint8_t*>(buffers.virt) + number * request_sectors_max * sector_bytes;
    }
    [[nodiscard]] std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); }

    /// Whether no request in flight has sectors of these, so that what a read returns is known.
    [[nodiscard]] bool is_apart(std::uint64_t sector, std::uint32_t count) const {
        for (Job const& job : jobs) {
            if (job.busy && job.sector < sector + count && sector < job.sector + job.bytes / sector_bytes) {
                return false;
            }
        }
        return true;
    }

    void submit(std::size_t number) {
        std::uint32_t const count = 1 + pick(request_sectors_max);
        std::uint64_t const sector = pick(sectors - count);
        if (!is_apart(sector, count)) {
            return;
        }
        std::uint32_t const bytes = count * sector_bytes;
        Job& job = jobs[number];
        job = {pick(2) == 0 ? BlockOperation::read : BlockOperation::write, sector, bytes, true};
        for (std::uint32_t i = 0; i < bytes; ++i) {
            buffer(number)[i] = job.operation == BlockOperation::write ? static_cast<std::uint8_t>(random()) : 0;
        }
        PhysAddr const where = memory.phys_addr(buffer(number));
        std::uint32_t const first = sector_bytes * pick(count);  // often two segments, sometimes one
        Segment const parts[] = {{where, first == 0 ? bytes : first}, {where + first, bytes - first}};
        Status const added = disk.submit(
            {job.operation, sector, 0, {parts, first == 0 ? std::size_t{1} : std::size_t{2}}, Token{number + 1}});
        ASSERT_TRUE(added.ok()) << describe(added.error());
    }

    void finish(BlockCompletion const& done) {
        Job& job = jobs.at(done.token.value() - 1);
        ASSERT_TRUE(job.busy) << "a token came back twice";
        job.busy = false;
        ASSERT_EQ(done.error, Error::none) << describe(done.error);
        std::uint8_t* const disk_bytes = expected.data() + job.sector * sector_bytes;
        std::uint8_t* const data = buffer(done.token.value() - 1);
        if (job.operation == BlockOperation::write) {
            std::memcpy(disk_bytes, data, job.bytes);
        } else {
            ASSERT_EQ(std::memcmp(disk_bytes, data, job.bytes), 0) << "sector " << job.sector;
        }
        ++finished;
    }

    /// Keeps the queue busy until `count` requests have ended; waits by `wait()` when there is nothing to take.
    template <class Wait>
    void run(std::uint64_t count, Wait wait) {
        std::uint64_t const target = finished + count;
        while (finished < target && !HasFatalFailure()) {
            for (std::size_t number = 0; number < depth; ++number) {
                if (!jobs[number].busy) {
                    submit(number);
                }
            }
            disk.kick_device();
            BlockCompletion done = disk.take_completed();
            if (done.state == CompletionState::none) {
                wait();
            }
            for (; done.state == CompletionState::ready; done = disk.take_completed()) {
                finish(done);
            }
            ASSERT_NE(done.state, CompletionState::broken) << describe(done.error);
        }
    }
    /// Takes the rest.
    void drain() {
        while (disk.in_flight() != 0 && !HasFatalFailure()) {
            for (auto done = disk.take_completed(); done.state == CompletionState::ready;
                 done = disk.take_completed()) {
                finish(done);
            }
        }
    }
    void sleep() {
        if (disk.enable_used_notifications() == MaySleep::yes) {
            transport.sleep(std::chrono::seconds{10});
            static_cast<void>(transport.on_interrupt());
            ++sleeps;
        }
    }

    std::mt19937_64 random{20261130};
    std::vector<std::uint8_t> expected = std::vector<std::uint8_t>(sectors * sector_bytes);
    std::unique_ptr<StorageDaemon> daemon;
    SharedMemory memory{1024};
    VhostUserTransport transport;
    BlockDevice<VhostUserTransport, 64> disk;
    Pages buffers;
    std::vector<Job> jobs = std::vector<Job>(depth);
    std::uint64_t finished = 0;
    std::uint64_t sleeps = 0;
};

TEST_F(DaemonDisk, AgreesOnTheWholeImagePolled) {
    run(20'000, [] {});
    drain();
    ASSERT_TRUE(disk.flush(PollLimit{2'000'000'000}).ok());
    EXPECT_EQ(daemon->image(), expected);
}

TEST_F(DaemonDisk, AgreesOnTheWholeImageSleeping) {
    run(5'000, [this] { sleep(); });
    EXPECT_GT(sleeps, 0u);
    drain();
    ASSERT_TRUE(disk.flush(PollLimit{2'000'000'000}).ok());
    EXPECT_EQ(daemon->image(), expected);
}

TEST_F(DaemonDisk, HandsEachTokenBackWhenKilled) {
    for (int life = 0; life < 5; ++life) {
        run(500, [] {});
        daemon->kill();
        std::set<std::uintptr_t> busy;
        for (std::size_t number = 0; number < depth; ++number) {
            if (jobs[number].busy) {
                busy.insert(number + 1);
            }
        }
        EXPECT_EQ(disk.check_alive().error(), Error::device_gone);
        Status const reset = disk.reset([&](BlockCompletion const& done) {
            EXPECT_EQ(busy.erase(done.token.value()), 1u);
            jobs.at(done.token.value() - 1).busy = false;
        });
        EXPECT_EQ(reset.error(), Error::device_gone);
        EXPECT_TRUE(busy.empty());
        ASSERT_TRUE(disk.release(memory).ok());
        daemon->start();
        bring_up();
        expected = daemon->image();  // some of the last writes were done, others were not
    }
}

}  // namespace
}  // namespace virtq::test
