// SPDX-License-Identifier: MIT
#include <virtq/transport/detail/pci/pci_mapping.hpp>

#include <transport/pci_machine.hpp>

#include <cstdint>
#include <string_view>

/// Mistakes in a kernel's map_device_memory.
namespace virtq::test {

using namespace virtq::detail;

namespace {

TEST(PciMappings, MayBeNeighbours) {
    PciMappings mappings;
    EXPECT_TRUE(mappings.add(0x1000, 0x40));
    EXPECT_TRUE(mappings.add(0x1040, 0x40));
    EXPECT_TRUE(mappings.add(0x0fff, 1));
    EXPECT_TRUE(mappings.add(UINTPTR_MAX, 1));
    EXPECT_TRUE(mappings.add(0x2000, 1));  // one mapping more than a device needs
}

TEST(PciMappings, MayNotOverlap) {
    PciMappings mappings;
    ASSERT_TRUE(mappings.add(0x1000, 0x40));
    EXPECT_FALSE(mappings.add(0x1000, 0x40));
    EXPECT_FALSE(mappings.add(0x103f, 1));
    EXPECT_FALSE(mappings.add(0x0ff0, 0x11));
    EXPECT_FALSE(mappings.add(0x0ff0, UINT32_MAX));
}

/// A kernel that maps all device memory to one virtual address.
struct OneWindow {
    std::uintptr_t map_device_memory(PhysAddr address, std::uint64_t bytes) {
        std::uintptr_t const mapped = bus.map_device_memory(address, bytes);
        place = place == 0 ? mapped : place;
        return place;
    }
    std::uintptr_t map_device_ports(std::uint32_t port, std::uint32_t bytes) {
        return bus.map_device_ports(port, bytes);
    }
    sim::PciBus& bus;
    std::uintptr_t place = 0;
};

TEST(PciModernProbe, RefusesTwoMappingsAtOneAddress) {
    PciDiskMachine<> machine;
    OneWindow window{machine.bus};
    EXPECT_EQ(machine.transport.probe(machine.function, window).error(), Error::pci_mappings_overlap);
    EXPECT_FALSE(machine.transport.is_probed());
    EXPECT_EQ(machine.device.status_history().size(), 0u);
    std::string_view const sentence = describe(Error::pci_mappings_overlap);
    EXPECT_NE(sentence.find("map_device_memory"), std::string_view::npos) << sentence;
}

}  // namespace
}  // namespace virtq::test
