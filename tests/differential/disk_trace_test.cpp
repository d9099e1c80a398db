// SPDX-License-Identifier: MIT
//
// The same requests on the simulated disk and on those of QEMU must have the same results. Where they do not, the standard
// decides.

#include <differential/disk_trace.hpp>
#include <qtest/qemu_device.hpp>
#include <support/contract.hpp>
#include <virtq/device/block.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/block_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <vhost_user/connect.hpp>
#include <vhost_user/storage_daemon.hpp>
#include <vhost_user/transport.hpp>

namespace virtq::test {
namespace {

constexpr std::size_t step_count = 3000;

/// Throws when a trace takes minutes instead of seconds.
class Patience {
public:
    void operator()() const {
        if (std::chrono::steady_clock::now() - start_ > std::chrono::minutes{5}) {
            throw std::runtime_error("the disk does nothing any more");
        }
        std::this_thread::yield();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

[[nodiscard]] std::vector<DiskOutcome> play_on_simulated_disk(DiskTrace const& trace) {
    sim::GuestMemory memory{std::size_t{1} << 21};
    sim::BlockOptions options{.sectors = DiskTrace::disk_sectors, .write_zeroes = true};
    options.event_idx = true;
    options.indirect = true;
    sim::BlockDevice disk{memory.violations(), options};
    sim::MmioDevice device{memory, disk};
    MmioTransport<sim::MmioRegisters> transport;
    static BlockDevice<MmioTransport<sim::MmioRegisters>, 256> driver;
    EXPECT_TRUE(transport.probe(device.registers()).ok());
    EXPECT_TRUE(driver.init(transport, memory).ok());
    std::vector<DiskOutcome> outcomes = trace.play(driver, memory, [&] { device.step(); });
    EXPECT_TRUE(driver.release(memory).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    return outcomes;
}

void expect_same(DiskTrace const& trace, std::vector<DiskOutcome> const& simulated,
                 std::vector<DiskOutcome> const& real) {
    ASSERT_EQ(simulated.size(), real.size());
    std::size_t ended = 0;
    for (std::size_t step = 0; step < real.size(); ++step) {
        DiskStep const& what = trace.steps()[step];
        ASSERT_EQ(simulated[step], real[step]) << "step " << step << ": operation " << static_cast<int>(what.operation)
                                               << ", sector " << what.sector << ", " << what.sectors << " sectors";
        ended += real[step].times;
    }
    EXPECT_GT(ended, step_count / 2);
    EXPECT_LT(ended, step_count) << "no request was refused";
}

[[nodiscard]] std::vector<std::uint8_t> empty_image() {
    return std::vector<std::uint8_t>(DiskTrace::disk_sectors * DiskTrace::sector_bytes);
}

class DiskTraceOnQemu : public QemuDevice {
protected:
    BlockDevice<qtest::Transport, 256, OnQemu<BlockTraits>> disk;
};

TEST_P(DiskTraceOnQemu, HasTheSameResults) {
    DiskTrace const trace{step_count};
    std::ofstream{machine.path("image"), std::ios::binary};
    std::filesystem::resize_file(machine.path("image"), empty_image().size());
    machine.add({"-blockdev", "file,node-name=disk,cache.no-flush=on,filename=" + machine.path("image")});
    ASSERT_NO_FATAL_FAILURE(bring_up(disk, "virtio-blk", ",drive=disk"));
    expect_same(trace, play_on_simulated_disk(trace), trace.play(disk, machine.memory, Patience{}));
    check_idle(0);
    shut_down(disk);
}

INSTANTIATE_TEST_SUITE_P(Qemu, DiskTraceOnQemu, ::testing::ValuesIn(every_choice), choice_name);

TEST(DiskTraceOnDaemon, HasTheSameResults) {
    if (!StorageDaemon::is_installed()) {
        GTEST_SKIP() << "qemu-storage-daemon is not installed (Debian's package qemu-system-common)";
    }
    DiskTrace const trace{step_count};
    StorageDaemon const daemon{empty_image()};
    vhost_user::SharedMemory memory{512};
    vhost_user::VhostUserTransport transport;
    static BlockDevice<vhost_user::VhostUserTransport, 64> disk;
    ASSERT_TRUE(
        vhost_user::connect(transport, {daemon.socket(), spec::DeviceId::block, 1, 64, 60}, memory, daemon).ok());
    ASSERT_TRUE(disk.init(transport, memory).ok());
    expect_same(trace, play_on_simulated_disk(trace), trace.play(disk, memory, Patience{}));
    EXPECT_TRUE(disk.release(memory).ok());
}

}  // namespace
}  // namespace virtq::test
