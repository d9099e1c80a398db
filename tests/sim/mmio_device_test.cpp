// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/mmio_device.hpp>
#include <sim/raw_driver.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;
namespace mmio = virtq::sim::wire::mmio;
namespace status = virtq::sim::wire::status;

/// A device without a function, with two queues and one configuration field of each width.
class NullBackend final : public DeviceBackend {
public:
    [[nodiscard]] uint32_t device_id() const override { return 42; }
    [[nodiscard]] FeatureWords features() const override { return features_; }
    [[nodiscard]] uint16_t queue_count() const override { return 2; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t) const override { return 16; }
    [[nodiscard]] std::vector<ConfigField> config_fields() const override {
        return {{0, 8}, {8, 4, ConfigField::always, true}, {12, 2}, {14, 1}, {15, 1, 7}};
    }
    [[nodiscard]] uint8_t read_config(size_t offset) override { return config_[offset]; }
    void write_config(size_t offset, uint8_t value) override { config_[offset] = value; }
    void start(Session const& session) override { session_ = session; }
    [[nodiscard]] Completion process(uint16_t, Chain const& chain) override {
        heads_.push_back(chain.head);
        return swallow_ || chain.head == swallowed_head_ ? Completion{} : Completion{3};
    }

    FeatureWords features_{1u << 5 | 1u << 29, 0, 0, 0};
    uint8_t config_[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    Session session_;
    std::vector<uint16_t> heads_;
    bool swallow_ = false;
    std::optional<uint16_t> swallowed_head_;
};

class MmioDevice : public ::testing::Test {
protected:
    GuestMemory memory;
    NullBackend backend;
    sim::MmioDevice device{memory, backend};
    RawDriver driver{device};
    RawQueue queue{memory, 8};
    ViolationLog& log = memory.violations();

    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }
    void submit(uint16_t index = 0) {
        Buffer const buffer = memory.allocate_buffer(64);
        queue.write(index, {buffer.phys, 64, wire::split::flag_write, 0});
        queue.submit(index);
    }
};

// --- correct use ---

