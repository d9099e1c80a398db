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
    EXPECT_FALSE(transport.last_notify().any);
    transport.notify(0, 0);
    EXPECT_TRUE(transport.last_notify().any);
    EXPECT_EQ(transport.last_notify().queue, 0u);
    transport.set_status(transport.status());
    EXPECT_TRUE(transport.last_notify().any);
    transport.set_status(DeviceStatus{});
    EXPECT_FALSE(transport.last_notify().any);
}

TEST(NotifyMark, HoldsEachNumber) {
    NotifyMark mark;
    EXPECT_FALSE(mark.last().any);
    mark.set(0xffff);
    EXPECT_TRUE(mark.last().any);
    EXPECT_EQ(mark.last().queue, 0xffff);
    mark.clear();
    EXPECT_FALSE(mark.last().any);
}

TEST(NotifyMark, IsSetOverMmio) {
    DiskMachine<> mmio;
    mmio.bring_up();
    expect_remembers(mmio.transport);
}

TEST(NotifyMark, IsSetOnPci) {
    PciDiskMachine<> modern;
    modern.bring_up();
    expect_remembers(modern.transport);
}

TEST(NotifyMark, IsSetOnLegacyPci) {
    PciDiskMachine<LegacyPorts, 256> legacy{{.layout = sim::PciLayout::legacy()}};
    legacy.bring_up();
    expect_remembers(legacy.transport);
}

}  // namespace
}  // namespace virtq::test
