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
        daemon = std::make_unique<StorageDaemon>(traffic->expected);
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
        Status const found = connect(transport, {daemon->socket(), spec::DeviceId::block, 1, 64, 60}, memory);
        ASSERT_TRUE(found.ok()) << "qemu-storage-daemon kept no connection in a minute. Start it by hand to see why.";
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
            transport.sleep(std::chrono::seconds{10});
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
    traffic->run(requests == nullptr ? 10'000 : std::strtoull(requests, nullptr, 10), [] {});
    traffic->drain([] {});
    ASSERT_TRUE(disk.flush(PollLimit{2'000'000'000}).ok());
    EXPECT_EQ(daemon->image(), traffic->expected);
}

TEST_P(DaemonDisk, AgreesOnTheWholeImageSleeping) {
    traffic->run(5'000, [this] { sleep(); });
    EXPECT_GT(sleeps, 0u);
    traffic->drain([] {});
    ASSERT_TRUE(disk.flush(PollLimit{2'000'000'000}).ok());
    EXPECT_EQ(daemon->image(), traffic->expected);
}

TEST_P(DaemonDisk, HandsEachTokenBackWhenKilled) {
    for (int life = 0; life < 5; ++life) {
        traffic->run(500, [] {});
        daemon->kill();
        std::set<std::uintptr_t> busy = traffic->busy();
        EXPECT_EQ(disk.check_alive().error(), Error::device_gone);
        Status const reset = disk.reset([&](BlockCompletion const& done) {
            EXPECT_EQ(busy.erase(done.token.value()), 1u);
            traffic->forget(done.token);
        });
        EXPECT_EQ(reset.error(), Error::device_gone);
        EXPECT_TRUE(busy.empty());
        ASSERT_TRUE(disk.release(memory).ok());
        daemon->start();
        bring_up();
        traffic->expected = daemon->image();  // some of the last writes were done, others were not
    }
}

struct FourQueues : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 4;
};

/// Each queue has a thread of its own, and no lock.
TEST(DaemonDiskQueues, WorkBesideEachOther) {
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
        image.insert(image.end(), traffic.back()->expected.begin(), traffic.back()->expected.end());
    }
    StorageDaemon daemon{image, count};
    ASSERT_TRUE(connect(transport, {daemon.socket(), spec::DeviceId::block, count, 64, 60}, memory).ok());
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
    image.clear();
    for (auto const& one : traffic) {
        image.insert(image.end(), one->expected.begin(), one->expected.end());
    }
    EXPECT_EQ(daemon.image(), image);
    EXPECT_TRUE(disk.release(memory).ok());
    traffic.clear();
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Features, DaemonDisk,
                         ::testing::Values(Lack{"all"}, Lack{"no_event_idx", Features::of(spec::Feature::event_idx)},
                                           Lack{"no_indirect", Features::of(spec::Feature::indirect_desc)},
                                           Lack{"neither",
                                                Features::of(spec::Feature::event_idx, spec::Feature::indirect_desc)}),
                         [](auto const& one) { return std::string{one.param.name}; });

}  // namespace
}  // namespace virtq::test
