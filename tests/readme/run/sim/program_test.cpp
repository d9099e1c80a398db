// SPDX-License-Identifier: MIT
#include <sim/pci_bus.hpp>
#include <sim/pci_device.hpp>

#include <cstdint>

#include <blocks/sim/README/use.inc>

/// The page of the simulated device: its first block is a whole program, and this is the second.
namespace virtq::readme {
namespace {

TEST(SimulatedDevice, IsAFunctionOnABus) {
    sim::GuestMemory memory;
    sim::BlockDevice disk(memory.violations());
#include <blocks/sim/README/use_2.inc>
    EXPECT_NE(virt, 0u);
    EXPECT_EQ(bus.read32(sim::PciSlot{0, 3, 0}, 0) & 0xffff, 0x1af4u);
}

}  // namespace
}  // namespace virtq::readme
