// SPDX-License-Identifier: MIT
#include <virtq/transport/mmio.hpp>

#include <device/disk_machine.hpp>

#include <cstdint>

namespace virtq::test {
namespace {

TEST(MmioProbe, FindsModernAndLegacyDisks) {
    DiskMachine<> modern;
    EXPECT_TRUE(modern.probe().ok());
    EXPECT_EQ(modern.transport.device_id(), spec::DeviceId::block);
    EXPECT_FALSE(modern.transport.is_legacy());

    DiskMachine<> old({.version = sim::MmioVersion::legacy});
    EXPECT_TRUE(old.probe().ok());
    EXPECT_TRUE(old.transport.is_legacy());
}

TEST(MmioProbe, LeavesAnEmptySlotAlone) {
    DiskMachine<> machine;
    machine.device.set_device_id(0);
    EXPECT_EQ(machine.probe().error(), Error::no_device);
    EXPECT_EQ(machine.device.accesses(), 3u);  // MagicValue, Version, DeviceID: no other register (§4.2.3.1.1)
}

TEST(MmioProbe, RefusesAWrongMagicValue) {
    DiskMachine<> machine;
    machine.device.set_magic(0x74726977);
    EXPECT_EQ(machine.probe().error(), Error::not_virtio);
    EXPECT_EQ(machine.device.accesses(), 1u);
}

TEST(MmioProbe, RefusesAnUnknownVersion) {
    for (std::uint32_t const version : {0u, 3u, 0xffffffffu}) {
        DiskMachine<> machine;
        machine.device.set_version(version);
        EXPECT_EQ(machine.probe().error(), Error::version_unknown);
    }
}

// unikraft#1743: unmapped registers read as all ones, and the driver waited for ever.
TEST(MmioProbe, DetectsUnmappedRegisters) {
    DiskMachine<> machine;
    machine.device.vanish();
    EXPECT_EQ(machine.probe().error(), Error::device_gone);
}

TEST(MmioProbe, DropsThePreviousSlot) {
    DiskMachine<> machine({.version = sim::MmioVersion::legacy});
    ASSERT_TRUE(machine.probe().ok());
    machine.device.set_magic(1);
    EXPECT_EQ(machine.probe().error(), Error::not_virtio);
    EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
    EXPECT_FALSE(machine.transport.is_legacy());
}

TEST(MmioTransport, ReportsARejectedLegacyQueue) {
    DiskMachine<> machine({.version = sim::MmioVersion::legacy});
    ASSERT_TRUE(machine.probe().ok());
    machine.device.vanish();  // the page number does not read back
    EXPECT_EQ(machine.transport.enable_queue(0, {8, PhysAddr{0x1000}, {}, {}}).error(), Error::queue_not_accepted);
}

TEST(MmioTransport, RejectsFeaturesThatNeedPci) {
    DiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    Features const possible = machine.transport.possible_features();
    EXPECT_FALSE(possible.has(spec::Feature::admin_vq));
    EXPECT_FALSE(possible.has(spec::Feature::sr_iov));
    EXPECT_FALSE(possible.has(spec::Feature::notif_config_data));
    EXPECT_TRUE(possible.has(spec::Feature::version_1));
    EXPECT_TRUE(possible.has_bit(127));

    DiskMachine<> old({.version = sim::MmioVersion::legacy});
    ASSERT_TRUE(old.probe().ok());
    EXPECT_TRUE(old.transport.possible_features().has(spec::Feature::event_idx));
    EXPECT_FALSE(old.transport.possible_features().has(spec::Feature::version_1));
}

TEST(MmioTransport, AcknowledgesAndReportsTheInterrupt) {
    DiskMachine<> machine;
    machine.bring_up();
    EXPECT_FALSE(machine.transport.on_interrupt().used_buffer);

    machine.device.interrupt_unasked(1);
    ASSERT_TRUE(machine.device.interrupt_line());
    InterruptCause const used = machine.transport.on_interrupt();
    EXPECT_TRUE(used.used_buffer);
    EXPECT_FALSE(used.config_change);
    EXPECT_FALSE(machine.device.interrupt_line());

    machine.device.change_config([&] { machine.disk.set_sectors(4096); });
    InterruptCause const config = machine.transport.on_interrupt();
    EXPECT_FALSE(config.used_buffer);
    EXPECT_TRUE(config.config_change);
}

// asterinas#2493: a driver acknowledged after processing, and so lost an interrupt that came in between.
TEST(MmioTransport, KeepsALaterInterrupt) {
    DiskMachine<> machine;
    machine.bring_up();
    machine.device.interrupt_unasked(1);
    ASSERT_TRUE(machine.transport.on_interrupt().used_buffer);
    machine.device.interrupt_unasked(1);
    EXPECT_TRUE(machine.device.interrupt_line());
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
}

// The notification contains the next position (§2.9), which the short form of notify() lacks.
TEST(MmioTransport, AssertsThatNotificationDataAreGiven) {
    DiskMachine<> machine;
    machine.hostile = true;
    ASSERT_TRUE(machine.probe().ok());
    machine.transport.accept_features(1, 1u << 6);
    EXPECT_BREACH(machine.transport.notify(0), "Give it also the `next`");
}

TEST(MmioTransport, IgnoresUndefinedInterruptBits) {
    DiskMachine<> machine;
    machine.bring_up();
    machine.device.interrupt_unasked(0x8000'0001);
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_FALSE(machine.memory.violations().contains("D-4.2.2.2-22"));
}

}  // namespace
}  // namespace virtq::test
