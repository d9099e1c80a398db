// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_bridge.hpp>

#include <transport/pci_machine.hpp>

#include <sim/pci_bridge.hpp>
#include <sim/pci_stranger.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// Bridges without bus numbers, such as the root ports of a machine without firmware (faults A12).
namespace virtq::test {
namespace {

namespace bridge = wire::bridge;

class PciBridges : public testing::Test {
protected:
    ~PciBridges() override { EXPECT_TRUE(memory.violations().empty()) << memory.violations(); }

    [[nodiscard]] std::vector<std::uint32_t> scan(PciBusRange buses) {
        std::vector<std::uint32_t> frames;
        seen = for_each_virtio_function(bus, buses, [&](auto const& function, spec::DeviceId) {
            frames.push_back(pci_frame(function.address()));
        });
        return frames;
    }
    void expect_numbers(sim::PciBridge& which, unsigned primary, unsigned secondary, unsigned subordinate) {
        EXPECT_EQ(which.config().peek(bridge::primary, 1), primary);
        EXPECT_EQ(which.config().peek(bridge::secondary, 1), secondary);
        EXPECT_EQ(which.config().peek(bridge::subordinate, 1), subordinate);
    }
    /// Checks that the disk at this address works, for a kernel that passes no windows.
    void expect_works(PciAddress address, Any::Kind kind, sim::PciDevice& of, PciProbeOption const& option = {}) {
        Any transport;
        BlockDevice<Any, 256> driver;
        Status const found = transport.probe_pci(Function{bus, address}, bus, option);
        ASSERT_TRUE(found.ok()) << describe(found.error());
        EXPECT_EQ(transport.kind(), kind);
        ASSERT_TRUE(driver.init(transport, memory, {.reset_limit = PollLimit{100}}).ok());
        sim::Buffer const data = memory.allocate_buffer(512, 512);
        EXPECT_TRUE(driver.read(3, {data.phys, 512}, PollLimit{100}, [&] { of.step(); }).ok());
        EXPECT_TRUE(driver.release(memory).ok());
    }

    sim::GuestMemory memory;
    sim::BlockDevice disk{memory.violations(), {}};
    sim::PciBus bus{memory.violations()};
    sim::PciStranger host_bridge;
    sim::PciBridge port;
    sim::PciDevice device{memory, disk};
    PciWindow window{0x1000'0000, 0x1000'0000};
    PciWindow ports{0, 0x1'0000};
    virtq::PciScan seen;
};

TEST_F(PciBridges, HideDevicesUntilNumbered) {
    bus.add(PciAddress{0, 0, 0}, host_bridge);
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, device);
    EXPECT_TRUE(scan({0, 15}).empty());
    EXPECT_EQ(seen.bridges_unnumbered, 1u);
    std::string const sentence = describe(seen);
    EXPECT_NE(sentence.find("number_buses()"), std::string::npos) << sentence;

