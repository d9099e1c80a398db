// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>

#include <sim/pci_machine.hpp>

namespace virtq::sim_test {

class PciFault : public PciMachine {
protected:
    using PciMachine::PciMachine;
};

TEST_F(PciFault, VanishesAtAnAccess) {
    device->vanish_at(2);
    EXPECT_EQ(bus.read16(slot, pci::vendor_id), 0x1af4);
    EXPECT_EQ(driver->common.read16(common::num_queues), 2);
    EXPECT_EQ(driver->common.read16(common::num_queues), 0xffff);
    EXPECT_EQ(bus.read32(slot, 0), 0xffffffffu);
    EXPECT_EQ(driver->isr.read8(0), 0xff);
    device->vanish(false);
    EXPECT_EQ(bus.read16(slot, pci::vendor_id), 0x1af4);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciFault, VanishesAtAConfigurationAccess) {
    device->vanish_at(0);
    bus.write16(slot, pci::command, 0);
    device->vanish(false);
    EXPECT_NE(bus.read16(slot, pci::command), 0);
}

TEST_F(PciFault, DoesNothingOnceGone) {
    driver->bring_up(queue);
    submit(queue);
    driver->notify();
    device->vanish();
    EXPECT_EQ(device->step(), 0u);
    driver->common.write8(common::device_status, 0);
    device->vanish(false);
    EXPECT_EQ(device->status(), 15u);
    EXPECT_EQ(device->step(), 1u);
}

TEST_F(PciFault, OffersOddQueueSizes) {
    driver->negotiate();
    for (uint16_t const maximum : {uint16_t{0}, uint16_t{3}, uint16_t{65535}}) {
        device->set_queue_size_max(maximum);
        EXPECT_EQ(driver->common.read16(common::queue_size), maximum);
    }
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciFault, RunsAHookBeforeAnAccess) {
    unsigned writes = 0;
    device->before_access([&](PciTarget target, bool is_write) {
        writes += is_write && target.bar == 4 && target.offset == 0x1040u + common::device_status ? 1u : 0u;
    });
    size_t const before = device->bar_accesses();
    driver->greet();
    EXPECT_EQ(writes, 3u);
    EXPECT_EQ(device->bar_accesses() - before, 4u);
    size_t const configs = device->config_accesses();
    static_cast<void>(bus.read8(slot, 0));
    EXPECT_EQ(device->config_accesses() - configs, 1u);
}

TEST_F(PciFault, NeedsResetAfterAnInvalidChain) {
    driver->bring_up(queue);
    queue.submit(8);
    driver->notify();
    EXPECT_EQ(device->step(), 0u);
    EXPECT_EQ(device->status(), 15u | status::needs_reset);
    EXPECT_TRUE(device->interrupt_line());
    expect_only("S-2.7.6-head");
}

TEST_F(PciFault, PublishesOneByOne) {
    device->publish_each();
    driver->bring_up(queue);
    submit(queue, 0);
    submit(queue, 1);
    driver->notify();
    EXPECT_EQ(device->step(), 2u);
    EXPECT_EQ(device->interrupts(), 2u);
}

TEST_F(PciFault, DisablesNotificationsWhilePolling) {
    device->set_attention(Attention::polling);
    driver->bring_up(queue);
    EXPECT_EQ(queue.used_flags(), 1);
    submit(queue);
    EXPECT_EQ(device->step(), 1u);
}

TEST_F(PciFault, StartsAQueueAtAnyIndex) {
    device->set_start_index(65535);
    driver->bring_up(queue);
    EXPECT_EQ(device->ring()->config().start_index, 65535);
}

class PciShortCommon : public PciFault {
protected:
    PciShortCommon() : PciFault(changed()) {}
    static PciLayout changed() {
        PciLayout layout = PciLayout::modern();
        layout.structure(pci::common_cfg).length = 0x38;
        return layout;
    }
};

TEST_F(PciShortCommon, HasNothingBeyondItsLength) {
    driver->negotiate();
    EXPECT_EQ(driver->common.read32(common::queue_device + 4), 0u);
    EXPECT_TRUE(log.empty()) << log;
    EXPECT_EQ(driver->common.read16(common::queue_reset), 0);
    expect_only("S-4.1.4-structure");
}

}  // namespace virtq::sim_test
