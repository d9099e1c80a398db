// SPDX-License-Identifier: MIT
#include <device/disk_machine.hpp>
#include <transport/pci_machine.hpp>

#include <cstdint>

/// A transport remembers which queue it notified last, until the device is reset.
namespace virtq::test {

using namespace virtq::detail;

namespace {

template <class T>
void expect_remembers(T& transport) {
    EXPECT_FALSE(transport.record().last_notify().any);
    transport.notify(0, 0);
    EXPECT_TRUE(transport.record().last_notify().any);
    EXPECT_EQ(transport.record().last_notify().queue, 0u);
    transport.set_status(transport.status());
    EXPECT_TRUE(transport.record().last_notify().any);
    transport.set_status(DeviceStatus{});
    EXPECT_FALSE(transport.record().last_notify().any);
}

TEST(TransportRecord, StopsCountingAtTheLargestNumber) {
    TransportRecord record;
    EXPECT_EQ(record.interrupt_calls(), 0u);
    record.add_interrupt();
    EXPECT_EQ(record.interrupt_calls(), 1u);
    EXPECT_EQ(record.vector_calls(), 0u);
    for (unsigned i = 0; i < 0x10000; ++i) {
        record.add_interrupt();
        record.add_vector();
    }
    EXPECT_EQ(record.interrupt_calls(), UINT16_MAX);
    EXPECT_EQ(record.vector_calls(), UINT16_MAX);
}

TEST(TransportRecord, HoldsEachNumberOfAQueue) {
    TransportRecord record;
    EXPECT_FALSE(record.last_notify().any);
    record.add_notify(0xffff);
    EXPECT_TRUE(record.last_notify().any);
    EXPECT_EQ(record.last_notify().queue, 0xffff);
    record.set_status(DeviceStatus{});
    EXPECT_FALSE(record.last_notify().any);
}

TEST(TransportRecord, KeepsTheHighestQueueAcrossResets) {
    TransportRecord record;
    record.add_queue(5);
    record.add_queue(2);
    EXPECT_TRUE(record.is_in_use());
    record.set_status(DeviceStatus{});
    EXPECT_FALSE(record.is_in_use());
    EXPECT_EQ(record.enabled_queue_end(), 6u);
}

TEST(TransportRecord, RemembersFeaturesOkUntilAReset) {
    TransportRecord record;
    record.set_status(DeviceStatus{3});  // ACKNOWLEDGE, DRIVER
    EXPECT_FALSE(record.has_asked_features_ok());
    record.set_status(DeviceStatus{11});  // and FEATURES_OK
    EXPECT_TRUE(record.has_asked_features_ok());
    record.set_status(DeviceStatus{});
    EXPECT_FALSE(record.has_asked_features_ok());
}

TEST(TransportRecord, RemembersNotifyOverMmio) {
    DiskMachine<> mmio;
    mmio.bring_up();
    expect_remembers(mmio.transport);
}

TEST(TransportRecord, RemembersNotifyOnPci) {
    PciDiskMachine<> modern;
    modern.bring_up();
    expect_remembers(modern.transport);
}

TEST(TransportRecord, RemembersNotifyOnLegacyPci) {
    PciDiskMachine<LegacyPorts, 256> legacy{{.layout = sim::PciLayout::legacy()}};
    legacy.bring_up();
    expect_remembers(legacy.transport);
}

}  // namespace
}  // namespace virtq::test