    Result<PciBusRange> const buses = number_buses(bus, {0, 15}, {.memory = &window});
    ASSERT_TRUE(buses.ok()) << describe(buses.error());
    EXPECT_EQ(buses->first, 0);
    EXPECT_EQ(buses->last, 1);
    expect_numbers(port, 0, 1, 1);
    EXPECT_EQ(scan(*buses), (std::vector<std::uint32_t>{1u << 8}));
    EXPECT_EQ(seen.bridges_unnumbered, 0u);
    EXPECT_TRUE(port.is_bus_master());
    expect_works({1, 0, 0}, Any::Kind::pci_modern, device);
}

TEST_F(PciBridges, AreNumberedDepthFirst) {
    sim::PciBridge second;
    sim::PciBridge below;
    sim::PciBridge last;
    sim::PciDevice deep{memory, disk};
    sim::PciDevice far{memory, disk};
    bus.add(PciAddress{0, 1, 0}, port);
    bus.add(PciAddress{0, 1, 1}, second);
    port.config().poke(wire::header_type, 0x81, 1);
    bus.add(PciAddress{0, 4, 0}, last);
    port.add(0, 0, below);
    port.add(3, 0, device);
    below.add(5, 0, deep);
    last.add(0, 0, far);
    Result<PciBusRange> const buses = number_buses(bus, {0, 255}, {.memory = &window});
    ASSERT_TRUE(buses.ok());
    EXPECT_EQ(buses->last, 4);
    expect_numbers(port, 0, 1, 2);
    expect_numbers(below, 1, 2, 2);
    expect_numbers(second, 0, 3, 3);
    expect_numbers(last, 0, 4, 4);
    EXPECT_EQ(scan(*buses),
              (std::vector<std::uint32_t>{pci_frame({1, 3, 0}), pci_frame({2, 5, 0}), pci_frame({4, 0, 0})}));
    expect_works({1, 3, 0}, Any::Kind::pci_modern, device);
    expect_works({2, 5, 0}, Any::Kind::pci_modern, deep);
    expect_works({4, 0, 0}, Any::Kind::pci_modern, far);
    // The bridge has no device below it, so it forwards nothing.
    EXPECT_GT(second.config().peek(bridge::memory_base, 2) & 0xfff0, second.config().peek(bridge::memory_limit, 2));
}

// The first bus of a host bridge is not always 0 (https://github.com/SerenityOS/serenity/pull/26577).
TEST_F(PciBridges, AreNumberedFromTheFirstBus) {
    bus.add(PciAddress{0x40, 1, 0}, port);
    port.add(0, 0, device);
    Result<PciBusRange> const buses = number_buses(bus, {0x40, 0x4f}, {.memory = &window});
    ASSERT_TRUE(buses.ok());
    EXPECT_EQ(buses->first, 0x40);
    EXPECT_EQ(buses->last, 0x41);
    expect_numbers(port, 0x40, 0x41, 0x41);
    expect_works({0x41, 0, 0}, Any::Kind::pci_modern, device);
}

TEST_F(PciBridges, PassPortsOn) {
    sim::PciBridge wide{sim::PciBridge::Ports::wide};
    sim::PciDevice first{memory, disk, sim::PciLayout::legacy()};
    sim::PciDevice second{memory, disk, sim::PciLayout::legacy()};
    sim::PciDevice third{memory, disk, sim::PciLayout::legacy()};
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, first);
    port.add(1, 0, second);
    bus.add(PciAddress{0, 2, 0}, wide);
    wide.add(0, 0, third);
    Result<PciBusRange> const buses = number_buses(bus, {0, 15}, {.memory = &window, .ports = &ports});
    ASSERT_TRUE(buses.ok()) << describe(buses.error());
    expect_works({1, 0, 0}, Any::Kind::pci_legacy_ports, first);
    expect_works({1, 1, 0}, Any::Kind::pci_legacy_ports, second);
    expect_works({2, 0, 0}, Any::Kind::pci_legacy_ports, third);
}

// [BRIDGE] 3.2.5.6: if a bridge forwards no ports, these registers are hard-wired to 0.
TEST_F(PciBridges, NeedNotPassPortsOn) {
    sim::PciBridge without{sim::PciBridge::Ports::none};
    sim::PciDevice transitional{memory, disk, sim::PciLayout::transitional()};
    bus.add(PciAddress{0, 1, 0}, without);
    without.add(0, 0, transitional);
    std::uint64_t const before = ports.left();
    ASSERT_TRUE(number_buses(bus, {0, 15}, {.memory = &window, .ports = &ports}).ok());
    EXPECT_EQ(ports.left(), before);
    EXPECT_EQ(transitional.bar(0).address(), 0u);
    expect_works({1, 0, 0}, Any::Kind::pci_modern, transitional);
}

TEST_F(PciBridges, AreLeftAloneIfNumbered) {
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, device);
    ASSERT_TRUE(number_buses(bus, {0, 15}, {.memory = &window}).ok());
    unsigned const writes = port.writes();
    std::uint64_t const left = window.left();
    sim::PciBridge late;
    sim::PciDevice further{memory, disk};
    bus.add(PciAddress{0, 0, 0}, late);
    late.add(0, 0, further);
    Result<PciBusRange> const again = number_buses(bus, {0, 15}, {.memory = &window});
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->last, 2);
    expect_numbers(port, 0, 1, 1);
    expect_numbers(late, 0, 2, 2);
    EXPECT_EQ(port.writes(), writes);
    EXPECT_LT(window.left(), left);
    expect_works({1, 0, 0}, Any::Kind::pci_modern, device);
    expect_works({2, 0, 0}, Any::Kind::pci_modern, further);
}

