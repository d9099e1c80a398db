// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include <sim/pci_machine.hpp>

namespace virtq::sim_test {

class PciInterrupt : public PciMachine {
protected:
    using PciMachine::PciMachine;
    /// Lets the device complete one chain.
    void complete(uint16_t head = 0) {
        submit(queue, head);
        driver->notify();
        EXPECT_EQ(device->step(), 1u);
    }
    [[nodiscard]] bool status_bit() { return (bus.read16(slot, pci::status) & pci::status_interrupt) != 0; }
};

// --- the interrupt line ---

TEST_F(PciInterrupt, AssertsItsLineUntilIsrRead) {
    int calls = 0;
    device->on_interrupt([&] { ++calls; });
    driver->bring_up(queue);
    EXPECT_FALSE(device->interrupt_line());
    complete();
    EXPECT_TRUE(device->interrupt_line());
    EXPECT_TRUE(status_bit());
    EXPECT_EQ(driver->isr.read8(0), 1);
    EXPECT_FALSE(device->interrupt_line());
    EXPECT_FALSE(status_bit());
    EXPECT_EQ(driver->isr.read8(0), 0);
    EXPECT_EQ(device->interrupts(), 1u);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(device->isr_reads(), 2u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciInterrupt, HasBothCausesAtOnce) {
    driver->bring_up(queue);
    complete();
    device->change_config([&] { ++backend.config_[0]; });
    EXPECT_EQ(driver->isr.read8(0), 3);
}

TEST_F(PciInterrupt, IsQuietWithIntxDisabled) {
    driver->bring_up(queue);
    driver->set_command(pci::command_intx_disable, true);
    complete();
    EXPECT_FALSE(device->interrupt_line());
    EXPECT_TRUE(status_bit());
    EXPECT_EQ(device->interrupts(), 0u);
    driver->set_command(pci::command_intx_disable, false);
    EXPECT_TRUE(device->interrupt_line());
}

TEST_F(PciInterrupt, HidesConfigChangesBeforeDriverOk) {
    driver->negotiate();
    device->change_config([] {});
    EXPECT_FALSE(device->interrupt_line());
    EXPECT_EQ(driver->isr.read8(0), 0);
}

TEST_F(PciInterrupt, ClearsItsCausesInAReset) {
    driver->bring_up(queue);
    complete();
    driver->reset();
    EXPECT_FALSE(device->interrupt_line());
    EXPECT_EQ(driver->isr.read8(0), 0);
}

TEST_F(PciInterrupt, ReportsWrongIsrAccess) {
    driver->isr.write8(0, 1);
    expect_only("D-4.1.4.3.2-1");
    log.clear();
    static_cast<void>(driver->isr.read16(0));
    EXPECT_FALSE(log.empty());
}

class PciWideIsr : public PciInterrupt {
protected:
    PciWideIsr() : PciInterrupt(changed()) {}
    static PciLayout changed() {
        PciLayout layout = PciLayout::modern();
        layout.structure(pci::isr_cfg) = {pci::isr_cfg, 4, 0, 4};  // at least a byte (§4.1.4.5)
        return layout;
    }
};

TEST_F(PciWideIsr, IsStillOneByte) {
    device->interrupt_unasked(1);
    EXPECT_EQ(driver->isr.read32(0), 0u);
    EXPECT_EQ(driver->isr.read8(1), 0);
    EXPECT_EQ(log.count("D-4.1.3.1-1"), 2u) << log;
    EXPECT_EQ(driver->isr.read8(0), 1);
}

TEST_F(PciInterrupt, StormsOnRequest) {
    device->storm();
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(device->interrupt_line());
        EXPECT_EQ(driver->isr.read8(0), 1);
    }
    EXPECT_TRUE(status_bit());
    device->storm(0);
    EXPECT_FALSE(device->interrupt_line());
}

TEST_F(PciInterrupt, InterruptsUnasked) {
    device->interrupt_unasked();
    EXPECT_FALSE(device->interrupt_line());
    EXPECT_EQ(device->interrupts(), 1u);
    device->interrupt_unasked(0x80);
    EXPECT_EQ(driver->isr.read8(0), 0x80);
}

// --- MSI-X ---

class PciMsix : public PciInterrupt {
protected:
    void SetUp() override {
        PciInterrupt::SetUp();
        driver->enable_msix();
        driver->set_message(0, 0xfee0'0000, 0x30);
        driver->set_message(1, 0x1'fee0'1000, 0x31);
    }
    void bring_up(uint16_t config_vector = 0, uint16_t queue_vector = 1) {
        driver->negotiate();
        EXPECT_EQ(driver->map_vector(common::config_msix_vector, config_vector), config_vector);
        driver->select(0);
        EXPECT_EQ(driver->map_vector(common::queue_msix_vector, queue_vector), queue_vector);
        driver->start_queue(queue);
        driver->add_status(status::driver_ok);
    }
};

TEST_F(PciMsix, SendsAMessageForEachEvent) {
    std::vector<uint16_t> vectors;
    device->on_message([&](MsixMessage const& message) { vectors.push_back(message.vector); });
    bring_up();
    complete();
    device->change_config([] {});
    EXPECT_EQ(device->messages(), (std::vector<MsixMessage>{{1, 0x1'fee0'1000, 0x31}, {0, 0xfee0'0000, 0x30}}));
    EXPECT_EQ(vectors, (std::vector<uint16_t>{1, 0}));
    EXPECT_EQ(device->messages_of(1), 1u);
    EXPECT_EQ(device->interrupts(), 2u);
    EXPECT_FALSE(device->interrupt_line());
    EXPECT_FALSE(status_bit());
    EXPECT_EQ(driver->isr.read8(0), 2);  // §4.1.4.5.1: the configuration bit is set even now, the queue bit is not
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciMsix, SendsNothingWithoutAVector) {
    bring_up(0xffff, 0xffff);
    complete();
    device->change_config([] {});
    EXPECT_EQ(device->messages().size(), 0u);
    EXPECT_EQ(device->interrupts(), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciMsix, UnmapsEverythingInAReset) {
    bring_up();
    driver->reset();
    EXPECT_EQ(driver->common.read16(common::config_msix_vector), 0xffff);
    EXPECT_EQ(device->queue_vector(), 0xffff);
}

TEST_F(PciMsix, WaitsBehindAMask) {
    bring_up();
    driver->mask(1, 1);
    complete();
    complete(1);
    EXPECT_EQ(device->messages().size(), 0u);
    BarSpace const pending = driver->bars[1].at(layout.msix_pending_offset);
    EXPECT_EQ(pending.read32(0), 2u);
    driver->mask(0, 0);
    EXPECT_EQ(device->messages().size(), 0u);
    driver->mask(1, 0);
    EXPECT_EQ(device->messages_of(1), 1u);  // one message for both
    EXPECT_EQ(pending.read32(0), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciMsix, WaitsBehindTheFunctionMask) {
    bring_up();
    driver->enable_msix(pci::msix_enable | pci::msix_function_mask);
    complete();
    EXPECT_EQ(device->messages().size(), 0u);
    driver->enable_msix();
    EXPECT_EQ(device->messages_of(1), 1u);
}

TEST_F(PciMsix, UsesTheLineWhenDisabled) {
    bring_up();
    driver->enable_msix(0);
    complete();
    EXPECT_EQ(device->messages().size(), 0u);
    EXPECT_TRUE(device->interrupt_line());
    EXPECT_EQ(driver->isr.read8(0), 1);
}

TEST_F(PciMsix, BeginsMasked) {
    EXPECT_EQ(driver->msix_entry(2).read32(12), 1u);
    EXPECT_EQ(driver->msix_entry(1).read32(12), 0u);
    driver->mask(0, 0xffffffff);
    EXPECT_EQ(driver->msix_entry(0).read32(12), 1u);  // the other bits are reserved
    EXPECT_EQ(driver->msix_entry(1).read32(0), 0xfee01000u);
    EXPECT_EQ(driver->msix_entry(1).read32(4), 1u);
    EXPECT_EQ(driver->msix_entry(1).read32(8), 0x31u);
}

TEST_F(PciMsix, LosesMessagesWithoutBusMaster) {
    bring_up();
    driver->set_command(pci::command_bus_master, false);
    device->change_config([] {});
    expect_only("S-4.1.1-master");
    EXPECT_EQ(device->messages().size(), 0u);
}

TEST_F(PciMsix, ReportsAVectorOutsideTheTable) {
    driver->negotiate();
    driver->common.write16(common::config_msix_vector, 3);
    expect_only("D-4.1.5.1.2.2-4");
    EXPECT_EQ(driver->common.read16(common::config_msix_vector), 0xffff);
    driver->common.write16(common::queue_msix_vector, 0x7ff);
    EXPECT_EQ(log.count("D-4.1.5.1.2.2-4"), 2u) << log;
}

TEST_F(PciMsix, ReportsAnUnverifiedVector) {
    driver->negotiate();
    driver->common.write16(common::queue_msix_vector, 1);
    driver->start_queue(queue);
    expect_only("D-4.1.5.1.2.2-5");
    log.clear();
    driver->common.write16(common::config_msix_vector, 0);
    driver->add_status(status::driver_ok);
    expect_only("D-4.1.5.1.2.2-5");
}

TEST_F(PciMsix, RefusesVectors) {
    device->refuse_vectors(1);
    driver->negotiate();
    EXPECT_EQ(driver->map_vector(common::config_msix_vector, 0), 0);
    EXPECT_EQ(driver->map_vector(common::queue_msix_vector, 1), 0xffff);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciMsix, ReportsWrongTableAccess) {
    static_cast<void>(driver->msix_entry(0).read16(8));
    driver->msix_entry(0).write8(12, 1);
    static_cast<void>(driver->msix_entry(0).read32(2));
    EXPECT_EQ(log.count("S-4.1.1-msix-width"), 3u) << log;
    driver->bars[1].at(layout.msix_pending_offset).write32(0, 0);
    EXPECT_EQ(log.count("S-4.1.1-msix-pending"), 1u) << log;
    driver->msix_entry(2).write32(0, 0xfee00002);
    EXPECT_EQ(log.count("S-4.1.1-msix-address"), 1u) << log;
    driver->msix_entry(0).write32(8, 1);
    EXPECT_EQ(log.count("S-4.1.1-msix-live"), 1u) << log;
    static_cast<void>(driver->msix_entry(3).read32(0));
    EXPECT_EQ(log.count("S-4.1.4-structure"), 1u) << log;
    EXPECT_EQ(log.entries().size(), 7u) << log;
}

class PciWithoutMsix : public PciInterrupt {
protected:
    PciWithoutMsix() : PciInterrupt(changed()) {}
    static PciLayout changed() {
        PciLayout layout = PciLayout::modern();
        layout.msix_vectors = 0;
        return layout;
    }
};

TEST_F(PciWithoutMsix, HasNoVectorToMapTo) {
    EXPECT_EQ(device->capabilities().find_id(pci::capability_msix), nullptr);
    driver->common.write16(common::config_msix_vector, 0xffff);
    EXPECT_TRUE(log.empty()) << log;
    driver->common.write16(common::config_msix_vector, 0);
    expect_only("D-4.1.5.1.2.2-4");
}

}  // namespace virtq::sim_test
