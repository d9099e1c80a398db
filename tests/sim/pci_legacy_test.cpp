// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include <sim/pci_machine.hpp>

namespace virtq::sim_test {

namespace legacy = virtq::sim::wire::pci::legacy;

class PciLegacy : public PciMachine {
protected:
    explicit PciLegacy(PciLayout machine_layout = PciLayout::legacy()) : PciMachine(std::move(machine_layout)) {}
    [[nodiscard]] BarSpace const& regs() const { return driver->legacy; }

    RawQueue whole{memory, 16};
};

TEST_F(PciLegacy, AcceptsACorrectSession) {
    driver->legacy_bring_up(whole);
    EXPECT_EQ(device->status(), 7u);
    EXPECT_TRUE(backend.session_.legacy);
    EXPECT_EQ(backend.session_.order, guest_order);
    EXPECT_EQ(device->ring()->config().size, 16);
    submit(whole);
    regs().write16(legacy::queue_notify, 0);
    EXPECT_EQ(device->step(), 1u);
    EXPECT_EQ(whole.used_idx(), 1);
    EXPECT_TRUE(device->interrupt_line());
    EXPECT_EQ(regs().read8(legacy::isr_status), 1);
    EXPECT_FALSE(device->interrupt_line());
    regs().write8(legacy::device_status, 0);
    EXPECT_EQ(regs().read8(legacy::device_status), 0);
    memory.free_pages(whole.pages);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciLegacy, HasALegacyHeader) {
    EXPECT_EQ(bus.read16(slot, pci::device_id), 0x1001);
    EXPECT_EQ(bus.read8(slot, pci::revision), 0);
    EXPECT_EQ(bus.read16(slot, pci::subsystem_id), 2);
    EXPECT_EQ(bus.read32(slot, pci::bar) & 3, 1u);
    EXPECT_EQ(device->capabilities().find(pci::common_cfg), nullptr);
    EXPECT_NE(device->capabilities().find_id(pci::capability_msix), nullptr);
}

TEST_F(PciLegacy, HasNoStructuresInAnyLayout) {
    PciLayout other = PciLayout::transitional();
    other.interface = PciInterface::legacy;
    PciDevice old(memory, backend, other);
    EXPECT_EQ(old.capabilities().find(pci::common_cfg), nullptr);
    EXPECT_EQ(old.read_bar({4, 0x1040 + pci::common::num_queues}, 2), 0u);
    expect_only("S-4.1.4-structure");
}

TEST(PciTransitionalId, MatchesTheStandardsTable) {
    EXPECT_EQ(pci::transitional_id_of(1), 0x1000);
    EXPECT_EQ(pci::transitional_id_of(2), 0x1001);
    EXPECT_EQ(pci::transitional_id_of(3), 0x1003);
    EXPECT_EQ(pci::transitional_id_of(4), 0x1005);
    EXPECT_EQ(pci::transitional_id_of(5), 0x1002);
    EXPECT_EQ(pci::transitional_id_of(8), 0x1004);
    EXPECT_EQ(pci::transitional_id_of(9), 0x1009);
}

TEST_F(PciLegacy, ReadsTheHeader) {
    device->offer(wire::feature::any_layout);
    driver->legacy_greet();
    EXPECT_EQ(regs().read32(legacy::device_features), 1u << 5 | 1u << 27);
    regs().write32(legacy::driver_features, 1u << 27);
    EXPECT_EQ(regs().read32(legacy::driver_features), 1u << 27);
    regs().write16(legacy::queue_select, 1);
    EXPECT_EQ(regs().read16(legacy::queue_select), 1);
    EXPECT_EQ(regs().read16(legacy::queue_size), 16);
    EXPECT_EQ(regs().read32(legacy::queue_address), 0u);
    regs().write16(legacy::queue_select, 2);
    EXPECT_EQ(regs().read16(legacy::queue_size), 0);
    EXPECT_EQ(regs().read8(legacy::device_status), 3);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciLegacy, PlacesAQueueByItsPage) {
    driver->legacy_greet();
    regs().write32(legacy::queue_address, static_cast<uint32_t>(whole.pages.phys.value / 4096));
    ASSERT_NE(device->ring(), nullptr);
    EXPECT_EQ(device->ring()->config().descriptor_area, whole.pages.phys);
    EXPECT_EQ(device->ring()->config().driver_area, whole.driver_area);
    EXPECT_EQ(device->ring()->config().device_area, whole.device_area);
    EXPECT_EQ(regs().read32(legacy::queue_address), whole.pages.phys.value / 4096);
    regs().write32(legacy::queue_address, 1);
    expect_only("S-4.1.4.10-in-use");
    log.clear();
    regs().write32(legacy::queue_address, 0);
    EXPECT_EQ(device->ring(), nullptr);
    memory.free_pages(whole.pages);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciLegacy, ReportsWrongWidthsAndDirections) {
    static_cast<void>(regs().read8(legacy::device_features));
    static_cast<void>(regs().read32(legacy::queue_size));
    static_cast<void>(regs().read16(legacy::device_status));
    EXPECT_EQ(log.count("D-4.1.3.1-3"), 1u) << log;
    EXPECT_EQ(log.count("D-4.1.3.1-2"), 1u) << log;
    EXPECT_EQ(log.count("D-4.1.3.1-1"), 1u) << log;
    log.clear();
    regs().write16(legacy::queue_size, 8);
    regs().write32(legacy::device_features, 0);
    regs().write8(legacy::isr_status, 0);
    EXPECT_EQ(log.count("D-4.1.4.3.2-1"), 3u) << log;
    log.clear();
    static_cast<void>(regs().read16(legacy::queue_notify));
    expect_only("S-4.1.4.4-read");
}

TEST_F(PciLegacy, KnowsNoFeaturesOk) {
    driver->legacy_greet();
    driver->legacy_add_status(status::features_ok);
    expect_only("L-3.1.2-1");
    EXPECT_EQ(regs().read8(legacy::device_status), 3);
}

TEST_F(PciLegacy, ReportsAWrongNotification) {
    driver->legacy_bring_up(whole);
    regs().write16(legacy::queue_notify, 1);
    regs().write16(legacy::queue_notify, 9);
    EXPECT_EQ(log.count("D-4.1.5.2.1-3"), 2u) << log;
    log.clear();
    driver->set_command(pci::command_bus_master, false);
    regs().write16(legacy::queue_notify, 0);
    expect_only("S-4.1.1-master");
}

TEST_F(PciLegacy, ToleratesNotificationBeforeDriverOk) {
    driver->legacy_greet();
    regs().write32(legacy::driver_features, regs().read32(legacy::device_features));
    regs().write32(legacy::queue_address, static_cast<uint32_t>(whole.pages.phys.value / 4096));
    EXPECT_TRUE(has_feature(backend.session_.features, 5));
    submit(whole);
    regs().write16(legacy::queue_notify, 0);
    expect_only("D-3.1.1-15");
    EXPECT_EQ(device->step(), 1u);
}

TEST_F(PciLegacy, HasItsConfigurationAfterTheHeaders) {
    EXPECT_EQ(regs().read32(20), 0x04030201u);
    EXPECT_EQ(regs().read16(20 + 12), 0x0e0d);
    driver->enable_msix();
    EXPECT_EQ(regs().read16(legacy::config_msix_vector), 0xffff);
    EXPECT_EQ(regs().read32(24), 0x04030201u);
    driver->enable_msix(0);
    EXPECT_EQ(regs().read32(20), 0x04030201u);
    EXPECT_TRUE(log.empty()) << log;
    static_cast<void>(regs().read8(20 + 16));
    expect_only("L-4.1.4.10-3");
}

TEST_F(PciLegacy, ReadsItsConfigurationInAnyWidth) {
    EXPECT_EQ(regs().read8(20), 1);
    EXPECT_EQ(regs().read8(27), 8);
    EXPECT_EQ(regs().read16(22), 0x0403);
    driver->legacy_greet();
    regs().write8(29, 0xaa);
    EXPECT_EQ(backend.config_[9], 0xaa);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciLegacy, MapsVectors) {
    driver->enable_msix();
    driver->set_message(1, 0xfee0'0000, 0x41);
    driver->legacy_greet();
    regs().write32(legacy::driver_features, regs().read32(legacy::device_features));
    regs().write16(legacy::config_msix_vector, 0);
    EXPECT_EQ(regs().read16(legacy::config_msix_vector), 0);
    regs().write32(legacy::queue_address, static_cast<uint32_t>(whole.pages.phys.value / 4096));
    regs().write16(legacy::queue_msix_vector, 1);
    EXPECT_EQ(regs().read16(legacy::queue_msix_vector), 1);
    driver->legacy_add_status(status::driver_ok);
    submit(whole);
    regs().write16(legacy::queue_notify, 0);
    EXPECT_EQ(device->step(), 1u);
    EXPECT_EQ(device->messages(), (std::vector<MsixMessage>{{1, 0xfee0'0000, 0x41}}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciLegacy, ReportsAnUnverifiedVector) {
    driver->enable_msix();
    driver->legacy_greet();
    regs().write32(legacy::driver_features, regs().read32(legacy::device_features));
    regs().write16(legacy::queue_msix_vector, 1);
    driver->legacy_add_status(status::driver_ok);
    expect_only("D-4.1.5.1.2.2-5");
}

TEST_F(PciLegacy, ResetsAfterSeveralReads) {
    device->reset_takes(1);
    regs().write8(legacy::device_status, 0);
    regs().write8(legacy::device_status, 1);
    expect_only("D-2.4.2-1");
    EXPECT_NE(regs().read8(legacy::device_status), 0);
    EXPECT_EQ(regs().read8(legacy::device_status), 0);
}

TEST_F(PciLegacy, NeedsNoReadAfterAReset) {
    regs().write8(legacy::device_status, 0);
    regs().write8(legacy::device_status, 1);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciLegacy, RefusesAnAddressOnRequest) {
    device->refuse_queue_enable();
    driver->legacy_bring_up(whole);
    EXPECT_EQ(regs().read32(legacy::queue_address), 0u);
}

TEST_F(PciLegacy, AnswersOnlyWhileItDecodes) {
    driver->set_command(pci::command_io, false);
    EXPECT_EQ(regs().read8(legacy::device_status), 0xff);
    driver->set_command(pci::command_memory, true);
    EXPECT_EQ(regs().read8(legacy::device_status), 0xff);
    driver->set_command(pci::command_io, true);
    EXPECT_EQ(regs().read8(legacy::device_status), 0);
}

class PciLegacyInMemory : public PciLegacy {
protected:
    PciLegacyInMemory() : PciLegacy(changed()) {}
    static PciLayout changed() {
        PciLayout layout = PciLayout::legacy();
        layout.bars[0] = {PciBarKind::memory32, 0x1000};
        return layout;
    }
};

TEST_F(PciLegacyInMemory, WorksLikePorts) {
    driver->legacy_bring_up(whole);
    submit(whole);
    regs().write16(legacy::queue_notify, 0);
    EXPECT_EQ(device->step(), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

class PciTransitional : public PciLegacy {
protected:
    PciTransitional() : PciLegacy(PciLayout::transitional()) {}
};

TEST_F(PciTransitional, HasBothInterfaces) {
    EXPECT_EQ(bus.read16(slot, pci::device_id), 0x1001);
    EXPECT_EQ(bus.read8(slot, pci::revision), 0);
    EXPECT_NE(device->capabilities().find(pci::common_cfg), nullptr);
    driver->legacy_bring_up(whole);
    EXPECT_TRUE(backend.session_.legacy);
    EXPECT_FALSE(has_feature(device->accepted_features(), wire::feature::version_1));
    submit(whole);
    regs().write16(legacy::queue_notify, 0);
    EXPECT_EQ(device->step(), 1u);
    driver->bring_up(queue);  // a reset through the modern interface
    EXPECT_FALSE(backend.session_.legacy);
    EXPECT_TRUE(has_feature(device->accepted_features(), wire::feature::version_1));
    submit(queue);
    driver->notify();
    EXPECT_EQ(device->step(), 1u);
    regs().write8(legacy::device_status, 0);
    driver->legacy_bring_up(RawQueue(memory, 16));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciTransitional, KeepsMemoryAndPortsApart) {
    auto const memory_bar = static_cast<uint32_t>(device->bar(1).address());
    uint64_t const ports = device->bar(0).address();
    EXPECT_TRUE(device->decode(PciAddressSpace::io, ports, 4).has_value());
    EXPECT_TRUE(device->decode(PciAddressSpace::memory, memory_bar, 4).has_value());
    EXPECT_FALSE(device->decode(PciAddressSpace::memory, ports, 4).has_value());
    EXPECT_EQ(BarSpace{bus.map_device_ports(memory_bar, 16)}.read32(12), 0xffffffffu);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciTransitional, OffersVersion1OnlyAsModern) {
    device->offer(wire::feature::any_layout);
    driver->legacy_greet();
    EXPECT_EQ(regs().read32(legacy::device_features), 1u << 5 | 1u << 27);
    driver->greet();
    EXPECT_TRUE(has_feature(driver->read_features(), wire::feature::version_1));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciTransitional, ReportsMixedInterfaces) {
    driver->bring_up(queue);
    regs().write16(legacy::queue_select, 0);
    expect_only("S-4.1.4.10-mixed");
    EXPECT_EQ(log.entries().at(0).value, 1u);  // 1: the legacy interface is the mixed-in one
    log.clear();
    EXPECT_EQ(regs().read8(legacy::device_status), 15);  // reading works nevertheless
    EXPECT_EQ(regs().read8(legacy::isr_status), 0);
    expect_only("S-4.1.4.10-mixed");
    log.clear();
    driver->legacy_greet();
    driver->common.write16(common::queue_select, 0);
    expect_only("S-4.1.4.10-mixed");
}

}  // namespace virtq::sim_test