// Without windows the device is found, and the driver reaches it through its configuration space.
TEST_F(PciBridges, AreNumberedWithoutWindows) {
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, device);
    Result<PciBusRange> const buses = number_buses(bus, {0, 15});
    ASSERT_TRUE(buses.ok());
    EXPECT_TRUE(port.is_bus_master());
    EXPECT_EQ(port.config().command() & wire::command_memory, 0);
    expect_works({1, 0, 0}, Any::Kind::pci_window, device, {.config_window = PciConfigWindowUse::last_resort});
}

TEST_F(PciBridges, NeedNumbers) {
    sim::PciBridge second;
    bus.add(PciAddress{0, 1, 0}, port);
    bus.add(PciAddress{0, 2, 0}, second);
    port.add(0, 0, device);
    EXPECT_EQ(number_buses(bus, {0, 1}, {.memory = &window}).error(), Error::pci_buses_used_up);
    expect_numbers(port, 0, 1, 1);
    expect_numbers(second, 0, 0, 0);
    EXPECT_EQ(scan({0, 1}).size(), 1u);
    expect_works({1, 0, 0}, Any::Kind::pci_modern, device);
}

TEST_F(PciBridges, EndIfNestedTooDeeply) {
    std::vector<sim::PciBridge> row(12);
    bus.add(PciAddress{0, 1, 0}, row[0]);
    for (std::size_t i = 1; i < row.size(); ++i) {
        row[i - 1].add(0, 0, row[i]);
    }
    EXPECT_EQ(number_buses(bus, {0, 255}, {.memory = &window}).error(), Error::pci_buses_used_up);
    expect_numbers(row[0], 0, 1, 8);
    expect_numbers(row[7], 7, 8, 8);
    expect_numbers(row[8], 0, 0, 0);
}

// Bridges forward memory below 4 GiB, in multiples of 1 MiB.
TEST_F(PciBridges, NeedSpaceInTheWindow) {
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, device);
    PciWindow above{std::uint64_t{1} << 32, 0x1000'0000};
    EXPECT_EQ(number_buses(bus, {0, 15}, {.memory = &above}).error(), Error::pci_window_full);
    EXPECT_EQ(device.bar(4).address(), 0u);
    EXPECT_EQ(scan({0, 15}).size(), 1u);  // numbered nevertheless

    sim::PciBridge second;
    sim::PciDevice other{memory, disk};
    bus.add(PciAddress{0, 2, 0}, second);
    second.add(0, 0, other);
    PciWindow small{0x1000'0000, 0x10'8000};  // the bridge's own BAR, and 32 KiB after the next MiB
    EXPECT_EQ(number_buses(bus, {0, 15}, {.memory = &small}).error(), Error::pci_window_full);
}

// The host bridge's window has room, and the bridge does not pass it on: the device would be gone.
TEST_F(PciBridges, KeepProbesFromPlacingClosedRanges) {
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, device);
    PciWindow memory_window{0x1000'1000, 0x8'0000};  // the bridge's own BAR, and less than 1 MiB
    EXPECT_EQ(number_buses(bus, {0, 15}, {.memory = &memory_window}).error(), Error::pci_window_full);
    std::uint64_t const left = memory_window.left();
    Any transport;
    PciProbeOption option{.memory = &memory_window};
    EXPECT_EQ(transport.probe_pci(Function{bus, {1, 0, 0}}, bus, option).error(), Error::pci_bridge_closed);
    EXPECT_EQ(device.bar(4).address(), 0u);
    EXPECT_EQ(memory_window.left(), left);
    std::string const sentence = describe(Error::pci_bridge_closed);
    for (char const* part : {"window of the bridge", "number_buses()", "config_window"}) {
        EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
    }
    option.config_window = PciConfigWindowUse::last_resort;
    expect_works({1, 0, 0}, Any::Kind::pci_window, device, option);
}

