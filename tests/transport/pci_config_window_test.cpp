// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_config_window.hpp>

#include <transport/pci_machine.hpp>

#include <algorithm>
#include <cstdint>

/// §4.1.4.9 (PCI configuration access capability).
namespace virtq::test {

using namespace virtq::detail;

namespace {

TEST(PciConfigWindow, DrivesADiskWithoutAnyMapping) {
    PciDiskMachine<Window> machine;
    machine.bring_up();
    machine.expect_works();
    static_cast<void>(machine.driver.enable_used_notifications());
    machine.expect_works();
    EXPECT_TRUE(machine.device.interrupt_line());
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_FALSE(machine.device.interrupt_line());
    EXPECT_TRUE(machine.bus.mappings().empty());
    EXPECT_EQ(machine.device.bar_accesses(), 0u);
}

// With memory space enabled, the device would decode its unassigned BARs at address 0.
TEST(PciConfigWindow, WorksWithoutBarAddresses) {
    PciDiskMachine<Window> machine({.assigned = false});
    machine.bring_up();
    EXPECT_EQ(machine.command() & 7, wire::command_bus_master);
    machine.expect_works();
}

TEST(PciConfigWindow, NeedsNoMemorySpace) {
    PciDiskMachine<Window> machine({.assigned = false});
    machine.device.refuse_command(wire::command_memory);
    machine.bring_up();
    machine.expect_works();
}

TEST(PciConfigWindow, NeedsTheBusMaster) {
    PciDiskMachine<Window> machine;
    machine.device.refuse_command(wire::command_bus_master);
    EXPECT_EQ(machine.probe().error(), Error::pci_command_refused);
    EXPECT_FALSE(machine.transport.is_probed());
}

TEST(PciConfigWindow, MayBeAbsent) {
    sim::PciLayout layout = sim::PciLayout::modern();
    std::erase_if(layout.structures, [](auto const& one) { return one.type == wire::pci_cfg; });
    PciDiskMachine<Window> machine({.layout = layout});
    EXPECT_EQ(machine.probe().error(), Error::pci_structure_missing);
    EXPECT_EQ(machine.init().error(), Error::transport_not_probed);
}

// The capability reports a length of 16, and the data follows (faults A7).
TEST(PciConfigWindow, MayUnderstateItsLength) {
    sim::PciLayout layout = sim::PciLayout::modern();
    layout.structure(wire::pci_cfg).stated_bytes = 16;
    PciDiskMachine<Window> machine({.layout = layout});
    machine.bring_up();
    machine.expect_works();
}

TEST(PciConfigWindow, NeedsAModernDevice) {
    PciDiskMachine<Window> machine({.layout = sim::PciLayout::legacy()});
    EXPECT_EQ(machine.probe().error(), Error::pci_modern_absent);
    EXPECT_EQ(machine.transport.probe_through_window(Function{machine.bus, {0, 9, 0}}).error(),
              Error::pci_function_absent);
}

TEST(PciConfigWindow, ReportsAGoneDevice) {
    PciDiskMachine<Window> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.bring_up();
    machine.device.vanish();
    EXPECT_TRUE(machine.transport.status().is_gone());
    EXPECT_EQ(machine.driver.check_alive().error(), Error::device_gone);
    machine.device.vanish(false);
}

TEST(PciConfigWindow, DividesItself) {
    PciDiskMachine<> machine;
    auto const* const capability = machine.device.capabilities().find(wire::pci_cfg);
    PciConfigWindow<sim::PciBus> const whole{machine.function, capability->offset, 4, 0x1040};
    PciConfigWindow<sim::PciBus> const queue = whole.at(0x10).at(0x08);
    EXPECT_EQ(queue.read16(0), 256);  // queue_size
    queue.write16(0, 16);
    EXPECT_EQ(whole.read16(0x18), 16);
    EXPECT_EQ(whole.read8(0x14), 0);
    whole.write8(0x14, 0);
    whole.write32(0x00, 1);
    EXPECT_EQ(whole.read32(0x04) & 1, 1u);  // VERSION_1
    machine.hostile = true;                 // in the wrong order
}

}  // namespace
}  // namespace virtq::test