TEST_F(MmioDevice, AcceptsACorrectSession) {
    driver.bring_up(queue);
    EXPECT_EQ(device.status(), 15u);
    EXPECT_EQ(device.status_history(), (std::vector<uint32_t>{0, 1, 3, 11, 15}));
    EXPECT_TRUE(has_feature(backend.session_.features, 32));
    submit();
    driver.notify();
    EXPECT_EQ(device.step(), 1u);
    EXPECT_EQ(queue.used_idx(), 1);
    EXPECT_EQ(queue.used_length(0), 3u);
    EXPECT_TRUE(device.interrupt_line());
    EXPECT_EQ(driver.read(mmio::interrupt_status), 1u);
    driver.write(mmio::interrupt_ack, 1);
    EXPECT_FALSE(device.interrupt_line());
    EXPECT_EQ(device.notifications(), 1u);
    EXPECT_EQ(device.interrupts(), 1u);
    driver.write(mmio::queue_ready, 0);
    EXPECT_EQ(driver.read(mmio::queue_ready), 0u);
    driver.reset();
    EXPECT_EQ(driver.read(mmio::status), 0u);
    memory.free_pages(queue.pages);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioDevice, ReadsIdentityFeaturesAndConfig) {
    driver.greet();
    EXPECT_EQ(driver.read(mmio::magic_value), 0x74726976u);
    EXPECT_EQ(driver.read(mmio::version), 2u);
    EXPECT_EQ(driver.read(mmio::device_id), 42u);
    EXPECT_EQ(driver.read_features(), (FeatureWords{1u << 5 | 1u << 29, 1, 0, 0}));
    EXPECT_EQ(driver.registers.read32(mmio::config), 0x04030201u);
    EXPECT_EQ(driver.registers.read32(mmio::config + 4), 0x08070605u);
    EXPECT_EQ(driver.registers.read16(mmio::config + 12), 0x0e0du);
    EXPECT_EQ(driver.registers.read8(mmio::config + 14), 15u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioDevice, StartsAgainAfterAReset) {
    driver.bring_up(queue);
    driver.reset();
    RawQueue second(memory, 16);
    driver.bring_up(second);
    EXPECT_EQ(device.ring()->config().size, 16);
    EXPECT_TRUE(log.empty()) << log;
}

// --- offsets, widths, directions ---

TEST_F(MmioDevice, ReportsWritesToReadOnlyRegisters) {
    driver.greet();
    driver.write(mmio::interrupt_status, 0);
    expect_only("D-4.2.2.2-2");
}

TEST_F(MmioDevice, ReportsReadsOfWriteOnlyRegisters) {
    driver.greet();
    EXPECT_EQ(driver.read(mmio::queue_notify), 0u);
    expect_only("D-4.2.2.2-3");
}

TEST_F(MmioDevice, ReportsAnUnknownOffset) {
    driver.greet();
    static_cast<void>(driver.read(0x018));
    expect_only("D-4.2.2.2-1");
}

TEST_F(MmioDevice, ReportsALegacyRegister) {
    driver.greet();
    driver.write(mmio::guest_page_size, 4096);
    driver.write(mmio::queue_pfn, 1);
    EXPECT_EQ(log.count("D-4.2.2.2-1"), 2u) << log;
}

TEST_F(MmioDevice, ReportsNarrowOrMisalignedAccess) {
    driver.greet();
    static_cast<void>(driver.registers.read8(mmio::status));
    driver.registers.write16(mmio::queue_sel, 0);
    static_cast<void>(driver.registers.read32(mmio::status + 2));
    EXPECT_EQ(log.count("D-4.2.2.2-4"), 3u) << log;
    EXPECT_EQ(log.entries().size(), 3u) << log;
}

TEST_F(MmioDevice, ReportsConfigAccessOfWrongWidth) {
    driver.greet();
    static_cast<void>(driver.registers.read8(mmio::config));       // a 64-bit field
    static_cast<void>(driver.registers.read32(mmio::config + 2));  // misaligned
    static_cast<void>(driver.registers.read16(mmio::config + 8));  // a 32-bit field
    EXPECT_EQ(log.count("D-4.2.2.2-7"), 3u) << log;
    static_cast<void>(driver.registers.read8(mmio::config + 12));
    EXPECT_EQ(log.count("D-4.2.2.2-6"), 1u) << log;
    static_cast<void>(driver.registers.read16(mmio::config + 14));
    EXPECT_EQ(log.count("D-4.2.2.2-5"), 1u) << log;
}

TEST_F(MmioDevice, ReportsAnAbsentConfigField) {
    driver.greet();
    static_cast<void>(driver.registers.read8(mmio::config + 15));  // exists only with feature 7
    expect_only("D-2.5.1-4");
    log.clear();
    static_cast<void>(driver.registers.read8(mmio::config + 16));
    expect_only("D-4.2.2.2-1");
}

TEST_F(MmioDevice, ReportsEarlyOrForbiddenConfigWrites) {
    driver.greet();
    driver.registers.write32(mmio::config + 8, 5);
    expect_only("D-3.1.1-7");
    log.clear();
    driver.negotiate();
    driver.registers.write32(mmio::config + 8, 0x01020304);
    EXPECT_EQ(backend.config_[8], 4);
    EXPECT_TRUE(log.empty()) << log;
    driver.registers.write16(mmio::config + 12, 5);
    expect_only("S-4.2.2-config");
    EXPECT_EQ(backend.config_[12], 13);
}

TEST_F(MmioDevice, ReportsSharedMemoryRegisters) {
    driver.greet();
    driver.write(mmio::shm_sel, 0);
    EXPECT_EQ(driver.read(mmio::shm_len_low), ~0u);
    EXPECT_EQ(log.count("D-4.2.3.1.1-5"), 2u) << log;
}

// --- probing ---

TEST_F(MmioDevice, ReportsAccessBeforeMagicAndVersion) {
    driver.reset();
    expect_only("D-4.2.3.1.1-1");
}

TEST_F(MmioDevice, ReportsAnAccessBeforeDeviceId) {
    static_cast<void>(driver.read(mmio::magic_value));
    static_cast<void>(driver.read(mmio::version));
    driver.reset();
    expect_only("D-4.2.3.1.1-2");
}

TEST_F(MmioDevice, ReportsUseDespiteAWrongMagic) {
    device.set_magic(0x12345678);
    driver.probe();
    EXPECT_TRUE(log.empty()) << log;
    driver.reset();
    expect_only("D-4.2.2.2-8");
}

TEST_F(MmioDevice, ReportsUseDespiteAnUnknownVersion) {
    device.set_version(3);
    driver.probe();
    EXPECT_TRUE(log.empty()) << log;
    driver.reset();
    expect_only("D-4.2.2.2-10");
}

TEST_F(MmioDevice, ReportsUseOfAPlaceholder) {
    device.set_device_id(0);
    driver.probe();
    EXPECT_TRUE(log.empty()) << log;
    static_cast<void>(driver.read(mmio::vendor_id));
    expect_only("D-4.2.3.1.1-4");
}

// --- status ---

TEST_F(MmioDevice, ReportsAMissingReset) {
    driver.probe();
    driver.add_status(status::acknowledge);
    expect_only("D-3.1.1-2");
}

TEST_F(MmioDevice, ReportsDriverBeforeAcknowledge) {
    driver.probe();
    driver.reset();
    driver.add_status(status::driver);
    expect_only("D-3.1.1-3");
}

TEST_F(MmioDevice, ReportsTwoStepsAtOnce) {
    driver.probe();
    driver.reset();
    driver.add_status(status::acknowledge | status::driver);
    expect_only("D-2.1.1-1");
}

TEST_F(MmioDevice, ReportsUndefinedStatusBits) {
    driver.greet();
    driver.add_status(32);
    driver.write(mmio::status, 3 | 64);
    EXPECT_EQ(log.count("D-2.1.1-1"), 2u) << log;
    EXPECT_EQ(device.status(), 3u);
}

TEST_F(MmioDevice, ReportsAClearedBit) {
    driver.greet();
    driver.write(mmio::status, status::driver);
    expect_only("D-2.1.1-2");
}

TEST_F(MmioDevice, ReportsUseAfterFailed) {
    driver.greet();
    driver.add_status(status::failed);
    EXPECT_TRUE(log.empty()) << log;
    driver.add_status(status::features_ok);
    EXPECT_TRUE(log.contains("D-2.1.1-3")) << log;
}

TEST_F(MmioDevice, ReportsDriverOkWithoutFeaturesOk) {
    driver.greet();
    driver.add_status(status::driver_ok);
    expect_only("D-3.1.1-8");
}

TEST_F(MmioDevice, ReportsAnUnverifiedFeaturesOk) {
    driver.greet();
    driver.write_features(driver.read_features());
    driver.add_status(status::features_ok);
    driver.add_status(status::driver_ok);
    expect_only("D-3.1.1-10");
}

TEST_F(MmioDevice, ReportsAPrematureStatusRead) {
    driver.greet();
    driver.write_features(driver.read_features());
    static_cast<void>(driver.read(mmio::status));
    driver.add_status(status::features_ok);
    driver.add_status(status::driver_ok);
    expect_only("D-3.1.1-10");
}

TEST_F(MmioDevice, ReportsSetupBeforeFeaturesOk) {
    driver.greet();
    driver.start_queue(queue);
    expect_only("D-3.1.1-8");
}

TEST_F(MmioDevice, ReportsUseDespiteRefusedFeatures) {
    device.refuse_features_ok();
    driver.negotiate();
    EXPECT_EQ(driver.read(mmio::status), 3u);
    EXPECT_TRUE(log.empty()) << log;
    driver.write(mmio::status, 3 | status::failed);
    EXPECT_TRUE(log.empty()) << log;
    driver.negotiate();
    driver.add_status(status::driver_ok);
    expect_only("D-3.1.1-14");
}

// --- features ---

TEST_F(MmioDevice, ReportsFeatureRegistersWithoutSelection) {
    driver.greet();
    static_cast<void>(driver.read(mmio::device_features));
    expect_only("D-4.2.2.2-14");
    log.clear();
    driver.write(mmio::driver_features, 1u << 5);
    expect_only("D-4.2.2.2-15");
}

TEST_F(MmioDevice, ReportsFeaturesAcceptedUnread) {
    driver.greet();
    driver.write(mmio::driver_features_sel, 0);
    driver.write(mmio::driver_features, 1u << 5);
    expect_only("D-3.1.1-5");
}

TEST_F(MmioDevice, ReportsFeaturesBeforeDriver) {
    driver.probe();
    driver.reset();
    driver.add_status(status::acknowledge);
    driver.write_features(driver.read_features(), 1);
    expect_only("D-3.1.1-4");
}

TEST_F(MmioDevice, ReportsBitsNotOffered) {
    driver.greet();
    FeatureWords accepted = driver.read_features();
    accepted[0] |= 1u << 3;
    driver.write_features(accepted);
    expect_only("D-2.2.1-1");
    EXPECT_EQ(log.entries()[0].value, 3u);
    driver.add_status(status::features_ok);
    EXPECT_EQ(driver.read(mmio::status) & status::features_ok, 0u);
}

TEST_F(MmioDevice, ReportsBitsDriversMustNotAccept) {
    for (unsigned const bit : {45u, 37u, 6u, 100u}) {
        device.offer(bit);
    }
    driver.greet();
    driver.write_features(driver.read_features());
    EXPECT_EQ(log.count("D-2.2.1-5"), 1u) << log;
    EXPECT_EQ(log.count("D-2.2.1-6"), 1u) << log;
    EXPECT_EQ(log.count("D-2.2.1-7"), 2u) << log;
}

TEST_F(MmioDevice, ReportsVersion1NotAccepted) {
    driver.greet();
    static_cast<void>(driver.read_features());
    driver.write_features({0, 0, 0, 0});
    driver.add_status(status::features_ok);
    expect_only("D-6.1-1");
    EXPECT_EQ(driver.read(mmio::status) & status::features_ok, 0u);
}

TEST_F(MmioDevice, ReportsFeaturesAfterFeaturesOk) {
    driver.negotiate();
    driver.write(mmio::driver_features, 0);
    expect_only("D-3.1.1-9");
}

// --- queues ---

TEST_F(MmioDevice, ReportsQueueSizesOutOfRange) {
    driver.negotiate();
    driver.write(mmio::queue_sel, 0);
    EXPECT_EQ(driver.read(mmio::queue_size_max), 16u);
    driver.write(mmio::queue_size, 32);
    expect_only("D-4.2.2.2-16");
    log.clear();
    driver.write(mmio::queue_size, 12);
    expect_only("S-2.7-size");
    log.clear();
    driver.write(mmio::queue_ready, 1);
    expect_only("S-4.2.3.2-setup");
    EXPECT_EQ(driver.read(mmio::queue_ready), 0u);
}

TEST_F(MmioDevice, ReportsAnAbsentQueue) {
    driver.negotiate();
    driver.write(mmio::queue_sel, 2);
    EXPECT_EQ(driver.read(mmio::queue_size_max), 0u);
    EXPECT_TRUE(log.empty()) << log;
    driver.write(mmio::queue_size, 8);
    expect_only("S-4.2.3.2-absent");
    log.clear();
    device.set_queue_size_max(0);
    driver.write(mmio::queue_sel, 0);
    EXPECT_EQ(driver.read(mmio::queue_size_max), 0u);
    driver.write(mmio::queue_ready, 1);
    expect_only("S-4.2.3.2-absent");
}

TEST_F(MmioDevice, ReportsQueuesStartedWithoutAddresses) {
    driver.negotiate();
    driver.write(mmio::queue_sel, 0);
    driver.write(mmio::queue_size, 8);
    driver.write(mmio::queue_desc_low, 0);
    driver.write(mmio::queue_ready, 1);
    expect_only("S-4.2.3.2-setup");
}

TEST_F(MmioDevice, ReportsMisalignedAreas) {
    queue.pages.phys = queue.pages.phys + 4;
    driver.negotiate();
    driver.start_queue(queue);
    expect_only("D-2.7.1-1");
    EXPECT_EQ(driver.read(mmio::queue_ready), 0u);
}

TEST_F(MmioDevice, ReportsChangesWhileReady) {
    driver.bring_up(queue);
    driver.write(mmio::queue_size, 8);
    driver.write_areas(queue);
    EXPECT_EQ(log.count("D-4.2.2.2-17"), 7u) << log;
    EXPECT_EQ(log.entries().size(), 7u) << log;
}

TEST_F(MmioDevice, ReportsOtherValuesInQueueReady) {
    driver.bring_up(queue);
    driver.write(mmio::queue_ready, 1);
    expect_only("S-4.2.2-ready");
}

TEST_F(MmioDevice, ReportsAnUnverifiedQueueStop) {
    driver.bring_up(queue);
    driver.write(mmio::queue_ready, 0);
    memory.free_pages(queue.pages);
    expect_only("D-3.3.1-2");
    log.clear();
    driver.write(mmio::queue_ready, 1);
    expect_only("D-4.2.2.2-19");
}

TEST_F(MmioDevice, ReportsFreedMemoryOfLiveQueues) {
    driver.bring_up(queue);
    memory.free_pages(queue.pages);
    expect_only("D-3.3.1-2");
    driver.reset();
    memory.free_pages(queue.pages);
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

TEST_F(MmioDevice, ReportsFreedBuffersInFlight) {
    driver.bring_up(queue);
    device.set_schedule(Schedule::delayed(1));
    driver.reset();
    RawQueue second(memory, 8);
    driver.bring_up(second);
    Pages const pages = memory.allocate_pages(1);
    second.write(0, {pages.phys + 100, 8, 0, 0});
    second.submit(0);
    driver.notify();
    EXPECT_EQ(device.step(), 0u);
    EXPECT_EQ(device.backlog(), 1u);
    memory.free_pages(pages);
    expect_only("D-3.3.1-2");
    log.clear();
    EXPECT_EQ(device.step(), 1u);
    memory.free_pages(pages);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioDevice, ReleasesBuffersOfAStoppedQueue) {
    device.set_schedule(Schedule::delayed(100));
    driver.bring_up(queue);
    Pages const pages = memory.allocate_pages(1);
    queue.write(0, {pages.phys, 8, 0, 0});
    queue.submit(0);
    driver.notify();
    EXPECT_EQ(device.step(), 0u);
    driver.write(mmio::queue_ready, 0);
    memory.free_pages(pages);
    expect_only("D-3.3.1-2");
    EXPECT_EQ(driver.read(mmio::queue_ready), 0u);
    memory.free_pages(pages);
    EXPECT_EQ(log.entries().size(), 1u) << log;
}

TEST_F(MmioDevice, RefusesStartOrStopOnRequest) {
    driver.negotiate();
    device.refuse_queue_ready();
    driver.start_queue(queue);
    EXPECT_EQ(driver.read(mmio::queue_ready), 0u);
    device.refuse_queue_ready(false);
    device.refuse_queue_stop();
    driver.write(mmio::queue_ready, 1);
    driver.write(mmio::queue_ready, 0);
    EXPECT_EQ(driver.read(mmio::queue_ready), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioDevice, BeginsAQueueAtAnyIndex) {
    device.set_start_index(65535);
    driver.bring_up(queue);
    queue.next_available = 65535;
    submit();
    driver.notify();
    EXPECT_EQ(device.step(), 1u);
    EXPECT_EQ(queue.used_idx(), 0);
    EXPECT_EQ(queue.used_id(7), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

// --- suspend (§3.4) ---

TEST_F(MmioDevice, SuspendsAndResumes) {
    backend.features_[1] |= 1u << (43 - 32);
    sim::MmioDevice resting(memory, backend);
    RawDriver other(resting);
    other.bring_up(queue);
    resting.suspend_takes(2);
    other.add_status(status::suspend);
    EXPECT_EQ(other.read(mmio::status) & (status::suspend | status::driver_ok), status::suspend | status::driver_ok);
    EXPECT_EQ(other.read(mmio::status) & status::driver_ok, status::driver_ok);
    EXPECT_EQ(other.read(mmio::status) & (status::suspend | status::driver_ok), status::suspend);
    EXPECT_TRUE(log.empty()) << log;
    other.write(mmio::queue_notify, 0);
    expect_only("D-3.4.1-4");
    log.clear();
    other.write(mmio::config + 8, 5);
    expect_only("D-3.4.1-5");
    log.clear();
    resting.suspend_takes(0);
    other.write(mmio::status, other.status | status::driver_ok);
    EXPECT_EQ(other.read(mmio::status) & (status::suspend | status::driver_ok), status::driver_ok);
    other.write(mmio::queue_notify, 0);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioDevice, ReportsSuspendNotNegotiated) {
    driver.bring_up(queue);
    driver.add_status(status::suspend);
    EXPECT_EQ(driver.read(mmio::status) & status::suspend, 0u);
    expect_only("D-3.4.1-1");
}

TEST_F(MmioDevice, ResetsOneQueueWithRingReset) {
    backend.features_[1] |= 1u << (40 - 32);
    sim::MmioDevice with_reset(memory, backend);
    RawDriver other(with_reset);
    with_reset.queue_reset_takes(2);
    other.bring_up(queue);
    other.write(mmio::queue_reset, 1);
    memory.free_pages(queue.pages);
    expect_only("D-3.3.1-2");
    log.clear();
    EXPECT_EQ(other.read(mmio::queue_reset), 1u);
    other.write(mmio::queue_ready, 1);
    expect_only("D-4.2.2.2-23");
    EXPECT_EQ(other.read(mmio::queue_reset), 1u);
    EXPECT_EQ(other.read(mmio::queue_reset), 0u);
    EXPECT_EQ(other.read(mmio::queue_ready), 0u);
    log.clear();
    other.start_queue(queue);
    EXPECT_EQ(other.read(mmio::queue_ready), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioDevice, ReportsQueueResetNotNegotiated) {
    driver.bring_up(queue);
    driver.write(mmio::queue_reset, 1);
    expect_only("S-4.2.2-reset");
}

class MmioQueueReset : public MmioDevice {
protected:
    MmioQueueReset() { device.offer(wire::feature::ring_reset); }

    /// Leaves one chain fetched but not completed.
    Buffer bring_up_with_backlog() {
        device.set_schedule(Schedule::delayed(1));
        driver.bring_up(queue);
        Buffer const buffer = memory.allocate_buffer(64);
        std::memset(buffer.virt, 0x11, 64);
        queue.write(0, {buffer.phys, 32, wire::split::flag_next, 1});
        queue.write(1, {buffer.phys + 32, 16, wire::split::flag_write, 0});
        queue.submit(0);
        driver.notify();
        EXPECT_EQ(device.step(), 0u);
        EXPECT_EQ(device.backlog(), 1u);
        return buffer;
    }
    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            EXPECT_EQ(device.step(), 0u);
        }
    }
};

TEST_F(MmioQueueReset, DropsTheQueueAndItsChains) {
    Buffer const buffer = bring_up_with_backlog();
    driver.write(mmio::queue_reset, 1);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    EXPECT_EQ(driver.read(mmio::queue_ready), 0u);
    EXPECT_EQ(device.ring(), nullptr);
    EXPECT_EQ(device.backlog(), 0u);
    run(3);
    EXPECT_EQ(buffer.virt[32], 0x11);
    memory.free_buffer(buffer);
    EXPECT_EQ(queue.used_idx(), 0);
    EXPECT_EQ(device.interrupts(), 0u);
    EXPECT_TRUE(backend.heads_.empty());
    EXPECT_TRUE(log.empty()) << log;
    RawQueue other(memory, 4);  // §2.6.1.2: with other parameters, from the beginning
    driver.start_queue(other);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    EXPECT_EQ(device.ring()->config().size, 4);
    EXPECT_EQ(device.ring()->next_available(), 0);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioQueueReset, ReportsSetUpDuringTheReset) {
    device.queue_reset_takes(1);
    driver.bring_up(queue);
    driver.write(mmio::queue_reset, 1);
    driver.write(mmio::queue_size, 4);
    expect_only("D-4.2.2.2-23");
    log.clear();
    driver.write(mmio::queue_desc_low, 0);
    expect_only("D-4.2.2.2-23");
    log.clear();
    driver.write(mmio::queue_ready, 1);
    expect_only("D-4.2.2.2-23");
    log.clear();
    driver.write(mmio::queue_reset, 1);
    expect_only("D-4.2.2.2-23");
    log.clear();
    driver.notify();
    expect_only("S-4.2.3.3-index");
    log.clear();
    EXPECT_EQ(driver.read(mmio::queue_reset), 1u);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    driver.start_queue(queue);
    EXPECT_EQ(driver.read(mmio::queue_ready), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioQueueReset, ReportsAMissingSetUp) {
    driver.bring_up(queue);
    for (bool const size_again : {true, false}) {
        driver.write(mmio::queue_ready, 0);
        driver.write(mmio::queue_reset, 1);  // also replaces the read of QueueReady
        EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
        EXPECT_TRUE(log.empty()) << log;
        if (size_again) {
            driver.write(mmio::queue_size, 8);
        } else {
            driver.write_areas(queue);
        }
        driver.write(mmio::queue_ready, 1);
        expect_only("S-4.2.3.2-setup");
        log.clear();
        driver.start_queue(queue);
        EXPECT_TRUE(log.empty()) << log;
    }
}

TEST_F(MmioQueueReset, ReportsAnotherValue) {
    driver.bring_up(queue);
    driver.write(mmio::queue_reset, 0);
    expect_only("S-4.2.2-reset");
    EXPECT_NE(device.ring(), nullptr);
}

TEST_F(MmioQueueReset, NeverEndsWithoutADeviceReset) {
    device.queue_reset_takes(sim::MmioDevice::never);
    driver.bring_up(queue);
    driver.write(mmio::queue_reset, 1);
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(driver.read(mmio::queue_reset), 1u);
    }
    EXPECT_TRUE(log.empty()) << log;
    driver.bring_up(queue);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    EXPECT_EQ(driver.read(mmio::queue_ready), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioQueueReset, ResetsOnlyTheSelectedQueue) {
    driver.bring_up(queue);
    RawQueue second(memory, 8);
    driver.start_queue(second, 1);
    driver.write(mmio::queue_reset, 1);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    EXPECT_EQ(device.ring(1), nullptr);
    EXPECT_NE(device.ring(0), nullptr);
}

TEST_F(MmioQueueReset, KeepsWritingOldBuffers) {
    device.set_queue_reset(QueueReset::keeps_writing);
    device.queue_reset_takes(1);
    Buffer const buffer = bring_up_with_backlog();
    driver.write(mmio::queue_reset, 1);
    run(3);
    EXPECT_EQ(buffer.virt[32], 0x11);  // not before the driver has seen the reset complete
    EXPECT_EQ(driver.read(mmio::queue_reset), 1u);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    driver.start_queue(queue);
    run(1);
    EXPECT_EQ(buffer.virt[31], 0x11);
    EXPECT_EQ(buffer.virt[32], sim::MmioDevice::stray_byte);
    EXPECT_EQ(buffer.virt[47], sim::MmioDevice::stray_byte);
    EXPECT_EQ(buffer.virt[48], 0x11);
    EXPECT_EQ(queue.used_idx(), 0);
    buffer.virt[32] = 0x22;
    run(3);
    EXPECT_EQ(buffer.virt[32], 0x22);  // it writes once
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioQueueReset, StopsWritingOldBuffersAfterReset) {
    device.set_queue_reset(QueueReset::keeps_writing);
    Buffer const gone = bring_up_with_backlog();
    driver.write(mmio::queue_reset, 1);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    memory.free_buffer(gone);
    run(3);
    queue = RawQueue(memory, 8);
    driver.reset();
    Buffer const buffer = bring_up_with_backlog();
    driver.write(mmio::queue_reset, 1);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    driver.bring_up(queue);
    run(3);
    EXPECT_EQ(buffer.virt[32], 0x11);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioQueueReset, PretendsToReset) {
    device.set_queue_reset(QueueReset::ignored);
    Buffer const buffer = bring_up_with_backlog();
    driver.write(mmio::queue_reset, 1);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    EXPECT_EQ(driver.read(mmio::queue_ready), 1u);  // this register shows the truth
    memory.free_buffer(buffer);
    expect_only("D-3.3.1-2");
    EXPECT_EQ(device.step(), 1u);
    EXPECT_EQ(queue.used_idx(), 1);
}

TEST_F(MmioQueueReset, RestartsAPackedQueue) {
    device.offer(wire::feature::ring_packed);
    RawPackedQueue packed(memory, 6);
    Buffer const buffer = memory.allocate_buffer(64);
    driver.bring_up(packed);
    packed.submit(0, {{buffer.phys, 3, wire::packed::flag_write}, {buffer.phys, 3, wire::packed::flag_write}});
    driver.notify();
    EXPECT_EQ(device.step(), 1u);
    driver.write(mmio::queue_reset, 1);
    EXPECT_EQ(driver.read(mmio::queue_reset), 0u);
    EXPECT_EQ(device.packed_ring(), nullptr);
    memory.free_pages(packed.pages);
    RawPackedQueue again(memory, 3);
    driver.start_queue(again);
    EXPECT_EQ(device.packed_ring()->next_available(), PackedPosition{});
    EXPECT_TRUE(log.empty()) << log;
}

// --- notifications and interrupts ---

TEST_F(MmioDevice, ReportsNotificationBeforeDriverOk) {
    driver.negotiate();
    driver.start_queue(queue);
    submit();
    driver.notify();
    expect_only("D-3.1.1-15");
    driver.add_status(status::driver_ok);
    EXPECT_EQ(device.step(), 0u);
}

TEST_F(MmioDevice, ReportsNotificationOfAWrongQueue) {
    driver.bring_up(queue);
    driver.notify(1);  // not enabled
    driver.notify(2);  // absent
    driver.notify(1u << 16);
    EXPECT_EQ(log.count("S-4.2.3.3-index"), 3u) << log;
}

TEST_F(MmioDevice, ChecksNotificationData) {
    device.offer(38);
    driver.bring_up(queue);
    submit();
    driver.notify(1u << 16);
    EXPECT_EQ(device.step(), 1u);
    EXPECT_TRUE(log.empty()) << log;
    submit(1);
    driver.notify(1u << 16);
    expect_only("S-4.2.3.3-data");
}

TEST_F(MmioDevice, ChecksNotificationDataAcrossTheWrap) {
    device.offer(wire::feature::notification_data);
    device.set_start_index(0x7fff);
    driver.bring_up(queue);
    queue.next_available = 0x7fff;
    submit();
    driver.notify(0x8000u << 16);
    EXPECT_EQ(device.step(), 1u);
    driver.notify(0x8000u << 16);  // a second notification is allowed
    EXPECT_TRUE(log.empty()) << log;
    driver.notify(0);
    expect_only("S-2.9-wrap");
    EXPECT_EQ(device.notifications(), 3u);
    log.clear();
    driver.notify(0x8001u << 16);
    expect_only("S-4.2.3.3-data");
    log.clear();
    driver.notify(0x8000u << 16 | 1);
    expect_only("S-4.2.3.3-index");
}

TEST_F(MmioDevice, FetchesOnlyWhenNotified) {
    driver.bring_up(queue);
    submit();
    EXPECT_EQ(device.step(), 0u);
    driver.notify();
    EXPECT_EQ(device.step(), 1u);
    EXPECT_EQ(queue.avail_event(), 1);  // armed for the next chain
}

TEST_F(MmioDevice, FetchesWithoutNotificationWhenPolling) {
    device.set_attention(Attention::polling);
    driver.bring_up(queue);
    EXPECT_EQ(queue.avail_event(), 0xffff);
    submit();
    EXPECT_EQ(device.step(), 1u);
    EXPECT_EQ(queue.avail_event(), 0);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioDevice, InterruptsPerBatchOrPerEntry) {
    driver.bring_up(queue);
    device.publish_each();
    for (uint16_t i = 0; i < 3; ++i) {
        queue.set_used_event(i);
        submit(i);
    }
    int calls = 0;
    device.on_interrupt([&] {
        ++calls;
        queue.set_used_event(queue.used_idx());
    });
    queue.set_used_event(0);
    driver.notify();
    EXPECT_EQ(device.step(), 3u);
    EXPECT_EQ(calls, 3);
    device.publish_each(false);
    for (uint16_t i = 0; i < 3; ++i) {
        submit(i);
    }
    driver.notify();
    EXPECT_EQ(device.step(), 3u);
    EXPECT_EQ(calls, 4);
}

TEST_F(MmioDevice, ReportsUndefinedBitsInInterruptAck) {
    driver.bring_up(queue);
    driver.write(mmio::interrupt_ack, 4);
    expect_only("D-4.2.2.2-22");
}

TEST_F(MmioDevice, InterruptsUnaskedWithAnyBits) {
    driver.bring_up(queue);
    int calls = 0;
    device.on_interrupt([&] { ++calls; });
    device.interrupt_unasked();
    EXPECT_FALSE(device.interrupt_line());
    device.interrupt_unasked(0x80000000u);
    EXPECT_EQ(driver.read(mmio::interrupt_status), 0x80000000u);
    EXPECT_EQ(calls, 2);
}

TEST_F(MmioDevice, CompletesBySchedule) {
    device.set_schedule(Schedule::reversed());
    driver.bring_up(queue);
    for (uint16_t i = 0; i < 3; ++i) {
        submit(i);
    }
    driver.notify();
    EXPECT_EQ(device.step(), 3u);
    EXPECT_EQ(backend.heads_, (std::vector<uint16_t>{2, 1, 0}));
    EXPECT_EQ(queue.used_id(0), 2u);
}

TEST_F(MmioDevice, KeepsWhatTheBackendSwallows) {
    backend.swallow_ = true;
    driver.bring_up(queue);
    Pages const pages = memory.allocate_pages(1);
    queue.write(0, {pages.phys, 8, 0, 0});
    queue.submit(0);
    driver.notify();
    EXPECT_EQ(device.step(), 0u);
    EXPECT_EQ(queue.used_idx(), 0);
    EXPECT_EQ(device.ring()->in_flight(), 1u);
    memory.free_pages(pages);
    expect_only("D-3.3.1-2");
    driver.reset();
    memory.free_pages(pages);
    EXPECT_EQ(log.entries().size(), 1u) << log;
}

// --- packed rings, and IN_ORDER ---

class MmioPackedDevice : public ::testing::Test {
protected:
    GuestMemory memory;
    NullBackend backend;
    RawPackedQueue queue{memory, 6};
    ViolationLog& log = memory.violations();
    Buffer buffer = memory.allocate_buffer(64);

    void offer(std::initializer_list<unsigned> bits) {
        for (unsigned const bit : bits) {
            set_feature(backend.features_, bit);
        }
    }
    void submit(uint16_t id, uint32_t bytes = 3) {
        queue.submit(id, {{buffer.phys, bytes, wire::packed::flag_write}});
    }
    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }
};

TEST_F(MmioPackedDevice, AcceptsACorrectSession) {
    offer({wire::feature::ring_packed, wire::feature::indirect_desc});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    driver.bring_up(queue);
    EXPECT_EQ(device.ring(), nullptr);
    ASSERT_NE(device.packed_ring(), nullptr);
    EXPECT_EQ(device.packed_ring()->config().size, 6);
    EXPECT_TRUE(device.packed_ring()->config().event_idx);
    EXPECT_TRUE(device.packed_ring()->config().indirect);
    EXPECT_FALSE(device.packed_ring()->config().in_order);
    for (uint16_t id = 0; id < 20; ++id) {
        submit(id % 6);
        driver.notify();
        EXPECT_EQ(device.step(), 1u);
        ASSERT_TRUE(queue.has_used());
        EXPECT_EQ(queue.length(queue.next_used.offset), 3u);
        EXPECT_EQ(queue.take_used(), id % 6);
        EXPECT_EQ(queue.get_device_event(), EventSuppression::at(queue.next));  // armed for the next chain
    }
    EXPECT_TRUE(device.interrupt_line());
    Pages const pages = queue.pages;
    memory.free_pages(pages);
    expect_only("D-3.3.1-2");
    log.clear();
    driver.reset();
    EXPECT_EQ(device.packed_ring(), nullptr);
    memory.free_pages(pages);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioPackedDevice, HasSplitRingsWithoutTheFeature) {
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    RawQueue split(memory, 8);
    EXPECT_EQ(device.ring(), nullptr);
    driver.bring_up(split);
    EXPECT_NE(device.ring(), nullptr);
    EXPECT_EQ(device.packed_ring(), nullptr);
}

TEST_F(MmioPackedDevice, AcceptsAnySizeButZero) {
    offer({wire::feature::ring_packed});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    driver.negotiate();
    driver.write(mmio::queue_sel, 0);
    driver.write(mmio::queue_size, 7);
    EXPECT_TRUE(log.empty()) << log;
    driver.write(mmio::queue_size, 0);
    expect_only("S-2.8-size");
}

TEST_F(MmioPackedDevice, StartsAtAnyPositionAndPolls) {
    offer({wire::feature::ring_packed});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    device.set_start_position({5, false});
    device.set_attention(Attention::polling);
    queue.next = queue.next_used = {5, false};
    driver.bring_up(queue);
    EXPECT_EQ(queue.get_device_event(), (EventSuppression{0, wire::packed::event_disable}));
    queue.submit(2, {{buffer.phys, 3, wire::packed::flag_write}, {buffer.phys, 3, wire::packed::flag_write}});
    EXPECT_EQ(device.step(), 1u);
    ASSERT_TRUE(queue.has_used());
    EXPECT_EQ(queue.take_used(), 2);
    EXPECT_EQ(device.packed_ring()->next_used(), (PackedPosition{1, true}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioPackedDevice, NeedsResetAfterAnInvalidList) {
    offer({wire::feature::ring_packed});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    driver.bring_up(queue);
    queue.submit(0, {{PhysAddr{4096}, 16, 0}});
    driver.notify();
    EXPECT_EQ(device.step(), 0u);
    expect_only("S-2.8.4-addr");
    EXPECT_EQ(driver.read(mmio::status), 15u | 64u);
}

TEST_F(MmioPackedDevice, ChecksNotificationData) {
    offer({wire::feature::ring_packed, wire::feature::notification_data});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    device.set_start_position({4, true});
    queue.next = queue.next_used = {4, true};
    driver.bring_up(queue);
    driver.notify(0x8004u << 16);  // nothing is available
    submit(0);
    driver.notify(0x8005u << 16);
    submit(1);
    driver.notify(0);  // offset 0, wrap counter 0
    EXPECT_EQ(device.step(), 2u);
    driver.notify(0);
    queue.submit(2, {{buffer.phys, 3, 0}, {buffer.phys, 3, 0}});
    driver.notify(2u << 16);
    EXPECT_TRUE(log.empty()) << log;
    driver.notify(1u << 16);
    expect_only("D-2.8.16-3");
    log.clear();
    driver.notify(0x8002u << 16);
    expect_only("S-2.9-wrap");
    log.clear();
    driver.notify(2u << 16 | 1);
    expect_only("S-4.2.3.3-index");
}

TEST_F(MmioPackedDevice, HoldsBackEarlyCompletionsInOrder) {
    offer({wire::feature::ring_packed, wire::feature::in_order});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    device.set_schedule({.order = Schedule::Order::reversed, .burst = 3});
    device.publish_each();
    driver.bring_up(queue);
    for (uint16_t const id : {uint16_t{4}, uint16_t{0}, uint16_t{2}}) {
        submit(id);
    }
    driver.notify();
    EXPECT_EQ(device.step(), 3u);
    EXPECT_EQ(backend.heads_, (std::vector<uint16_t>{2, 0, 4}));  // the backend's order differs
    EXPECT_EQ(queue.id(0), 4);
    EXPECT_EQ(queue.id(1), 0);
    EXPECT_EQ(queue.id(2), 2);
    EXPECT_EQ(device.backlog(), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioPackedDevice, WaitsForSwallowedChainsInOrder) {
    offer({wire::feature::ring_packed, wire::feature::in_order});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    driver.bring_up(queue);
    backend.swallow_ = true;
    submit(4);
    driver.notify();
    EXPECT_EQ(device.step(), 0u);
    backend.swallow_ = false;
    submit(0);
    driver.notify();
    EXPECT_EQ(device.step(), 0u);
    EXPECT_FALSE(queue.has_used());
    EXPECT_EQ(device.backlog(), 1u);
    memory.free_buffer(buffer);  // the chain is completed, but not used yet
    expect_only("D-3.3.1-2");
    driver.reset();
    memory.free_buffer(buffer);
    EXPECT_EQ(log.entries().size(), 1u) << log;
    queue = RawPackedQueue(memory, 6);
    buffer = memory.allocate_buffer(64);
    driver.bring_up(queue);
    submit(1);
    driver.notify();
    EXPECT_EQ(device.step(), 1u);  // starts again after a reset
}

TEST_F(MmioPackedDevice, AnswersABatchWithOneEntry) {
    offer({wire::feature::ring_packed, wire::feature::in_order});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    device.set_used_entries(UsedEntries::per_batch);
    driver.bring_up(queue);
    for (uint16_t id = 0; id < 3; ++id) {
        submit(id);
    }
    submit(3, 4);  // not completely written
    submit(4);
    driver.notify();
    EXPECT_EQ(device.step(), 5u);
    EXPECT_EQ(queue.id(0), 3);
    EXPECT_EQ(marks_of(queue.flags(0), true), Marks::used);
    EXPECT_EQ(marks_of(queue.flags(1), true), Marks::available);
    EXPECT_EQ(queue.id(4), 4);
    EXPECT_EQ(marks_of(queue.flags(4), true), Marks::used);
    EXPECT_EQ(device.packed_ring()->next_used(), (PackedPosition{5, true}));
    EXPECT_EQ(device.packed_ring()->in_flight(), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioPackedDevice, EndsABatchBeforeAGap) {
    offer({wire::feature::ring_packed, wire::feature::in_order});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    device.set_used_entries(UsedEntries::per_batch);
    driver.bring_up(queue);
    backend.swallowed_head_ = 2;
    for (uint16_t id = 0; id < 4; ++id) {
        submit(id);
    }
    driver.notify();
    EXPECT_EQ(device.step(), 2u);
    EXPECT_EQ(queue.id(0), 1);
    EXPECT_EQ(marks_of(queue.flags(0), true), Marks::used);
    EXPECT_EQ(device.packed_ring()->next_used(), (PackedPosition{2, true}));
    EXPECT_EQ(device.backlog(), 1u);
}

TEST_F(MmioPackedDevice, AnswersEachAloneWithoutInOrder) {
    offer({wire::feature::ring_packed});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    device.set_used_entries(UsedEntries::per_batch);
    driver.bring_up(queue);
    submit(0);
    submit(1);
    driver.notify();
    EXPECT_EQ(device.step(), 2u);
    EXPECT_EQ(queue.id(0), 0);
    EXPECT_EQ(queue.id(1), 1);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioPackedDevice, KeepsOrderOnASplitRing) {
    offer({wire::feature::in_order});
    sim::MmioDevice device(memory, backend);
    RawDriver driver(device);
    RawQueue split(memory, 8);
    device.set_schedule({.order = Schedule::Order::reversed, .burst = 3});
    driver.bring_up(split);
    auto const send = [&] {
        for (uint16_t i = 0; i < 3; ++i) {
            auto const index = static_cast<uint16_t>(split.next_available % 8);
            split.write(index, {buffer.phys, 3, wire::split::flag_write, 0});
            split.submit(index);
        }
        driver.notify();
        EXPECT_EQ(device.step(), 3u);
    };
    send();
    EXPECT_EQ(backend.heads_, (std::vector<uint16_t>{2, 1, 0}));
    EXPECT_EQ(split.used_idx(), 3);
    EXPECT_EQ(split.used_id(0), 0u);
    EXPECT_EQ(split.used_id(2), 2u);
    device.set_used_entries(UsedEntries::per_batch);
    send();
    EXPECT_EQ(split.used_idx(), 6);
    EXPECT_EQ(split.used_id(3), 5u);
    EXPECT_EQ(device.ring()->in_flight(), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

// --- failing devices ---

TEST_F(MmioDevice, NeedsResetAfterAnInvalidChain) {
    driver.bring_up(queue);
    queue.submit(99);
    driver.notify();
    EXPECT_EQ(device.step(), 0u);
    expect_only("S-2.7.6-head");
    driver.add_status(0);  // the driver has not seen NEEDS_RESET yet: no violation
    EXPECT_EQ(log.entries().size(), 1u) << log;
    EXPECT_EQ(driver.read(mmio::status), 15u | 64u);
    EXPECT_EQ(driver.read(mmio::interrupt_status), 2u);
    driver.add_status(0);  // now it has seen it
    EXPECT_EQ(log.count("D-2.1.1-2"), 1u) << log;
    driver.reset();
    EXPECT_EQ(driver.read(mmio::status), 0u);
    EXPECT_EQ(driver.read(mmio::interrupt_status), 0u);
}

TEST_F(MmioDevice, StopsWorkingWhenItNeedsReset) {
    driver.bring_up(queue);
    submit();
    driver.notify();
    device.need_reset();
    EXPECT_EQ(device.step(), 0u);
    EXPECT_EQ(device.interrupts(), 1u);
}

TEST_F(MmioDevice, ResetsSlowlyOnRequest) {
    driver.bring_up(queue);
    device.reset_takes(2);
    driver.reset();
    memory.free_pages(queue.pages);
    expect_only("D-3.3.1-2");
    EXPECT_EQ(driver.read(mmio::status), 15u);
    EXPECT_EQ(driver.read(mmio::status), 15u);
    EXPECT_EQ(driver.read(mmio::status), 0u);
    memory.free_pages(queue.pages);
    EXPECT_EQ(log.entries().size(), 1u) << log;
}

TEST_F(MmioDevice, ReportsADriverNotAwaitingReset) {
    device.reset_takes(1);
    driver.probe();
    driver.reset();
    driver.add_status(status::acknowledge);
    expect_only("D-2.4.2-1");
}

TEST_F(MmioDevice, NeverResetsOnRequest) {
    device.reset_takes(sim::MmioDevice::never);
    driver.probe();
    driver.reset();
    for (int i = 0; i < 1000; ++i) {
        ASSERT_NE(driver.read(mmio::status), 0u);
    }
    driver.add_status(status::failed);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioDevice, NeverSettlesItsConfig) {
    driver.bring_up(queue);
    uint32_t const generation = driver.read(mmio::config_generation);
    EXPECT_EQ(driver.read(mmio::config_generation), generation);
    device.unsettle_config(1);
    EXPECT_NE(driver.read(mmio::config_generation), generation);
    EXPECT_EQ(driver.read(mmio::config_generation), generation + 1);
    device.unsettle_config();
    EXPECT_NE(driver.read(mmio::config_generation), driver.read(mmio::config_generation));
}

TEST_F(MmioDevice, InterruptsOnAConfigChange) {
    driver.bring_up(queue);
    uint32_t const generation = driver.read(mmio::config_generation);
    device.change_config([&] { backend.config_[0] = 99; });
    EXPECT_EQ(driver.registers.read32(mmio::config) & 0xff, 99u);
    EXPECT_NE(driver.read(mmio::config_generation), generation);
    EXPECT_EQ(driver.read(mmio::interrupt_status), 2u);
}

TEST_F(MmioDevice, RunsAHookBeforeAnAccess) {
    driver.bring_up(queue);
    device.before_access([&](uint16_t offset, bool is_write) {
        if (offset == mmio::config + 4 && !is_write) {
            backend.config_[4] = 0xaa;
        }
    });
    EXPECT_EQ(driver.registers.read32(mmio::config + 4) & 0xff, 0xaau);
}

TEST_F(MmioDevice, Vanishes) {
    driver.bring_up(queue);
    device.vanish();
    EXPECT_EQ(driver.read(mmio::status), 0xffffffffu);
    EXPECT_EQ(driver.registers.read8(mmio::config + 14), 0xffu);
    driver.reset();
    submit();
    driver.notify();
    EXPECT_EQ(device.step(), 0u);
    device.vanish(false);
    EXPECT_EQ(driver.read(mmio::status), 15u);
}

TEST_F(MmioDevice, WorksInItsOwnThread) {
    driver.bring_up(queue);
    std::atomic<bool> stop{false};
    std::thread worker([&] {
        while (!stop) {
            device.step();
            std::this_thread::yield();
        }
    });
    for (int i = 0; i < 200; ++i) {
        auto const before = queue.used_idx();
        submit(static_cast<uint16_t>(i % 8));
        driver.notify();
        while (queue.used_idx() == before) {
            std::this_thread::yield();
        }
    }
    stop = true;
    worker.join();
    EXPECT_EQ(backend.heads_.size(), 200u);
    EXPECT_TRUE(log.empty()) << log;
}

// --- the legacy layout ---

class LegacyMmioDevice : public ::testing::Test {
protected:
    GuestMemory memory;
    NullBackend backend;
    sim::MmioDevice device{memory, backend, MmioVersion::legacy};
    RawDriver driver{device};
    RawQueue queue{memory, 8};
    ViolationLog& log = memory.violations();

    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }
    void greet_and_negotiate() {
        driver.greet();
        driver.write_features(driver.read_features(1), 1);
        driver.write(mmio::queue_sel, 0);
    }
};

TEST_F(LegacyMmioDevice, AcceptsACorrectSession) {
    driver.bring_up_legacy(queue);
    EXPECT_EQ(driver.read(mmio::version), 1u);
    EXPECT_EQ(driver.read(mmio::queue_pfn), queue.pages.phys.value / 4096);
    Buffer const buffer = memory.allocate_buffer(64);
    queue.write(3, {buffer.phys, 64, wire::split::flag_write, 0});
    queue.submit(3);
    driver.notify();
    EXPECT_EQ(device.step(), 1u);
    EXPECT_EQ(queue.used_id(0), 3u);
    EXPECT_TRUE(backend.session_.legacy);
    EXPECT_FALSE(has_feature(backend.session_.features, 32));
    driver.reset();
    EXPECT_EQ(driver.read(mmio::queue_pfn), 0u);
    memory.free_pages(queue.pages);
    EXPECT_TRUE(log.empty()) << log;  // so a driver sees that the reset has disabled the queue
    driver.write(mmio::queue_align, 4096);
    expect_only("D-3.1.1-4");
}

TEST_F(LegacyMmioDevice, PlacesUsedRingByQueueAlign) {
    RawQueue narrow(memory, 8, 64);
    driver.bring_up_legacy(narrow, 4096, 64);
    EXPECT_EQ(device.ring()->config().device_area, narrow.device_area);
    EXPECT_EQ(device.ring()->config().driver_area, narrow.driver_area);
    EXPECT_EQ(narrow.device_area.value - narrow.pages.phys.value, 192u);  // 8 * 16 + 6 + 16 = 150, rounded up to 64
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(LegacyMmioDevice, CountsQueuePfnInGuestPages) {
    driver.bring_up_legacy(queue, 1024);
    EXPECT_EQ(device.ring()->config().descriptor_area, queue.pages.phys);
    EXPECT_EQ(driver.read(mmio::queue_pfn), queue.pages.phys.value / 1024);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(LegacyMmioDevice, ReportsModernRegisters) {
    greet_and_negotiate();
    static_cast<void>(driver.read(mmio::queue_ready));
    static_cast<void>(driver.read(mmio::config_generation));
    driver.write(mmio::queue_desc_low, 0);
    EXPECT_EQ(log.count("D-4.2.2.2-1"), 3u) << log;
}

TEST_F(LegacyMmioDevice, ReportsFeaturesOk) {
    greet_and_negotiate();
    driver.add_status(status::features_ok);
    expect_only("L-3.1.2-1");
    EXPECT_EQ(driver.read(mmio::status), 3u);
}

TEST_F(LegacyMmioDevice, ReportsAMissingGuestPageSize) {
    greet_and_negotiate();
    driver.write(mmio::queue_size, 8);
    driver.write(mmio::queue_align, 4096);
    driver.write(mmio::queue_pfn, 1);
    expect_only("S-4.2.4-page");
    EXPECT_EQ(driver.read(mmio::queue_pfn), 0u);
}

TEST_F(LegacyMmioDevice, ReportsAnInvalidGuestPageSize) {
    greet_and_negotiate();
    driver.write(mmio::guest_page_size, 3000);
    expect_only("S-4.2.4-page");
}

TEST_F(LegacyMmioDevice, ReportsAMissingQueueAlign) {
    greet_and_negotiate();
    driver.write(mmio::guest_page_size, 4096);
    driver.write(mmio::queue_size, 8);
    driver.write(mmio::queue_pfn, static_cast<uint32_t>(queue.pages.phys.value / 4096));
    expect_only("S-4.2.4-align");
}

TEST_F(LegacyMmioDevice, ReportsAMissingQueueSize) {
    greet_and_negotiate();
    driver.write(mmio::guest_page_size, 4096);
    driver.write(mmio::queue_align, 4096);
    driver.write(mmio::queue_pfn, static_cast<uint32_t>(queue.pages.phys.value / 4096));
    expect_only("S-4.2.3.2-setup");
}

TEST_F(LegacyMmioDevice, ReportsAQueueInUse) {
    driver.bring_up_legacy(queue);
    static_cast<void>(driver.read(mmio::queue_size_max));
    driver.write(mmio::queue_size, 8);
    driver.write(mmio::queue_align, 4096);
    driver.write(mmio::queue_pfn, 7);
    EXPECT_EQ(log.count("S-4.2.4-in-use"), 4u) << log;
    log.clear();
    driver.write(mmio::queue_pfn, 0);
    memory.free_pages(queue.pages);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(LegacyMmioDevice, ReportsAQueueOutsideMemory) {
    greet_and_negotiate();
    driver.write(mmio::guest_page_size, 4096);
    driver.write(mmio::queue_size, 8);
    driver.write(mmio::queue_align, 4096);
    driver.write(mmio::queue_pfn, 5);
    expect_only("S-2.7-ram");
    EXPECT_EQ(driver.read(mmio::queue_pfn), 0u);
}

TEST_F(LegacyMmioDevice, ServesButReportsEarlyNotifications) {
    driver.greet();
    driver.write_features(driver.read_features(1), 1);
    driver.write(mmio::guest_page_size, 4096);
    driver.write(mmio::queue_sel, 0);
    driver.write(mmio::queue_size, 8);
    driver.write(mmio::queue_align, 4096);
    driver.write(mmio::queue_pfn, static_cast<uint32_t>(queue.pages.phys.value / 4096));
    Buffer const buffer = memory.allocate_buffer(64);
    queue.write(0, {buffer.phys, 64, wire::split::flag_write, 0});
    queue.submit(0);
    driver.notify();
    expect_only("D-3.1.1-15");
    EXPECT_EQ(device.step(), 1u);
}

TEST_F(LegacyMmioDevice, ReportsAnyLayoutNotAccepted) {
    device.offer(wire::feature::any_layout);
    driver.greet();
    static_cast<void>(driver.read_features(1));
    driver.write_features({0, 0, 0, 0}, 1);
    driver.add_status(status::driver_ok);
    expect_only("L-6.3-1");
}

// --- faults of existing devices ---

TEST_F(MmioDevice, ReportsQueueEnabledAfterDriverOk) {
    driver.bring_up(queue);
    EXPECT_TRUE(log.empty()) << log;
    RawQueue second{memory, 8};
    driver.start_queue(second, 1);
    expect_only("D-3.1.1-11");
    log.clear();
    driver.reset();
}

TEST_F(MmioDevice, AllowsQueueReadsAfterAReset) {
    driver.bring_up(queue);
    driver.reset();
    EXPECT_EQ(driver.read(mmio::status), 0u);
    driver.write(mmio::queue_sel, 0);
    EXPECT_EQ(driver.read(mmio::queue_ready), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(MmioDevice, OverwritingTheStatusLosesNeedsReset) {
    device.keep_status_as_written();
    driver.probe();
    driver.reset();
    driver.add_status(status::acknowledge);
    device.need_reset();
    driver.add_status(status::driver);  // no rule is broken, since the driver has not seen the bit, which is lost now
    EXPECT_EQ(driver.read(mmio::status), status::acknowledge | status::driver);
    device.need_reset();
    EXPECT_NE(driver.read(mmio::status) & status::needs_reset, 0u);
    EXPECT_EQ(log.count("D-2.1.1-2"), 0u);
    driver.add_status(status::failed);  // the driver has seen the bit
    EXPECT_EQ(log.count("D-2.1.1-2"), 1u);
    log.clear();
}

TEST_F(MmioDevice, AnswersAResetWithFailed) {
    device.set_device_reset(DeviceReset::fails_alone);
    driver.bring_up(queue);
    driver.reset();
    EXPECT_EQ(driver.read(mmio::status), status::failed);
    driver.reset();
    EXPECT_EQ(driver.read(mmio::status), status::failed);
    EXPECT_NE(device.ring(), nullptr);
    device.set_device_reset(DeviceReset::honest);
    driver.reset();
    EXPECT_EQ(driver.read(mmio::status), 0u);
    log.clear();
}

TEST_F(MmioDevice, KeepsQueuesAcrossAReset) {
    device.set_device_reset(DeviceReset::keeps_queues);
    driver.bring_up(queue);
    driver.reset();
    EXPECT_EQ(driver.read(mmio::status), 0u);
    EXPECT_NE(device.ring(), nullptr);
    driver.write(mmio::queue_sel, 0);
    EXPECT_EQ(driver.read(mmio::queue_ready), 1u);
    device.set_device_reset(DeviceReset::honest);
    driver.reset();
    EXPECT_EQ(driver.read(mmio::queue_ready), 0u);
}

TEST_F(MmioDevice, NeedsResetAboveItsLastAddress) {
    device.set_address_end(std::uint64_t{1} << 32);
    driver.bring_up(queue);
    EXPECT_NE(device.status() & status::needs_reset, 0u);
    log.clear();
}

}  // namespace virtq::sim_test