// A device that was plugged in later, or a kernel that opens its bridges by itself.
TEST_F(PciBridges, LetProbesPlaceOpenRanges) {
    sim::PciBridge inner;
    sim::PciDevice later{memory, disk};
    sim::PciDevice deep{memory, disk};
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, device);
    port.add(1, 0, inner);
    inner.add(0, 0, deep);
    ASSERT_TRUE(number_buses(bus, {0, 15}, {.memory = &window}).ok());
    port.add(2, 0, later);
    std::uint64_t const base = std::uint64_t{port.config().peek(bridge::memory_base, 2)} << 16;
    PciWindow within{base + 0x8'0000, 0x8'0000};
    expect_works({1, 2, 0}, Any::Kind::pci_modern, later, {.memory = &within});

    // Both bridges on the way have to pass it on.
    sim::PciDevice deeper{memory, disk};
    inner.add(1, 0, deeper);
    Any transport;
    PciWindow outer_only{base + 0xc'0000, 0x4'0000};
    EXPECT_EQ(transport.probe_pci(Function{bus, {2, 1, 0}}, bus, {.memory = &outer_only}).error(),
              Error::pci_bridge_closed);
}

// [BRIDGE] 3.2.5.9, 3.2.5.10: the second window for memory, which has registers for the upper 32 bits.
TEST_F(PciBridges, LetProbesPlaceInPrefetchableMemory) {
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, device);
    ASSERT_TRUE(number_buses(bus, {0, 15}).ok());
    port.config().set_writable(bridge::prefetch_base_high, 0xffff'ffff, 4);
    port.config().set_writable(bridge::prefetch_limit_high, 0xffff'ffff, 4);
    bus.write16(PciAddress{0, 1, 0}, bridge::prefetch_base, 0x2000);
    bus.write16(PciAddress{0, 1, 0}, bridge::prefetch_limit, 0x2000);
    bus.write16(PciAddress{0, 1, 0}, wire::command, wire::command_memory | wire::command_bus_master);
    PciWindow within{0x2000'0000, 0x10'0000};
    PciWindow behind{0x2010'0000, 0x10'0000};
    Any transport;
    EXPECT_EQ(transport.probe_pci(Function{bus, {1, 0, 0}}, bus, {.memory = &behind}).error(),
              Error::pci_bridge_closed);
    for (std::uint16_t const high : {bridge::prefetch_base_high, bridge::prefetch_limit_high}) {
        bus.write32(PciAddress{0, 1, 0}, high, 2);
    }
    EXPECT_EQ(transport.probe_pci(Function{bus, {1, 0, 0}}, bus, {.memory = &within}).error(),
              Error::pci_bridge_closed);
    for (std::uint16_t const high : {bridge::prefetch_base_high, bridge::prefetch_limit_high}) {
        bus.write32(PciAddress{0, 1, 0}, high, 0);
    }
    expect_works({1, 0, 0}, Any::Kind::pci_modern, device, {.memory = &within});

    // The registers of a bridge with 32-bit windows say so.
    port.config().poke(bridge::prefetch_base, 0x2000, 2);
    port.config().poke(bridge::prefetch_limit, 0x2000, 2);
    sim::PciDevice other{memory, disk};
    port.add(1, 0, other);
    PciWindow rest{0x2008'0000, 0x8'0000};
    expect_works({1, 1, 0}, Any::Kind::pci_modern, other, {.memory = &rest});
}

// A host bridge can have devices on a bus that no bridge leads to.
TEST_F(PciBridges, AreNotNeededOnARootBus) {
    bus.add(PciAddress{5, 1, 0}, device);
    expect_works({5, 1, 0}, Any::Kind::pci_modern, device, {.memory = &window});
}

TEST_F(PciBridges, KeepProbesFromClosedPorts) {
    sim::PciBridge wide{sim::PciBridge::Ports::wide};
    sim::PciBridge narrow{sim::PciBridge::Ports::narrow};
    sim::PciDevice third{memory, disk, sim::PciLayout::legacy()};
    sim::PciDevice first{memory, disk, sim::PciLayout::legacy()};
    sim::PciDevice second{memory, disk, sim::PciLayout::legacy()};
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, first);
    bus.add(PciAddress{0, 2, 0}, wide);
    bus.add(PciAddress{0, 3, 0}, narrow);
    ASSERT_TRUE(number_buses(bus, {0, 15}).ok());
    wide.add(0, 0, second);
    narrow.add(0, 0, third);
    Any transport;
    EXPECT_EQ(transport.probe_pci(Function{bus, {1, 0, 0}}, bus, {.ports = &ports}).error(), Error::pci_bridge_closed);
    bus.write16(PciAddress{0, 2, 0}, bridge::io_base, 0x1111);  // from 0x1000 on, of 32 bits
    bus.write16(PciAddress{0, 2, 0}, bridge::io_base_high, 2);
    bus.write16(PciAddress{0, 2, 0}, bridge::io_limit_high, 2);
    bus.write16(PciAddress{0, 2, 0}, wire::command, wire::command_io | wire::command_bus_master);
    PciWindow high{0x2'1000, 0x1000};
    expect_works({2, 0, 0}, Any::Kind::pci_legacy_ports, second, {.ports = &high});

    bus.write16(PciAddress{0, 3, 0}, bridge::io_base, 0x1010);  // from 0x1000 to 0x1fff, of 16 bits
    bus.write16(PciAddress{0, 3, 0}, wire::command, wire::command_io | wire::command_bus_master);
    PciWindow behind{0x3000, 0x1000};
    EXPECT_EQ(transport.probe_pci(Function{bus, {3, 0, 0}}, bus, {.ports = &behind}).error(),
              Error::pci_bridge_closed);
    PciWindow within{0x1000, 0x1000};
    expect_works({3, 0, 0}, Any::Kind::pci_legacy_ports, third, {.ports = &within});
}

// The window ends before the next MiB, or with it, once the bridge's own BAR has its address.
TEST_F(PciBridges, NeedMemoryBeyondTheirOwn) {
    for (PciWindow memory_window : {PciWindow{0x1000'1000, 0x1000}, PciWindow{0x1000'0000, 0x10'0000}}) {
        sim::PciBridge fresh;
        bus.add(PciAddress{0, 1, 0}, fresh);
        fresh.add(0, 0, device);
        EXPECT_EQ(number_buses(bus, {0, 15}, {.memory = &memory_window}).error(), Error::pci_window_full);
        expect_numbers(fresh, 0, 1, 1);
        EXPECT_NE(fresh.config().bar(0).address(), 0u);
        EXPECT_EQ(device.bar(4).address(), 0u);
        EXPECT_EQ(fresh.config().command() & wire::command_memory, 0);
    }
}

// The 64-bit BAR gets an address above 4 GiB, where no bridge forwards memory.
TEST_F(PciBridges, PassNothingOnAbove4GiB) {
    sim::PciLayout layout = sim::PciLayout::modern();
    layout.bars[4].bytes = 0x20'0000;
    sim::PciDevice large{memory, disk, layout};
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, large);
    PciWindow end{0xffe0'0000, 0x1000'0000};
    EXPECT_EQ(number_buses(bus, {0, 15}, {.memory = &end}).error(), Error::pci_window_full);
    EXPECT_EQ(large.bar(4).address(), std::uint64_t{1} << 32);
    EXPECT_GT(port.config().peek(bridge::memory_base, 2) & 0xfff0, port.config().peek(bridge::memory_limit, 2));
}

void expect_no_ports(sim::PciBridge& which) {
    EXPECT_GT(which.config().peek(bridge::io_base, 1) & 0xf0, which.config().peek(bridge::io_limit, 1) & 0xf0);
}

// Windows that end before the next multiple of 4096, that end at it, and that exceed 32-bit port numbers.
TEST_F(PciBridges, PassOnlyWholeUnitsOfPorts) {
    for (PciWindow ports_window :
         {PciWindow{0xc100, 0x100}, PciWindow{0xc100, 0xf00}, PciWindow{0xffff'0000, 0x2'0000}}) {
        sim::PciBridge wide{sim::PciBridge::Ports::wide};
        sim::PciDevice transitional{memory, disk, sim::PciLayout::transitional()};
        bus.add(PciAddress{0, 1, 0}, wide);
        wide.add(0, 0, transitional);
        PciWindow memory_window = window;
        ASSERT_TRUE(number_buses(bus, {0, 15}, {.memory = &memory_window, .ports = &ports_window}).ok());
        EXPECT_EQ(transitional.bar(0).address(), 0u);
        expect_no_ports(wide);
        EXPECT_EQ(wide.config().command() & wire::command_io, 0);
        expect_works({1, 0, 0}, Any::Kind::pci_modern, transitional);
    }
}

// [BRIDGE] 3.2.5.6: a 16-bit bridge, and ports above 0xffff.
TEST_F(PciBridges, PassHighPortsOnlyIfWide) {
    for (bool const is_wide : {false, true}) {
        sim::PciBridge one{is_wide ? sim::PciBridge::Ports::wide : sim::PciBridge::Ports::narrow};
        sim::PciDevice transitional{memory, disk, sim::PciLayout::transitional()};
        bus.add(PciAddress{0, 1, 0}, one);
        one.add(0, 0, transitional);
        PciWindow high{0x2'0000, 0x1'0000};
        PciWindow memory_window = window;
        ASSERT_TRUE(number_buses(bus, {0, 15}, {.memory = &memory_window, .ports = &high}).ok());
        EXPECT_EQ(transitional.bar(0).address(), is_wide ? 0x2'0000u : 0u);
        EXPECT_EQ(one.config().peek(bridge::io_base_high, 2), is_wide ? 2u : 0u);
        expect_works({1, 0, 0}, Any::Kind::pci_modern, transitional);
    }
}

// The window holds the device's ports, but not the 4096 ports that the bridge forwards.
TEST_F(PciBridges, NeedAWholeUnitOfPorts) {
    sim::PciDevice legacy{memory, disk, sim::PciLayout::legacy()};
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, legacy);
    PciWindow few{0xc000, 0x100};
    EXPECT_EQ(number_buses(bus, {0, 15}, {.memory = &window, .ports = &few}).error(), Error::pci_window_full);
    EXPECT_EQ(legacy.bar(0).address(), 0xc000u);
    expect_no_ports(port);
}

TEST_F(PciBridges, PassNoPortsIfNoneNeeded) {
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, device);
    std::uint64_t const before = ports.left();
    ASSERT_TRUE(number_buses(bus, {0, 15}, {.memory = &window, .ports = &ports}).ok());
    EXPECT_EQ(ports.left(), before);
    expect_no_ports(port);
    expect_works({1, 0, 0}, Any::Kind::pci_modern, device);
}

// The subordinate number is below the secondary number, which cannot be intended.
TEST_F(PciBridges, AreRenumberedIfInvalid) {
    port.config().poke(bridge::secondary, 3, 1);
    port.config().poke(bridge::subordinate, 2, 1);
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, device);
    Result<PciBusRange> const buses = number_buses(bus, {0, 15}, {.memory = &window});
    ASSERT_TRUE(buses.ok());
    EXPECT_EQ(buses->last, 1);
    expect_numbers(port, 0, 1, 1);
    expect_works({1, 0, 0}, Any::Kind::pci_modern, device);
}

