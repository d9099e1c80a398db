// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include <sim/pci_machine.hpp>

namespace virtq::sim_test {

class PciConfig : public PciMachine {
protected:
    using PciMachine::PciMachine;
    [[nodiscard]] uint16_t capability(uint8_t type) const { return device->capabilities().find(type)->offset; }
    [[nodiscard]] uint16_t field(uint8_t type, uint16_t which) const {
        return static_cast<uint16_t>(capability(type) + which);
    }
    /// Configures the window, as a driver does (§4.1.4.9).
    void aim(uint8_t bar, uint32_t offset, uint32_t length) {
        bus.write8(slot, field(pci::pci_cfg, pci::cap_bar), bar);
        bus.write32(slot, field(pci::pci_cfg, pci::cap_length), length);
        bus.write32(slot, field(pci::pci_cfg, pci::cap_offset), offset);
    }
};

// --- header ---

TEST_F(PciConfig, HasAModernHeader) {
    EXPECT_EQ(bus.read16(slot, pci::vendor_id), 0x1af4);
    EXPECT_EQ(bus.read16(slot, pci::device_id), 0x1042);
    EXPECT_GE(bus.read8(slot, pci::revision), 1);
    EXPECT_GE(bus.read16(slot, pci::subsystem_id), 0x40);
    EXPECT_EQ(bus.read8(slot, pci::interrupt_pin), 1);
    EXPECT_EQ(bus.read32(slot, 0) >> 16, 0x1042u);
    bus.write32(slot, 0, 0);
    bus.write8(slot, pci::interrupt_line, 5);
    EXPECT_EQ(bus.read32(slot, 0), 0x10421af4u);
    EXPECT_EQ(bus.read8(slot, pci::interrupt_line), 5);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciConfig, EndsAtItsSize) {
    EXPECT_EQ(bus.read32(slot, 0x100), 0xffffffffu);
    bus.write32(slot, 0x100, 0);
    EXPECT_EQ(bus.read32(slot, 0xfc), 0u);
    layout.config_bytes = 4096;
    PciDevice express(memory, backend, layout);
    EXPECT_EQ(express.read_config(0xffc, 4), 0u);
    EXPECT_EQ(express.read_config(0x1000, 4), 0xffffffffu);
}

TEST_F(PciConfig, ReportsMisalignedAccess) {
    EXPECT_EQ(bus.read16(slot, 1), 0xffff);
    EXPECT_EQ(bus.read32(slot, 2), 0xffffffffu);
    bus.write16(slot, 5, 0);
    EXPECT_EQ(log.count("S-4.1.1-config"), 3u) << log;
}

TEST_F(PciConfig, AnswersOnlyWhileItDecodes) {
    driver->set_command(pci::command_memory, false);
    EXPECT_EQ(driver->common.read16(common::num_queues), 0xffff);
    driver->common.write8(common::device_status, 1);
    driver->set_command(pci::command_memory, true);
    EXPECT_EQ(driver->common.read8(common::device_status), 0);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciConfig, KeepsOnlyExistingCommandBits) {
    bus.write16(slot, pci::command, 0xffff);
    EXPECT_EQ(bus.read16(slot, pci::command), 0x0547);
    device->refuse_command(pci::command_bus_master);
    EXPECT_EQ(bus.read16(slot, pci::command) & pci::command_bus_master, 0);
    bus.write16(slot, pci::command, pci::command_bus_master | pci::command_memory);
    EXPECT_EQ(bus.read16(slot, pci::command), pci::command_memory);
}

// --- BARs ---

TEST_F(PciConfig, ReturnsTheSizeOfABar) {
    driver->set_command(pci::command_memory, false);
    for (uint16_t i = 0; i < 6; ++i) {
        bus.write32(slot, static_cast<uint16_t>(pci::bar + 4 * i), 0xffffffff);
    }
    EXPECT_EQ(bus.read32(slot, pci::bar), 0u);
    EXPECT_EQ(bus.read32(slot, pci::bar + 4), 0xfffff000u);
    EXPECT_EQ(bus.read32(slot, pci::bar + 16), 0xffffc00cu);  // prefetchable, 64 bits
    EXPECT_EQ(bus.read32(slot, pci::bar + 20), 0xffffffffu);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciConfig, SizesPortsAndRegionsAbove4GiB) {
    layout.bars[0] = {PciBarKind::io, 0x80, false, true};
    layout.bars[2] = {PciBarKind::memory64, uint64_t{1} << 33};
    PciDevice other(memory, backend, layout);
    for (uint16_t at = pci::bar; at < pci::bar + 16; at = static_cast<uint16_t>(at + 4)) {
        other.write_config(at, 0xffffffff, 4);
    }
    EXPECT_EQ(other.read_config(pci::bar, 4), 0x0000ff81u);
    EXPECT_EQ(other.read_config(pci::bar + 8, 4), 0x00000004u);
    EXPECT_EQ(other.read_config(pci::bar + 12, 4), 0xfffffffeu);
}

TEST_F(PciConfig, WritesABarInParts) {
    driver->set_command(pci::command_memory, false);
    bus.write32(slot, pci::bar + 4, 0);
    bus.write16(slot, pci::bar + 6, 0xabcd);
    bus.write8(slot, pci::bar + 5, 0x57);
    EXPECT_EQ(bus.read32(slot, pci::bar + 4), 0xabcd5000u);
    EXPECT_EQ(bus.read16(slot, pci::bar + 6), 0xabcd);
    EXPECT_EQ(bus.read8(slot, pci::bar + 5), 0x50);
}

TEST_F(PciConfig, DecodesNothingAtAddress0) {
    driver->set_command(pci::command_memory, false);
    bus.write32(slot, pci::bar + 4, 0);
    driver->set_command(pci::command_memory, true);
    EXPECT_FALSE(device->decode(PciAddressSpace::memory, 0, 4).has_value());
    EXPECT_FALSE(device->decode(PciAddressSpace::memory, 12, 4).has_value());
}

TEST_F(PciConfig, DecodesExactlyToTheLastByte) {
    uint64_t const end = device->bar(1).address() + 0x1000;
    EXPECT_TRUE(device->decode(PciAddressSpace::memory, end - 4, 4).has_value());
    EXPECT_FALSE(device->decode(PciAddressSpace::memory, end - 2, 4).has_value());
    EXPECT_FALSE(device->decode(PciAddressSpace::memory, end, 1).has_value());
    EXPECT_FALSE(device->decode(PciAddressSpace::memory, end - 0x1001, 1).has_value());
}

TEST_F(PciConfig, ReportsABarWrittenWhileDecoding) {
    bus.write32(slot, pci::bar + 4, 0xffffffff);
    expect_only("S-4.1.1-bar-live");
    bus.write32(slot, pci::bar + 20, 0);  // the upper half of a BAR
    EXPECT_EQ(log.count("S-4.1.1-bar-live"), 2u) << log;
    bus.write32(slot, pci::bar, 0xffffffff);  // no BAR
    EXPECT_EQ(log.count("S-4.1.1-bar-live"), 2u) << log;
}

TEST_F(PciConfig, FixesABarOnRequest) {
    driver->set_command(pci::command_memory, false);
    uint32_t const before = bus.read32(slot, pci::bar + 4);
    device->stick_bar(1);
    bus.write32(slot, pci::bar + 4, 0xffffffff);
    EXPECT_EQ(bus.read32(slot, pci::bar + 4), before);
}

// --- capabilities ---

TEST_F(PciConfig, ListsItsCapabilities) {
    EXPECT_NE(bus.read16(slot, pci::status) & pci::status_capabilities, 0);
    std::vector<unsigned> ids;
    std::set<unsigned> types;
    for (unsigned at = bus.read8(slot, pci::capability_pointer); at != 0;
         at = bus.read8(slot, static_cast<uint16_t>(at + 1))) {
        ASSERT_EQ(at % 4, 0u);
        ASSERT_LT(ids.size(), 48u);
        ids.push_back(bus.read8(slot, static_cast<uint16_t>(at)));
        if (ids.back() == pci::capability_vendor) {
            types.insert(bus.read8(slot, static_cast<uint16_t>(at + pci::cap_type)));
        }
    }
    EXPECT_EQ(ids, (std::vector<unsigned>{1, 9, 9, 9, 9, 9, 0x11}));
    EXPECT_EQ(types, (std::set<unsigned>{1, 2, 3, 4, 5}));
}

TEST_F(PciConfig, DescribesItsStructures) {
    EXPECT_EQ(bus.read8(slot, field(pci::common_cfg, pci::cap_len)), 16);
    EXPECT_EQ(bus.read8(slot, field(pci::common_cfg, pci::cap_bar)), 4);
    EXPECT_EQ(bus.read32(slot, field(pci::common_cfg, pci::cap_offset)), 0x1040u);
    EXPECT_EQ(bus.read32(slot, field(pci::common_cfg, pci::cap_length)), 0x40u);
    EXPECT_EQ(bus.read8(slot, field(pci::notify_cfg, pci::cap_len)), 20);
    EXPECT_EQ(bus.read32(slot, field(pci::notify_cfg, pci::notify_multiplier)), 4u);
    EXPECT_EQ(bus.read8(slot, field(pci::pci_cfg, pci::cap_len)), 20);
    uint16_t const msix = device->capabilities().find_id(pci::capability_msix)->offset;
    EXPECT_EQ(bus.read16(slot, static_cast<uint16_t>(msix + 2)), 2);       // N - 1
    EXPECT_EQ(bus.read32(slot, static_cast<uint16_t>(msix + 4)), 1u);      // BIR 1
    EXPECT_EQ(bus.read32(slot, static_cast<uint16_t>(msix + 8)), 0x801u);  // after the table
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciConfig, ReportsAWriteToACapability) {
    bus.write32(slot, field(pci::common_cfg, pci::cap_offset), 0x2000);
    expect_only("D-4.1.4.1-8");
    EXPECT_EQ(bus.read32(slot, field(pci::common_cfg, pci::cap_offset)), 0x1040u);
    bus.write8(slot, field(pci::pci_cfg, pci::cap_type), 0);
    EXPECT_EQ(log.count("D-4.1.4.1-8"), 2u) << log;
}

TEST_F(PciConfig, MayHavePaddingAndDuplicates) {
    layout.structures.push_back({pci::notify_cfg, 1, 0x900, 0x10});
    layout.structure(pci::common_cfg).extra_bytes = 8;
    PciDevice other(memory, backend, layout);
    EXPECT_EQ(other.read_config(static_cast<uint16_t>(other.capabilities().find(pci::common_cfg)->offset + 2), 1),
              24u);
    PciCapability const* const second = other.capabilities().find(pci::notify_cfg, 1);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(other.read_config(static_cast<uint16_t>(second->offset + pci::cap_offset), 4), 0x900u);
    EXPECT_EQ(other.capabilities().find(pci::notify_cfg, 2), nullptr);
}

TEST_F(PciConfig, ClaimsInvalidStructuresOnRequest) {
    device->claim(pci::common_cfg, {pci::common_cfg, 6, 0xfffffff0, 0});
    EXPECT_EQ(bus.read8(slot, field(pci::common_cfg, pci::cap_bar)), 6);
    EXPECT_EQ(bus.read32(slot, field(pci::common_cfg, pci::cap_offset)), 0xfffffff0u);
    EXPECT_EQ(bus.read32(slot, field(pci::common_cfg, pci::cap_length)), 0u);
    EXPECT_EQ(driver->common.read16(common::num_queues), 2);  // the structure has not moved
    device->loop_capabilities();
    unsigned at = bus.read8(slot, pci::capability_pointer);
    for (int i = 0; i < 1000; ++i) {
        ASSERT_NE(at, 0u);
        at = bus.read8(slot, static_cast<uint16_t>(at + 1));
    }
    device->config().poke(pci::capability_pointer, 0x04, 1);  // into the header
    EXPECT_EQ(bus.read8(slot, pci::capability_pointer), 4);
}

// --- the window ---

TEST_F(PciConfig, ReadsAndWritesThroughTheWindow) {
    uint16_t const data = field(pci::pci_cfg, pci::pci_cfg_data);
    driver->set_command(pci::command_memory, false);  // the window works without decoding
    aim(4, 0x1040 + common::num_queues, 2);
    EXPECT_EQ(bus.read16(slot, data), 2);
    aim(4, 0x1040 + common::device_status, 1);
    bus.write8(slot, data, 0);
    EXPECT_EQ(bus.read8(slot, data), 0);
    bus.write8(slot, data, 1);
    EXPECT_EQ(bus.read8(slot, data), 1);
    aim(4, 0x1040 + common::device_feature_select, 4);
    bus.write32(slot, data, 1);
    aim(4, 0x1040 + common::device_feature, 4);
    EXPECT_EQ(bus.read32(slot, data), 1u);
    EXPECT_EQ(device->status(), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciConfig, ObeysTheWindowsLength) {
    uint16_t const data = field(pci::pci_cfg, pci::pci_cfg_data);
    aim(4, 0x1040 + common::num_queues, 2);
    EXPECT_EQ(bus.read32(slot, data) & 0xffff, 2u);  // the first two of four
    aim(4, 0x1040 + common::device_status, 1);
    bus.write32(slot, data, 0);
    bus.write32(slot, data, 0xffffff00);
    EXPECT_EQ(device->status_history(), (std::vector<uint32_t>{0, 0}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciConfig, TransfersAllBytesForPartialAccess) {
    aim(4, 0x2000, 4);
    EXPECT_EQ(bus.read16(slot, field(pci::pci_cfg, pci::pci_cfg_data + 2)), 0x0403);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciConfig, ReportsAMisalignedOrOutsideWindow) {
    uint16_t const data = field(pci::pci_cfg, pci::pci_cfg_data);
    aim(4, 0x1041, 2);
    static_cast<void>(bus.read16(slot, data));
    aim(4, 0x1040, 3);
    static_cast<void>(bus.read16(slot, data));
    aim(4, 0x1040, 0);
    bus.write32(slot, data, 0);
    EXPECT_EQ(log.count("D-4.1.4.9.2-1"), 6u) << log;  // once at the write of the offset, once at the access
    log.clear();
    aim(4, 0x0100, 4);
    static_cast<void>(bus.read32(slot, data));
    aim(1, 0, 4);  // the MSI-X table is not a virtio structure
    bus.write32(slot, data, 0);
    aim(7, 0x1040, 4);
    static_cast<void>(bus.read32(slot, data));
    EXPECT_EQ(log.count("D-4.1.4.9.2-2"), 3u) << log;
    EXPECT_EQ(log.entries().size(), 3u) << log;
}

// §4.1.4.9.2: the offset must be a multiple of the length that the window has at that moment (faults B8).
TEST_F(PciConfig, ReportsAnOffsetBeforeItsLength) {
    aim(4, 0x1040, 4);
    aim(4, 0x1052, 2);
    EXPECT_TRUE(log.empty()) << log;
    aim(4, 0x1040, 4);
    bus.write32(slot, field(pci::pci_cfg, pci::cap_offset), 0x1052);
    bus.write32(slot, field(pci::pci_cfg, pci::cap_length), 2);
    expect_only("D-4.1.4.9.2-1");
}

TEST_F(PciConfig, MayUnderstateCapabilityLengths) {
    EXPECT_EQ(bus.read8(slot, field(pci::pci_cfg, pci::cap_len)), 20);
    layout.structure(pci::pci_cfg).stated_bytes = 16;
    PciDevice other(memory, backend, layout);
    PciCapability const* const window = other.capabilities().find(pci::pci_cfg);
    EXPECT_EQ(other.read_config(static_cast<uint16_t>(window->offset + pci::cap_len), 1), 16u);
    EXPECT_EQ(window->bytes, 20);
}

}  // namespace virtq::sim_test
