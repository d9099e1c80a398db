// SPDX-License-Identifier: MIT
//
// `BlockDevice` against QEMU's storage daemon: a device that we did not write, in another process.

#include <support/contract.hpp>
#include <support/disk_traffic.hpp>
#include <virtq/device/block.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <vhost_user/connect.hpp>
#include <vhost_user/storage_daemon.hpp>
#include <vhost_user/transport.hpp>

namespace virtq::test {
namespace {

using vhost_user::connect;
using vhost_user::SharedMemory;
using vhost_user::VhostUserTransport;

/// The features that the driver does without.
struct Lack {
    char const* name;
    Features unwanted{};
};

class DaemonDisk : public ::testing::TestWithParam<Lack> {
protected:
    using Disk = BlockDevice<VhostUserTransport, 64>;

    void SetUp() override {
        if (!StorageDaemon::is_installed()) {
            GTEST_SKIP() << "qemu-storage-daemon is not installed (Debian's package qemu-system-common)";
        }
        traffic = std::make_unique<DiskTraffic<Disk, SharedMemory>>(disk, memory);
        daemon = std::make_unique<StorageDaemon>(traffic->first_image);
        bring_up();
    }
    void TearDown() override {
        if (daemon != nullptr) {
            EXPECT_TRUE(disk.release(memory).ok());
            traffic.reset();
            EXPECT_EQ(memory.pages_outstanding(), 0u);
        }
    }

    void bring_up() {
        transport.set_settling_time(std::chrono::milliseconds{30});
        Status const found = connect(transport, {daemon->socket(), spec::DeviceId::block, 1, 64, 60}, memory, *daemon);
        ASSERT_TRUE(found.ok()) << "qemu-storage-daemon kept no connection. Start it by hand to see why.";
        Features const unwanted = GetParam().unwanted;
        Status const up = disk.init(transport, memory, {.unwanted = unwanted});
        ASSERT_TRUE(up.ok()) << describe(up.error());
        ASSERT_EQ(disk.capacity_sectors(), traffic->sectors);
        for (auto const feature : {spec::Feature::event_idx, spec::Feature::indirect_desc}) {
            EXPECT_EQ(disk.negotiation().negotiated.has(feature), !unwanted.has(feature));
        }
    }

    void sleep() {
        if (disk.enable_used_notifications() == MaySleep::yes) {
            ASSERT_TRUE(transport.sleep(std::chrono::minutes{1})) << "no interrupt came";
            static_cast<void>(transport.on_interrupt());
            ++sleeps;
        }
    }

