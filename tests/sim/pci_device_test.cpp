// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include <sim/block_device.hpp>
#include <sim/pci_machine.hpp>

namespace virtq::sim_test {

class PciModern : public PciMachine {
protected:
    using PciMachine::PciMachine;
    [[nodiscard]] BarSpace const& regs() const { return driver->common; }
};

// --- correct use ---

TEST_F(PciModern, AcceptsACorrectSession) {
    driver->bring_up(queue);
    EXPECT_EQ(device->status(), 15u);
    EXPECT_EQ(device->status_history(), (std::vector<uint32_t>{0, 1, 3, 11, 15}));
    EXPECT_TRUE(has_feature(backend.session_.features, 32));
    EXPECT_FALSE(backend.session_.legacy);
    submit(queue);
    EXPECT_EQ(device->step(), 0u);  // not notified
    driver->notify();
    EXPECT_EQ(device->step(), 1u);
    EXPECT_EQ(queue.used_idx(), 1);
    EXPECT_EQ(queue.used_length(0), 3u);
    EXPECT_EQ(device->notifications(), 1u);
    EXPECT_EQ(driver->isr.read8(0), 1);
    driver->reset();
    EXPECT_EQ(device->status(), 0u);
    memory.free_pages(queue.pages);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, HasResetValues) {
    EXPECT_EQ(regs().read16(common::num_queues), 2);
    EXPECT_EQ(regs().read8(common::device_status), 0);
    EXPECT_EQ(regs().read16(common::config_msix_vector), 0xffff);
    driver->negotiate();
    EXPECT_EQ(regs().read16(common::queue_select), 0);
    EXPECT_EQ(regs().read16(common::queue_size), 16);
    EXPECT_EQ(regs().read16(common::queue_msix_vector), 0xffff);
    EXPECT_EQ(regs().read16(common::queue_enable), 0);
    EXPECT_EQ(regs().read32(common::queue_desc), 0u);
    driver->select(1);
    EXPECT_EQ(regs().read16(common::queue_notify_off), 1);
    driver->select(2);
    EXPECT_EQ(regs().read16(common::queue_size), 0);
    EXPECT_EQ(regs().read16(common::queue_msix_vector), 0xffff);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, ReadsBackWhatWasWritten) {
    driver->negotiate();
    regs().write16(common::queue_size, 4);
    regs().write32(common::queue_desc, 0x11223344);
    regs().write32(common::queue_desc + 4, 0x55667788);
    regs().write32(common::queue_driver + 4, 0x99);
    regs().write32(common::queue_device, 0xaa);
    EXPECT_EQ(regs().read16(common::queue_size), 4);
    EXPECT_EQ(regs().read32(common::queue_desc), 0x11223344u);
    EXPECT_EQ(regs().read32(common::queue_desc + 4), 0x55667788u);
    EXPECT_EQ(regs().read32(common::queue_driver), 0u);
    EXPECT_EQ(regs().read32(common::queue_driver + 4), 0x99u);
    EXPECT_EQ(regs().read32(common::queue_device), 0xaau);
    EXPECT_EQ(regs().read32(common::queue_device + 4), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, Offers128BitsOfFeatures) {
    device->offer(70);
    device->offer(127);
    driver->greet();
    EXPECT_EQ(driver->read_features(), (FeatureWords{1u << 5, 1, 1u << 6, 1u << 31}));
    regs().write32(common::device_feature_select, 4);
    EXPECT_EQ(regs().read32(common::device_feature), 0u);
    EXPECT_EQ(regs().read32(common::device_feature_select), 4u);
    driver->write_features({1u << 5, 1, 0, 0});
    regs().write32(common::driver_feature_select, 1);
    EXPECT_EQ(regs().read32(common::driver_feature), 1u);
    EXPECT_EQ(regs().read32(common::driver_feature_select), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, RunsADisksSplitQueue) {
    BlockDevice disk(log, {.sectors = 8});
    PciDevice second(memory, disk);
    PciSlot const where{1, 9, 0};
    bus.add(where, second);
    bus.assign();
    EXPECT_EQ(bus.read16(where, pci::device_id), 0x1042);
    RawPciDriver other(bus, second, PciLayout::modern(), where);
    other.bring_up(queue);
    EXPECT_EQ(other.config.read32(0), 8u);
    Buffer const buffer = memory.allocate_buffer(512 + 17);
    std::memset(buffer.virt, 0, 16);
    queue.write(0, {buffer.phys, 16, 1, 1});
    queue.write(1, {buffer.phys + 16, 513, 2, 0});
    queue.submit(0);
    other.notify();
    EXPECT_EQ(second.step(), 1u);
    EXPECT_EQ(queue.used_length(0), 513u);
    EXPECT_EQ(buffer.virt[16 + 512], 0);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, RunsPackedQueuesOfAnySize) {
    device->offer(wire::feature::ring_packed);
    device->set_start_position({2, false});
    RawPackedQueue packed(memory, 5, {2, false});
    driver->bring_up(packed);
    ASSERT_NE(device->packed_ring(), nullptr);
    EXPECT_EQ(device->packed_ring()->config().size, 5);
    Buffer const buffer = memory.allocate_buffer(64);
    packed.submit(1, {{buffer.phys, 64, wire::packed::flag_write}});
    driver->notify();
    EXPECT_EQ(device->step(), 1u);
    EXPECT_TRUE(packed.has_used());
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, DefaultsToTheMaximumSize) {
    driver->negotiate();
    RawQueue whole(memory, 16);
    driver->write_areas(whole);
    regs().write16(common::queue_enable, 1);
    EXPECT_EQ(regs().read16(common::queue_enable), 1);
    EXPECT_EQ(device->ring()->config().size, 16);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, IgnoresAQueueSizeOnRequest) {
    device->ignore_queue_size();
    driver->negotiate();
    regs().write16(common::queue_size, 4);
    EXPECT_EQ(regs().read16(common::queue_size), 16);
    EXPECT_TRUE(log.empty()) << log;
}

// --- widths and directions ---

TEST_F(PciModern, ReportsAWrongWidth) {
    static_cast<void>(regs().read32(common::device_status));
    static_cast<void>(regs().read16(common::device_status));
    EXPECT_EQ(log.count("D-4.1.3.1-1"), 2u) << log;
    regs().write32(common::queue_select, 0);
    static_cast<void>(regs().read8(common::num_queues));
    static_cast<void>(regs().read16(common::num_queues + 1));
    EXPECT_EQ(log.count("D-4.1.3.1-2"), 3u) << log;
    regs().write16(common::device_feature_select, 0);
    static_cast<void>(regs().read8(common::queue_desc + 4));
    static_cast<void>(regs().read32(common::queue_desc + 2));
    EXPECT_EQ(log.count("D-4.1.3.1-3"), 3u) << log;
    EXPECT_EQ(log.entries().size(), 8u) << log;
}

TEST_F(PciModern, DoesNothingForAWrongWidth) {
    driver->negotiate();
    log.clear();
    regs().write32(common::queue_select, 1);
    EXPECT_EQ(regs().read16(common::queue_select), 0);
    EXPECT_EQ(regs().read32(common::num_queues), 0u);
}

TEST_F(PciModern, ReportsWritesToReadOnlyFields) {
    for (uint16_t const field : {common::num_queues, common::queue_notify_off, common::queue_notif_config_data}) {
        regs().write16(field, 0);
    }
    regs().write32(common::device_feature, 0);
    regs().write8(common::config_generation, 0);
    EXPECT_EQ(log.count("D-4.1.4.3.2-1"), 5u) << log;
    EXPECT_EQ(log.entries().size(), 5u) << log;
}

TEST_F(PciModern, ReportsAccessOutsideTheStructures) {
    EXPECT_EQ(driver->bars[4].read32(0x100), 0u);
    driver->bars[4].write8(0x0fff, 0);
    EXPECT_EQ(log.count("S-4.1.4-structure"), 2u) << log;
}

TEST_F(PciModern, ReportsFieldsWithoutTheirFeature) {
    driver->negotiate();
    static_cast<void>(regs().read16(common::queue_notif_config_data));
    static_cast<void>(regs().read16(common::queue_reset));
    regs().write16(common::queue_reset, 1);
    static_cast<void>(regs().read16(common::admin_queue_index));
    static_cast<void>(regs().read16(common::admin_queue_num));
    EXPECT_EQ(log.count("S-4.1.4.3-absent"), 5u) << log;
    EXPECT_EQ(log.entries().size(), 5u) << log;
}

// --- status and features ---

TEST_F(PciModern, ReportsADriverNotAwaitingReset) {
    regs().write8(common::device_status, 0);
    regs().write8(common::device_status, 1);
    expect_only("D-4.1.4.3.2-5");
}

TEST_F(PciModern, ResetsAfterSeveralReads) {
    device->reset_takes(3);
    regs().write8(common::device_status, 0);
    EXPECT_NE(regs().read8(common::device_status), 0);
    regs().write8(common::device_status, 1);
    expect_only("D-4.1.4.3.2-5");
    log.clear();
    EXPECT_NE(regs().read8(common::device_status), 0);
    EXPECT_NE(regs().read8(common::device_status), 0);
    EXPECT_EQ(regs().read8(common::device_status), 0);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, AllowsFailedDuringAReset) {
    device->reset_takes(PciDevice::never);
    regs().write8(common::device_status, 0);
    regs().write8(common::device_status, status::failed);
    regs().write8(common::device_status, 0);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, NeverEndsAResetOnRequest) {
    driver->bring_up(queue);
    device->reset_takes(PciDevice::never);
    regs().write8(common::device_status, 0);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_NE(regs().read8(common::device_status), 0);
    }
    device->reset_takes(0);
    EXPECT_EQ(regs().read8(common::device_status), 0);
    EXPECT_EQ(device->ring(), nullptr);
}

TEST_F(PciModern, ClearsAllInAReset) {
    driver->bring_up(queue);
    driver->select(1);
    driver->reset();
    EXPECT_EQ(device->ring(), nullptr);
    driver->greet();
    regs().write32(common::driver_feature_select, 1);
    EXPECT_EQ(regs().read32(common::driver_feature), 0u);
    EXPECT_EQ(regs().read16(common::queue_select), 0);
    log.clear();  // no features were negotiated
    EXPECT_EQ(regs().read16(common::queue_enable), 0);
    EXPECT_EQ(regs().read16(common::queue_size), 16);
    EXPECT_EQ(regs().read32(common::queue_desc), 0u);
}

TEST_F(PciModern, RefusesFeaturesOk) {
    device->refuse_features_ok();
    driver->negotiate();
    EXPECT_EQ(regs().read8(common::device_status), 3);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, ReportsFeatureFieldsWithoutSelection) {
    driver->greet();
    static_cast<void>(regs().read32(common::device_feature));
    expect_only("S-4.1.4.3-offered");
    log.clear();
    regs().write32(common::driver_feature, 1u << 5);
    expect_only("S-4.1.4.3-accepted");
}

TEST_F(PciModern, ReportsFeaturesOutOfTurn) {
    driver->negotiate();
    regs().write32(common::driver_feature, 0);
    expect_only("D-3.1.1-9");
    log.clear();
    driver->reset();
    driver->write_features({});
    EXPECT_TRUE(log.contains("D-3.1.1-4")) << log;
}

TEST_F(PciModern, AllowsPciOnlyFeatures) {
    device->offer(wire::feature::sr_iov);
    driver->negotiate();
    EXPECT_TRUE(has_feature(device->accepted_features(), wire::feature::sr_iov));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, ReportsSetupBeforeFeaturesOk) {
    driver->greet();
    driver->select(0);
    expect_only("D-3.1.1-8");
}

// --- queues ---

TEST_F(PciModern, ReportsAWrongQueueSize) {
    driver->negotiate();
    regs().write16(common::queue_size, 3);
    regs().write16(common::queue_size, 0);
    EXPECT_EQ(log.count("D-4.1.4.3.2-3"), 2u) << log;
    regs().write16(common::queue_size, 32);
    EXPECT_EQ(log.count("S-4.1.4.3-size"), 1u) << log;
    EXPECT_EQ(log.entries().size(), 3u) << log;
    EXPECT_EQ(regs().read16(common::queue_size), 16);
}

TEST_F(PciModern, ReportsAPackedQueueOfZero) {
    device->offer(wire::feature::ring_packed);
    driver->negotiate();
    regs().write16(common::queue_size, 0);
    expect_only("D-4.1.4.3.2-2");
}

TEST_F(PciModern, ReportsQueuesEnabledBeforeSetUp) {
    driver->negotiate();
    regs().write16(common::queue_enable, 1);
    expect_only("D-4.1.4.3.2-4");
    EXPECT_EQ(regs().read16(common::queue_enable), 0);
    log.clear();
    driver->write_areas(queue);
    regs().write16(common::queue_size, 8);
    regs().write16(common::queue_enable, 1);
    EXPECT_TRUE(log.empty()) << log;
    EXPECT_EQ(regs().read16(common::queue_enable), 1);
}

TEST_F(PciModern, ReportsAnUnwrittenHalf) {
    driver->negotiate();
    for (uint16_t half = 0; half < 5; ++half) {
        regs().write32(static_cast<uint16_t>(common::queue_desc + 4 * half), 0x1000);
    }
    regs().write16(common::queue_enable, 1);
    expect_only("D-4.1.4.3.2-4");
}

TEST_F(PciModern, ReportsChangesOfAnEnabledQueue) {
    driver->bring_up(queue);
    regs().write16(common::queue_size, 4);
    regs().write32(common::queue_device + 4, 0);
    regs().write16(common::queue_msix_vector, 1);
    EXPECT_EQ(log.count("D-4.1.4.3.2-4"), 3u) << log;
    log.clear();
    regs().write16(common::queue_enable, 0);
    expect_only("D-4.1.4.3.2-6");
    EXPECT_EQ(regs().read16(common::queue_enable), 1);
    log.clear();
    regs().write16(common::queue_enable, 1);
    expect_only("S-4.1.4.3-enable");
    regs().write16(common::queue_msix_vector, 0xffff);
    expect_only("S-4.1.4.3-enable");
}

TEST_F(PciModern, ReportsAnAbsentQueue) {
    driver->negotiate();
    driver->select(2);
    regs().write16(common::queue_size, 8);
    expect_only("S-4.1.5.1.3-absent");
    log.clear();
    device->set_queue_size_max(0);
    driver->select(0);
    EXPECT_EQ(regs().read16(common::queue_size), 0);
    regs().write16(common::queue_enable, 1);
    expect_only("S-4.1.5.1.3-absent");
}

TEST_F(PciModern, RefusesToEnableOnRequest) {
    device->refuse_queue_enable();
    driver->negotiate();
    driver->start_queue(queue);
    EXPECT_EQ(regs().read16(common::queue_enable), 0);
    EXPECT_EQ(device->ring(), nullptr);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, HoldsQueueMemoryUntilTheReset) {
    driver->bring_up(queue);
    memory.free_pages(queue.pages);
    expect_only("D-3.3.1-2");
}

// --- queue reset ---

class PciQueueReset : public PciModern {
protected:
    void SetUp() override {
        PciModern::SetUp();
        device->offer(wire::feature::ring_reset);
    }
};

TEST_F(PciQueueReset, DropsTheQueueAndItsVector) {
    driver->enable_msix();
    driver->negotiate();
    EXPECT_EQ(driver->map_vector(common::queue_msix_vector, 1), 1);
    driver->start_queue(queue);
    driver->add_status(status::driver_ok);
    EXPECT_EQ(regs().read16(common::queue_reset), 0);
    regs().write16(common::queue_reset, 1);
    EXPECT_EQ(regs().read16(common::queue_reset), 0);
    EXPECT_EQ(regs().read16(common::queue_enable), 0);
    EXPECT_EQ(regs().read16(common::queue_size), 16);
    EXPECT_EQ(regs().read16(common::queue_msix_vector), 0xffff);
    memory.free_pages(queue.pages);
    RawQueue second(memory, 4);
    driver->start_queue(second);
    EXPECT_EQ(regs().read16(common::queue_enable), 1);
    EXPECT_EQ(regs().read16(common::queue_reset), 0);
    EXPECT_EQ(device->ring()->config().size, 4);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciQueueReset, LastsSeveralReads) {
    device->queue_reset_takes(2);
    driver->bring_up(queue);
    regs().write16(common::queue_reset, 1);
    EXPECT_EQ(regs().read16(common::queue_reset), 1);
    regs().write16(common::queue_size, 4);
    EXPECT_EQ(log.count("D-4.1.4.3.2-7"), 1u) << log;
    regs().write16(common::queue_reset, 1);
    EXPECT_EQ(log.count("D-4.1.4.3.2-7"), 2u) << log;
    EXPECT_EQ(regs().read16(common::queue_reset), 1);
    EXPECT_EQ(regs().read16(common::queue_reset), 0);
    EXPECT_EQ(log.entries().size(), 2u) << log;
}

TEST_F(PciQueueReset, ReportsOtherValuesAndEarlyFrees) {
    driver->bring_up(queue);
    regs().write16(common::queue_reset, 0);
    expect_only("S-4.1.4.3-reset");
    log.clear();
    regs().write16(common::queue_reset, 1);
    memory.free_pages(queue.pages);
    expect_only("D-3.3.1-2");
}

TEST_F(PciQueueReset, HoldsMemoryUntilReset) {
    driver->bring_up(queue);
    EXPECT_EQ(regs().read16(common::queue_reset), 0);
    memory.free_pages(queue.pages);
    expect_only("D-3.3.1-2");
}

TEST_F(PciQueueReset, MayBePretended) {
    driver->bring_up(queue);
    device->set_queue_reset(QueueReset::ignored);
    regs().write16(common::queue_reset, 1);
    EXPECT_EQ(regs().read16(common::queue_reset), 0);
    EXPECT_EQ(regs().read16(common::queue_enable), 1);
    device->set_queue_reset(QueueReset::keeps_writing);
    backend.swallow_ = false;
    device->set_schedule(Schedule::delayed(1000));
    Buffer const buffer = memory.allocate_buffer(64);
    std::memset(buffer.virt, 0, 64);
    RawQueue slow(memory, 8);
    driver->reset();
    driver->bring_up(slow);
    slow.write(0, {buffer.phys, 64, wire::split::flag_write, 0});
    slow.submit(0);
    driver->notify();
    EXPECT_EQ(device->step(), 0u);
    EXPECT_EQ(device->backlog(), 1u);
    regs().write16(common::queue_reset, 1);
    EXPECT_EQ(regs().read16(common::queue_reset), 0);
    device->step();
    EXPECT_EQ(buffer.virt[0], PciDevice::stray_byte);
}

// --- notifications ---

TEST_F(PciModern, ReportsNotificationsOfWrongKind) {
    driver->negotiate();
    driver->start_queue(queue);
    driver->notify();
    expect_only("D-3.1.1-15");
    log.clear();
    driver->add_status(status::driver_ok);
    driver->notification.write32(0, 0);
    expect_only("D-4.1.5.2.1-1");
    log.clear();
    driver->notification.write16(0, 1);  // not enabled
    driver->notification.write16(0, 7);  // absent
    EXPECT_EQ(log.count("D-4.1.5.2.1-3"), 2u) << log;
    log.clear();
    driver->notification.write16(4, 0);
    expect_only("S-4.1.4.4-address");
    log.clear();
    static_cast<void>(driver->notification.read16(0));
    expect_only("S-4.1.4.4-read");
    EXPECT_EQ(device->notifications(), 0u);
}

TEST_F(PciModern, GivesEachQueueItsAddress) {
    driver->negotiate();
    driver->start_queue(queue);
    RawQueue second(memory, 8);
    driver->start_queue(second, 1);
    driver->add_status(status::driver_ok);
    driver->notify(1);
    EXPECT_EQ(device->notifications(0), 0u);
    EXPECT_EQ(device->notifications(1), 1u);
    driver->notification.write16(0, 1);
    expect_only("S-4.1.4.4-address");
}

TEST_F(PciModern, ChecksNotificationData) {
    device->offer(wire::feature::notification_data);
    driver->bring_up(queue);
    submit(queue);
    driver->notification.write16(0, 0);
    expect_only("D-4.1.5.2.1-2");
    log.clear();
    driver->notification.write32(0, 1u << 16);
    EXPECT_EQ(device->notifications(), 1u);
    EXPECT_TRUE(log.empty()) << log;
    driver->notification.write32(0, 2u << 16);
    expect_only("S-4.1.5.2-data");
    log.clear();
    driver->notification.write32(0, 1u << 31 | 1u << 16);
    expect_only("S-2.9-wrap");
    log.clear();
    driver->notification.write32(0, 1u << 16 | 1);
    expect_only("D-4.1.5.2.1-4");
}

TEST_F(PciModern, IdentifiesQueuesByConfigData) {
    device->offer(wire::feature::notif_config_data);
    device->set_notif_config_data(0x1234);
    driver->bring_up(queue);
    EXPECT_EQ(regs().read16(common::queue_notif_config_data), 0x1234);
    driver->notification.write16(0, 0x1234);
    EXPECT_EQ(device->notifications(), 1u);
    EXPECT_TRUE(log.empty()) << log;
    driver->notification.write16(0, 0);
    expect_only("D-4.1.5.2.1-5");
}

TEST_F(PciModern, CombinesConfigDataAndNotificationData) {
    device->offer(wire::feature::notif_config_data);
    device->offer(wire::feature::notification_data);
    device->set_notif_config_data(0x1234);
    driver->bring_up(queue);
    driver->notification.write32(0, 0x1234);
    EXPECT_EQ(device->notifications(), 1u);
    EXPECT_TRUE(log.empty()) << log;
    driver->notification.write32(0, 0);
    expect_only("D-4.1.5.2.1-6");
}

class PciOneDoorbell : public PciModern {
protected:
    PciOneDoorbell() : PciModern(changed()) {}
    static PciLayout changed() {
        PciLayout layout = PciLayout::modern();
        layout.notify_off_multiplier = 0;
        layout.notify_off = {5, 6};
        return layout;
    }
};

TEST_F(PciOneDoorbell, HasOneAddressForAllQueues) {
    driver->negotiate();
    driver->start_queue(queue);
    RawQueue second(memory, 8);
    driver->start_queue(second, 1);
    EXPECT_EQ(regs().read16(common::queue_notify_off), 6);
    driver->add_status(status::driver_ok);
    driver->notification.write16(0, 1);
    driver->notification.write16(0, 0);
    EXPECT_EQ(device->notifications(0), 1u);
    EXPECT_EQ(device->notifications(1), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, ReportsANotificationWithoutBusMaster) {
    driver->bring_up(queue);
    submit(queue);
    driver->set_command(pci::command_bus_master, false);
    driver->notify();
    expect_only("S-4.1.1-master");
    EXPECT_EQ(device->step(), 0u);
    EXPECT_EQ(queue.used_idx(), 0);
    driver->set_command(pci::command_bus_master, true);
    EXPECT_EQ(device->step(), 1u);
}

TEST_F(PciModern, FetchesNothingWhileNeedingReset) {
    driver->bring_up(queue);
    submit(queue);
    driver->notify();
    device->need_reset();
    EXPECT_EQ(device->step(), 0u);
    EXPECT_EQ(device->status(), 15u | 64);
    EXPECT_EQ(driver->isr.read8(0), 2);
}

// --- device configuration ---

TEST_F(PciModern, ReadsAndWritesTheDeviceConfiguration) {
    driver->negotiate();
    EXPECT_EQ(driver->config.read32(0), 0x04030201u);
    EXPECT_EQ(driver->config.read32(4), 0x08070605u);
    EXPECT_EQ(driver->config.read16(12), 0x0e0d);
    EXPECT_EQ(driver->config.read8(14), 15);
    driver->config.write32(8, 0x01020304);
    EXPECT_EQ(backend.config_[8], 4);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciModern, ReportsWrongConfigurationAccess) {
    driver->negotiate();
    static_cast<void>(driver->config.read8(0));
    EXPECT_EQ(log.count("D-4.1.3.1-3"), 1u) << log;
    static_cast<void>(driver->config.read8(12));
    EXPECT_EQ(log.count("D-4.1.3.1-2"), 1u) << log;
    static_cast<void>(driver->config.read16(14));
    EXPECT_EQ(log.count("D-4.1.3.1-1"), 1u) << log;
    static_cast<void>(driver->config.read8(16));
    EXPECT_EQ(log.count("S-4.1.4-structure"), 1u) << log;
    driver->config.write16(12, 0);
    EXPECT_EQ(log.count("S-4.1.4.6-config"), 1u) << log;
    EXPECT_EQ(log.entries().size(), 5u) << log;
}

TEST_F(PciModern, GenerationShowsManyChanges) {
    driver->bring_up(queue);
    uint8_t const before = regs().read8(common::config_generation);
    for (int i = 0; i < 256; ++i) {  // 8 bits would wrap to the old value
        device->change_config([&] { ++backend.config_[0]; });
    }
    static_cast<void>(driver->config.read32(0));
    EXPECT_NE(regs().read8(common::config_generation), before);
    EXPECT_EQ(driver->isr.read8(0), 2);
}

TEST_F(PciModern, UnsettlesTheConfiguration) {
    device->unsettle_config(2);
    uint8_t const first = regs().read8(common::config_generation);
    EXPECT_NE(regs().read8(common::config_generation), first);
    EXPECT_EQ(regs().read8(common::config_generation), regs().read8(common::config_generation));
}

// --- suspend ---

TEST_F(PciModern, SuspendsAndResumes) {
    device->offer(wire::feature::suspend);
    driver->bring_up(queue);
    submit(queue);
    regs().write8(common::device_status, 15 | status::suspend);
    EXPECT_EQ(regs().read8(common::device_status), 11 | status::suspend);
    driver->notify();
    expect_only("D-3.4.1-4");
    log.clear();
    driver->config.write32(8, 0);
    expect_only("D-3.4.1-5");
    log.clear();
    device->set_attention(Attention::polling);
    EXPECT_EQ(device->step(), 0u);
    regs().write8(common::device_status, 15 | status::suspend);
    EXPECT_EQ(regs().read8(common::device_status), 15);
    EXPECT_EQ(device->step(), 1u);
}

TEST_F(PciModern, IgnoresSuspendNotNegotiated) {
    driver->bring_up(queue);
    regs().write8(common::device_status, 15 | status::suspend);
    expect_only("D-3.4.1-1");
    EXPECT_EQ(regs().read8(common::device_status), 15);
}

}  // namespace virtq::sim_test
