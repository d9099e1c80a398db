// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>

#include <sim/pci_machine.hpp>
#include <sim/pci_stranger.hpp>
#include <virtq/platform/register_space.hpp>

namespace virtq::sim_test {

static_assert(RegisterSpace<BarSpace>);

class PciBusTest : public PciMachine {};

TEST_F(PciBusTest, ReadsAllOnesWithoutAFunction) {
    EXPECT_EQ(bus.read8(PciSlot{1, 4, 1}, 0), 0xff);
    EXPECT_EQ(bus.read16(PciSlot{1, 5, 0}, 0), 0xffff);
    EXPECT_EQ(bus.read32(PciSlot{0, 4, 0}, 0), 0xffffffffu);
    bus.write32(PciSlot{0, 4, 0}, 4, 7);
    EXPECT_EQ(bus.misses(), 4u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciBusTest, AcceptsTheDriversAddressType) {
    struct Address {
        uint8_t bus, device, function;
    };
    EXPECT_EQ(bus.read16(Address{1, 4, 0}, pci::vendor_id), 0x1af4);
    EXPECT_EQ(bus.read16(Address{4, 1, 0}, pci::vendor_id), 0xffff);
}

TEST_F(PciBusTest, MarksFunction0AsMultifunction) {
    EXPECT_EQ(bus.read8(slot, pci::header_type), 0);
    PciStranger second;
    bus.add(PciSlot{1, 4, 3}, second);
    EXPECT_EQ(bus.read8(slot, pci::header_type), 0x80);
    EXPECT_EQ(bus.read16(PciSlot{1, 4, 3}, pci::vendor_id), 0x8086);
}

TEST_F(PciBusTest, ShowsUndecodedFunctionsEightTimes) {
    bus.ignore_function_number(1, 4);
    EXPECT_EQ(bus.read16(PciSlot{1, 4, 7}, pci::vendor_id), 0x1af4);
    EXPECT_EQ(bus.read8(PciSlot{1, 4, 7}, pci::header_type), 0);
    EXPECT_EQ(bus.read16(PciSlot{1, 5, 7}, pci::vendor_id), 0xffff);
}

TEST_F(PciBusTest, PlacesAndEnablesAllBars) {
    EXPECT_EQ(device->bar(1).address() % 0x1000, 0u);
    EXPECT_NE(device->bar(1).address(), 0u);
    EXPECT_GT(device->bar(4).address(), uint64_t{1} << 32);
    EXPECT_EQ(bus.read16(slot, pci::command) & pci::command_memory, pci::command_memory);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciBusTest, ReachesRegistersOnlyThroughAMapping) {
    uint64_t const phys = device->bar(4).address();
    PciStructure const& place = layout.structure(pci::common_cfg);
    uintptr_t const virt = bus.map_device_memory(PhysAddr{phys + place.offset}, place.length);
    EXPECT_EQ(BarSpace{virt}.read16(common::num_queues), 2);
    EXPECT_EQ(BarSpace{virt}.at(common::num_queues).read16(0), 2);
    EXPECT_TRUE(log.empty()) << log;
    EXPECT_EQ(BarSpace{virt}.read16(static_cast<uint16_t>(place.length)), 0xffff);  // beyond its end
    expect_only("S-4.1.1-mapping");
    log.clear();
    EXPECT_EQ(BarSpace{static_cast<uintptr_t>(phys + place.offset)}.read16(common::num_queues), 0xffff);
    expect_only("S-4.1.1-mapping");
    log.clear();
    EXPECT_EQ(BarSpace{}.read8(0), 0xff);
    expect_only("S-4.1.1-mapping");
}

TEST_F(PciBusTest, MapsOnlyTheRequestedBytes) {
    uintptr_t const first = bus.map_device_memory(PhysAddr{0x12345678}, 0x2000);
    uintptr_t const second = bus.map_device_memory(PhysAddr{0x2000}, 4);
    EXPECT_EQ(first % 4096, 0x678u);
    EXPECT_GT(second, first + 0x3000);
    EXPECT_EQ(BarSpace{first}.read32(0), 0xffffffffu);  // mapped, but no device answers
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciBusTest, FailsAMappingOnRequest) {
    bus.fail_mapping(1);
    EXPECT_NE(bus.map_device_memory(PhysAddr{0x1000}, 4), 0u);
    EXPECT_EQ(bus.map_device_ports(0x1000, 4), 0u);
    EXPECT_NE(bus.map_device_memory(PhysAddr{0x1000}, 4), 0u);
    EXPECT_EQ(bus.map_device_memory(PhysAddr{0x1000}, 0), 0u);
    EXPECT_EQ(bus.mappings().back().address, 0x1000u);
}

TEST_F(PciBusTest, FollowsABarThatMoves) {
    uint64_t const old = device->bar(4).address();
    driver->set_command(pci::command_memory, false);
    bus.write32(slot, pci::bar + 4 * 4, 0x4000'0000);
    bus.write32(slot, pci::bar + 4 * 5, 0x90);
    driver->set_command(pci::command_memory, true);
    EXPECT_EQ(device->bar(4).address(), 0x90'4000'0000u);
    EXPECT_EQ(driver->common.read16(common::num_queues), 0xffff);  // the mapping still has the old address
    driver->map(4);
    EXPECT_EQ(driver->bars[4].read16(0x1040 + common::num_queues), 2);
    EXPECT_NE(old, device->bar(4).address());
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PciBusTest, ReportsTwoBarsAtOneAddress) {
    PciDevice twin(memory, backend, layout);
    bus.add(PciSlot{1, 5, 0}, twin);
    uint64_t const address = device->bar(4).address();
    bus.write32(PciSlot{1, 5, 0}, pci::bar + 4 * 4, static_cast<uint32_t>(address));
    bus.write32(PciSlot{1, 5, 0}, pci::bar + 4 * 5, static_cast<uint32_t>(address >> 32));
    bus.write16(PciSlot{1, 5, 0}, pci::command, pci::command_memory);
    static_cast<void>(driver->common.read16(common::num_queues));
    expect_only("S-4.1.1-overlap");
}

TEST(PciBusAlone, ExistsOnlyOnce) {
    ViolationLog log;
    EXPECT_THROW(static_cast<void>(PciBus::current()), std::logic_error);
    {
        PciBus const bus(log);
        EXPECT_THROW(PciBus second(log), std::logic_error);
        EXPECT_EQ(&PciBus::current(), &bus);
    }
    PciBus const again(log);
    EXPECT_EQ(&PciBus::current(), &again);
}

TEST(PciBusAlone, LeavesBridgesAlone) {
    ViolationLog log;
    PciBus bus(log);
    PciStranger bridge(0x8086, 0x1234, 1);
    bus.add(PciSlot{0, 3, 0}, bridge);
    bus.assign();
    EXPECT_EQ(bridge.writes(), 0u);
    EXPECT_EQ(bus.read8(PciSlot{0, 3, 0}, pci::header_type), 1);
}

}  // namespace virtq::sim_test
