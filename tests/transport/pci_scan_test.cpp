// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_scan.hpp>

#include <transport/config_bytes.hpp>
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

using Found = std::vector<std::pair<std::uint32_t, spec::DeviceId>>;

template <class Access>
Found scan(Access& access, PciBusRange buses) {
    Found found;
    for_each_virtio_function(access, buses, [&](auto const& function, spec::DeviceId type) {
        found.emplace_back(pci_frame(function.address()), type);
    });
    return found;
}

/// A function with these IDs.
ConfigBytes function_of(std::uint16_t vendor, std::uint16_t device, std::uint16_t subsystem = 0,
                        std::uint8_t header = 0) {
    ConfigBytes config;
    config.put(spec::pci::vendor_id.offset, vendor, 2);
    config.put(spec::pci::device_id.offset, device, 2);
    config.put(spec::pci::subsystem_device_id.offset, subsystem, 2);
    config.put(spec::pci::header_type.offset, header, 1);
    return config;
}
Result<spec::DeviceId> identify(ConfigBytes config) {
    Result<spec::DeviceId> const type = virtq::detail::identify(PciFunction<ConfigBytes>{config, {}});
    EXPECT_EQ(config.crooked + config.stray_writes, 0u);
    return type;
}

TEST(PciIdentify, ReadsTheTypeOfModernIds) {
    EXPECT_EQ(*identify(function_of(0x1af4, 0x1042, 0x1100)), spec::DeviceId::block);
    EXPECT_EQ(*identify(function_of(0x1af4, 0x1041)), static_cast<spec::DeviceId>(1));
    EXPECT_EQ(*identify(function_of(0x1af4, 0x107f)), static_cast<spec::DeviceId>(0x3f));
}

// Astral scans only 0x1000 to 0x103f, and serenity#9816 is a panic about which of two IDs has the type.
TEST(PciIdentify, ReadsTransitionalTypesFromSubsystemIds) {
    EXPECT_EQ(*identify(function_of(0x1af4, 0x1001, 2)), spec::DeviceId::block);
    EXPECT_EQ(*identify(function_of(0x1af4, 0x1000, 1)), static_cast<spec::DeviceId>(1));
    EXPECT_EQ(*identify(function_of(0x1af4, 0x103f, 19)), static_cast<spec::DeviceId>(19));
}

TEST(PciIdentify, RejectsOtherDevices) {
    EXPECT_EQ(identify(function_of(0x8086, 0x1042)).error(), Error::not_virtio);
    EXPECT_EQ(identify(function_of(0x1af4, 0x0fff)).error(), Error::not_virtio);
    EXPECT_EQ(identify(function_of(0x1af4, 0x1080)).error(), Error::not_virtio);
    EXPECT_EQ(identify(function_of(0x1af4, 0x1110)).error(), Error::not_virtio);  // ivshmem
    EXPECT_EQ(identify(function_of(0x1af4, 0x1040)).error(), Error::not_virtio);  // type 0
    EXPECT_EQ(identify(function_of(0x1af4, 0x1040, 2)).error(), Error::not_virtio);
    EXPECT_EQ(identify(function_of(0x1af4, 0x1001, 0)).error(), Error::not_virtio);
    EXPECT_EQ(identify(function_of(0x1af4, 0x1042, 0, 1)).error(), Error::not_virtio);     // a bridge
    EXPECT_EQ(*identify(function_of(0x1af4, 0x1042, 0, 0x80)), spec::DeviceId::block);     // multi-function
    EXPECT_EQ(identify(function_of(0xffff, 0x1042)).error(), Error::pci_function_absent);  // no device answers
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
    EXPECT_EQ(scan(bus, {0, 1}), (Found{{3u << 3, spec::DeviceId::block},
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
    EXPECT_EQ(scan(bus, {255, 255}), (Found{{0xffff, spec::DeviceId::block}}));
}

TEST_F(PciScan, FindsAllFunctionsOfADevice) {
    sim::PciStranger first;
    sim::PciDevice third(memory, disk);
    sim::PciDevice last(memory, disk, sim::PciLayout::transitional());
    bus.add(PciAddress{0, 5, 0}, first);
    bus.add(PciAddress{0, 5, 3}, third);
    bus.add(PciAddress{0, 5, 7}, last);
    EXPECT_EQ(scan(bus, {0, 0}),
              (Found{{(5u << 3) | 3, spec::DeviceId::block}, {(5u << 3) | 7, spec::DeviceId::block}}));
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

TEST(PciCommand, IsVerified) {
    for (std::uint16_t const refused : {spec::pci::command_bus_master, spec::pci::command_memory_space}) {
        ConfigBytes config = function_of(0x1af4, 0x1042);
        config.command_sticky = static_cast<std::uint16_t>(config.command_sticky & ~refused);
        PciFunction<ConfigBytes> const function{config, {}};
        EXPECT_EQ(enable_pci(function, spec::pci::command_memory_space).error(), Error::pci_command_refused);
    }
}

// Firmware that polls or used MSI-X may leave INTx disabled. The driver would wait for ever.
TEST(PciCommand, EnablesTheInterruptLine) {
    ConfigBytes config = function_of(0x1af4, 0x1042);
    config.put(spec::pci::command.offset, 0x0541, 2);  // interrupt disable, SERR#, parity, I/O space
    PciFunction<ConfigBytes> const function{config, {}};
    EXPECT_TRUE(enable_pci(function, spec::pci::command_memory_space).ok());
    EXPECT_EQ(config.get(spec::pci::command.offset, 2), 0x0147u);
}

}  // namespace
}  // namespace virtq::test