// Bus numbers that firmware gave to another host bridge do not reduce the numbers of this one.
TEST_F(PciBridges, AreNumberedWithinTheirRange) {
    sim::PciBridge other;
    other.config().poke(bridge::secondary, 0x20, 1);
    other.config().poke(bridge::subordinate, 0x2f, 1);
    bus.add(PciAddress{0, 1, 0}, other);
    bus.add(PciAddress{0, 2, 0}, port);
    port.add(0, 0, device);
    Result<PciBusRange> const buses = number_buses(bus, {0, 15}, {.memory = &window});
    ASSERT_TRUE(buses.ok());
    EXPECT_EQ(buses->last, 1);
    expect_numbers(port, 0, 1, 1);
    expect_numbers(other, 0, 0x20, 0x2f);
    expect_works({1, 0, 0}, Any::Kind::pci_modern, device);
}

// One bridge claims buses 1 to 31, of 16. No second bridge may get bus 1.
TEST_F(PciBridges, GetNoNumberTwice) {
    sim::PciBridge wide;
    wide.config().poke(bridge::secondary, 1, 1);
    wide.config().poke(bridge::subordinate, 31, 1);
    bus.add(PciAddress{0, 1, 0}, wide);
    bus.add(PciAddress{0, 2, 0}, port);
    EXPECT_EQ(number_buses(bus, {0, 15}, {.memory = &window}).error(), Error::pci_buses_used_up);
    expect_numbers(port, 0, 0, 0);
}

