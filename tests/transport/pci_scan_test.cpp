// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_scan.hpp>

#include <transport/pci_machine.hpp>

#include <sim/pci_stranger.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// §4.1.2 (PCI Device Discovery).
namespace virtq::test {

using namespace virtq::detail;

namespace {

using FoundFunctions = std::vector<std::pair<std::uint32_t, spec::DeviceId>>;

template <class Access>
FoundFunctions scan(Access& access, PciBusRange buses) {
    FoundFunctions found;
    for_each_virtio_function(access, buses, [&](auto const& function, spec::DeviceId type) {
        found.emplace_back(pci_frame(function.address()), type);
    });
    return found;
}

class PciScan : public testing::Test {
protected:
    ~PciScan() override { EXPECT_TRUE(memory.violations().empty()) << memory.violations(); }

    sim::GuestMemory memory;
    sim::BlockDevice disk{memory.violations(), {}};
    sim::PciBus bus{memory.violations()};
};

TEST_F(PciScan, FindsBothInterfacesOnSeveralBuses) {
    sim::PciDevice modern(memory, disk);
    sim::PciDevice transitional(memory, disk, sim::PciLayout::transitional());
    sim::PciDevice legacy(memory, disk, sim::PciLayout::legacy());
    sim::PciStranger host_bridge;
    sim::PciStranger bridge(0x8086, 0x244e, 1);
    bus.add(PciAddress{0, 0, 0}, host_bridge);
    bus.add(PciAddress{0, 3, 0}, modern);
    bus.add(PciAddress{0, 30, 0}, bridge);
    bus.add(PciAddress{0, 31, 0}, transitional);
    bus.add(PciAddress{1, 31, 0}, legacy);
    EXPECT_EQ(scan(bus, {0, 1}), (FoundFunctions{{3u << 3, spec::DeviceId::block},
                                                 {31u << 3, spec::DeviceId::block},
                                                 {(1u << 8) | (31u << 3), spec::DeviceId::block}}));
    EXPECT_EQ(scan(bus, {1, 1}).size(), 1u);
    EXPECT_TRUE(scan(bus, {2, 2}).empty());
    EXPECT_EQ(host_bridge.writes() + bridge.writes(), 0u);
    // §4.1.2: a scan reads IDs and changes nothing.
    EXPECT_EQ(modern.status_history().size(), 0u);
}

TEST_F(PciScan, EndsWithTheLastBus) {
    sim::PciDevice modern(memory, disk);
    bus.add(PciAddress{255, 31, 7}, modern);
    sim::PciStranger first;
    bus.add(PciAddress{255, 31, 0}, first);
    first.set_multifunction();
    EXPECT_EQ(scan(bus, {255, 255}), (FoundFunctions{{0xffff, spec::DeviceId::block}}));
}

TEST_F(PciScan, FindsAllFunctionsOfADevice) {
    sim::PciStranger first;
    sim::PciDevice third(memory, disk);
    sim::PciDevice last(memory, disk, sim::PciLayout::transitional());
    bus.add(PciAddress{0, 5, 0}, first);
    bus.add(PciAddress{0, 5, 3}, third);
    bus.add(PciAddress{0, 5, 7}, last);
    EXPECT_EQ(scan(bus, {0, 0}),
              (FoundFunctions{{(5u << 3) | 3, spec::DeviceId::block}, {(5u << 3) | 7, spec::DeviceId::block}}));
}

// A device that does not decode the function number answers as all eight.
TEST_F(PciScan, FindsASingleFunctionOnce) {
    sim::PciDevice modern(memory, disk);
    bus.add(PciAddress{0, 5, 0}, modern);
    bus.ignore_function_number(0, 5);
    EXPECT_EQ(scan(bus, {0, 0}).size(), 1u);
}

TEST_F(PciScan, ReadsAnEmptySlotOnce) {
    EXPECT_TRUE(scan(bus, {0, 0}).empty());
    EXPECT_EQ(bus.misses(), 32u);
}

TEST_F(PciScan, ReportsWhatItSawInstead) {
    sim::PciDevice modern(memory, disk);
    sim::PciStranger host_bridge;
    sim::PciStranger other;
    auto const sentence = [&] {
        return std::string{describe(for_each_virtio_function(bus, {0, 0}, [](auto const&, spec::DeviceId) {}))};
    };
    EXPECT_NE(sentence().find("configuration space is elsewhere"), std::string::npos) << sentence();
    bus.add(PciAddress{0, 0, 0}, host_bridge);
    EXPECT_NE(sentence().find("device << 15"), std::string::npos) << sentence();
    bus.add(PciAddress{0, 1, 0}, other);
    EXPECT_NE(sentence().find("none is a VirtIO one"), std::string::npos) << sentence();
    bus.add(PciAddress{0, 2, 0}, modern);
    EXPECT_NE(sentence().find("Check their types"), std::string::npos) << sentence();
}

TEST_F(PciScan, CallbackMayBringUpADisk) {
    sim::PciDevice modern(memory, disk);
    bus.add(PciAddress{0, 5, 0}, modern);
    bus.assign();
    Modern transport;
    for_each_virtio_function(
        bus, {0, 0}, [&](auto const& function, spec::DeviceId) { EXPECT_TRUE(transport.probe(function, bus).ok()); });
    EXPECT_EQ(transport.device_id(), spec::DeviceId::block);
}

}  // namespace
}  // namespace virtq::test