    std::unique_ptr<StorageDaemon> daemon;
    SharedMemory memory{1024};
    VhostUserTransport transport;
    Disk disk;
    std::unique_ptr<DiskTraffic<Disk, SharedMemory>> traffic;
    std::uint64_t sleeps = 0;
};

TEST_P(DaemonDisk, AgreesOnTheWholeImagePolled) {
    char const* const requests = std::getenv("VIRTQ_REQUESTS");
    std::uint64_t const count = requests == nullptr ? 10'000 : std::strtoull(requests, nullptr, 10);
    ASSERT_GT(count, 0u) << "VIRTQ_REQUESTS is not a number of requests";
    traffic->run(count, [] {});
    traffic->drain([] {});
    ASSERT_TRUE(disk.flush(PollLimit{2'000'000'000}).ok());
    traffic->expect_on(daemon->image());
}

TEST_P(DaemonDisk, AgreesOnTheWholeImageSleeping) {
    traffic->run(5'000, [this] { sleep(); });
    EXPECT_GT(sleeps, 0u);
    traffic->drain([] {});
    ASSERT_TRUE(disk.flush(PollLimit{2'000'000'000}).ok());
    traffic->expect_on(daemon->image());
}

TEST_P(DaemonDisk, HandsEachTokenBackWhenKilled) {
    for (int life = 0; life < 5; ++life) {
        traffic->run(500, [] {});
        traffic->submit_all();
        daemon->kill();
        std::set<std::uintptr_t> busy = traffic->busy();
        ASSERT_FALSE(busy.empty());
        EXPECT_EQ(disk.check_alive().error(), Error::device_gone);
        Status const reset = disk.reset([&](BlockCompletion const& done) {
            EXPECT_EQ(busy.erase(done.token.value()), 1u);
            traffic->forget(done.token);
        });
        EXPECT_EQ(reset.error(), Error::device_gone);
        EXPECT_TRUE(busy.empty());
        ASSERT_TRUE(disk.release(memory).ok());
        traffic->expect_on(daemon->image());
        daemon->start();
        ASSERT_NO_FATAL_FAILURE(bring_up());
    }
}

struct FourQueues : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 4;
};

/// Each queue has a thread of its own, and no lock.
TEST(DaemonDiskQueues, WorkConcurrently) {
    if (!StorageDaemon::is_installed()) {
        GTEST_SKIP() << "qemu-storage-daemon is not installed (Debian's package qemu-system-common)";
    }
    constexpr std::uint16_t count = FourQueues::queue_count_max;
    using Disk = BlockDevice<VhostUserTransport, 64, FourQueues>;
    using Traffic = DiskTraffic<Disk, SharedMemory>;
    SharedMemory memory{4096};
    VhostUserTransport transport;
    static Disk disk;
    std::vector<std::unique_ptr<Traffic>> traffic;
    std::vector<std::uint8_t> image;
    for (std::uint16_t queue = 0; queue < count; ++queue) {
        traffic.push_back(std::make_unique<Traffic>(disk, memory, queue));
        image.insert(image.end(), traffic.back()->first_image.begin(), traffic.back()->first_image.end());
    }
    StorageDaemon daemon{image, {.queues = count}};
    ASSERT_TRUE(connect(transport, {daemon.socket(), spec::DeviceId::block, count, 64, 60}, memory, daemon).ok());
    transport.set_settling_time(std::chrono::milliseconds{30});
    Status const up = disk.init(transport, memory);
    ASSERT_TRUE(up.ok()) << describe(up.error());
    ASSERT_EQ(disk.queue_count(), count);

    std::vector<std::thread> threads;
    for (auto const& one : traffic) {
        threads.emplace_back([&one] {
            one->run(5'000, [] { std::this_thread::yield(); });
            one->drain([] { std::this_thread::yield(); });
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    ASSERT_TRUE(disk.flush(PollLimit{2'000'000'000}).ok());
    image = daemon.image();
    for (auto const& one : traffic) {
        one->expect_on(image);
    }
    EXPECT_TRUE(disk.release(memory).ok());
    traffic.clear();
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

/// Why `set_settling_time` exists: the daemon answers GET_VRING_BASE while requests are in flight, and writes afterwards.
TEST(DaemonDiskReset, WritesAfterItHasStopped) {
    if (!StorageDaemon::is_installed()) {
        GTEST_SKIP() << "qemu-storage-daemon is not installed (Debian's package qemu-system-common)";
    }
    constexpr std::uint64_t sectors = 64;
    constexpr unsigned count = 8;
    StorageDaemon daemon{std::vector<std::uint8_t>(sectors * 512, 0x11), {.requests_a_second = 2}};
    SharedMemory memory{1024};
    VhostUserTransport transport;
    static BlockDevice<VhostUserTransport, 64> disk;
    ASSERT_TRUE(connect(transport, {daemon.socket(), spec::DeviceId::block, 1, 64, 60}, memory, daemon).ok());
    ASSERT_TRUE(disk.init(transport, memory).ok());
    Pages const pages = memory.allocate_pages(count);
    auto const* const bytes = static_cast<std::uint8_t const volatile*>(pages.virt);
    for (unsigned i = 0; i < count; ++i) {
        Segment const data{pages.phys + i * page_bytes, 512};
        ASSERT_TRUE(disk.submit({BlockOperation::read, i, 0, {&data, 1}, Token{i}}).ok());
    }
    disk.kick_device();
    auto const written = [&] {
        unsigned pages_written = 0;
        for (unsigned i = 0; i < count; ++i) {
            pages_written += bytes[i * page_bytes] == 0x11 ? 1u : 0u;
        }
        return pages_written;
    };
    auto const wait_for = [&](unsigned pages_written) {
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
        while (written() < pages_written && std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
        return written() >= pages_written;
    };
    ASSERT_TRUE(wait_for(1)) << "the daemon has not begun";
    unsigned handed_back = 0;
    ASSERT_TRUE(disk.reset([&](BlockCompletion const&) { ++handed_back; }).ok());
    EXPECT_GT(handed_back, 0u);
    EXPECT_TRUE(wait_for(written() + 1))
        << "This daemon waits for its requests: set_settling_time is not needed for it.";
    EXPECT_TRUE(disk.release(memory).ok());
    memory.free_pages(pages);
}

INSTANTIATE_TEST_SUITE_P(Features, DaemonDisk,
                         ::testing::Values(Lack{"all"}, Lack{"no_event_idx", Features::of(spec::Feature::event_idx)},
                                           Lack{"no_indirect", Features::of(spec::Feature::indirect_desc)},
                                           Lack{"neither",
                                                Features::of(spec::Feature::event_idx, spec::Feature::indirect_desc)}),
                         [](auto const& one) { return std::string{one.param.name}; });

}  // namespace
}  // namespace virtq::test