TEST_F(PciBridges, MayHaveOtherDevicesBelow) {
    sim::PciStranger stranger{0x8086, 0x100e};
    sim::PciStranger cardbus{0x8086, 0x1234, 2};
    sim::PciStranger nobody{0, 0};
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(0, 0, stranger);
    port.add(1, 0, cardbus);
    port.add(2, 0, nobody);
    port.add(31, 0, device);
    ASSERT_TRUE(number_buses(bus, {0, 15}, {.memory = &window}).ok());
    EXPECT_EQ(cardbus.writes() + nobody.writes(), 0u);
    expect_works({1, 31, 0}, Any::Kind::pci_modern, device);
}

// probe_pci() places devices on the host bridge's own bus, as without bridges.
TEST_F(PciBridges, LeaveTheFirstBusAlone) {
    bus.add(PciAddress{0, 0, 0}, host_bridge);
    bus.add(PciAddress{0, 1, 0}, device);
    Result<PciBusRange> const buses = number_buses(bus, {0, 15}, {.memory = &window, .ports = &ports});
    ASSERT_TRUE(buses.ok());
    EXPECT_EQ(buses->last, 0);
    EXPECT_EQ(host_bridge.writes(), 0u);
    EXPECT_EQ(device.bar(4).address(), 0u);
    EXPECT_EQ(window.left(), 0x1000'0000u);
}

// [BRIDGE] 9.1: INTA# of device 5 below device 3 below device 1 of the first bus.
TEST_F(PciBridges, PassAnInterruptPinOn) {
    sim::PciBridge below;
    bus.add(PciAddress{0, 1, 0}, port);
    port.add(3, 0, below);
    below.add(5, 0, device);
    Result<PciBusRange> const buses = number_buses(bus, {0, 15}, {.memory = &window});
    ASSERT_TRUE(buses.ok());
    PciRootPin const root = find_root_pin(Function{bus, {2, 5, 0}}, *buses);
    EXPECT_EQ(root.device, 1);
    EXPECT_EQ(root.pin, (0 + 5 + 3) % 4 + 1);
    sim::PciDevice top{memory, disk};
    bus.add(PciAddress{0, 7, 0}, top);
    EXPECT_EQ(find_root_pin(Function{bus, {0, 7, 0}}, *buses).device, 7);
    EXPECT_EQ(find_root_pin(Function{bus, {0, 7, 0}}, *buses).pin, 1);
    top.config().poke(wire::interrupt_pin, 5, 1);  // there are four pins
    EXPECT_EQ(find_root_pin(Function{bus, {0, 7, 0}}, *buses).pin, 0);
    // No bridge leads to this bus.
    sim::PciDevice lost{memory, disk};
    bus.add(PciAddress{9, 7, 0}, lost);
    EXPECT_EQ(find_root_pin(Function{bus, {9, 7, 0}}, *buses).pin, 0);
}

}  // namespace
}  // namespace virtq::test
