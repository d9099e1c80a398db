// SPDX-License-Identifier: MIT
#include <transport/config_bytes.hpp>
#include <transport/pci_machine.hpp>
#include <virtq/platform/ecam_access.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/transport/pci_bridge.hpp>

#include <sim/pci_bridge.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// Bugs that drivers in the field had on their buses and in their transports. queue_museum_test.cpp explains the form of
/// the comments.
namespace virtq::test {
namespace {

// Was: the ISR status was never read, the shared line stayed asserted, and the network card on it died.
// Hit: Hermit, https://github.com/hermit-os/kernel/pull/2231
// Here: impossible: on_interrupt() of PCI is the read that releases the line
TEST(Museum, isr_not_read_shared_line) {
    PciDiskMachine<> machine;
    machine.bring_up();
    machine.device.interrupt_unasked(1);
    ASSERT_TRUE(machine.device.interrupt_line());
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_FALSE(machine.device.interrupt_line());
    // The interrupt of another device on the line: the handler can report that it is not ours.
    InterruptCause const cause = machine.transport.on_interrupt();
    EXPECT_FALSE(cause.used_buffer || cause.config_change);
}

// Was: the driver read the upper half of a 64-bit BAR as a BAR of its own.
// Hit: Hermit, https://github.com/hermit-os/kernel/issues/1392
// Here: impossible: BARs are measured once, and 64-bit ones as a pair
TEST(Museum, bar64_upper_slot) {
    PciDiskMachine<> machine;
    ASSERT_GT(machine.device.bar(4).address(), UINT32_MAX);  // slots 4 and 5
    machine.bring_up();
    for (auto const& mapping : machine.bus.mappings()) {
        bool const inside = mapping.address >= machine.device.bar(4).address() &&
                            mapping.address + mapping.bytes <= machine.device.bar(4).address() + 0x4000;
        EXPECT_TRUE(inside) << std::hex << mapping.address;
    }
    machine.expect_works();
}

// Was: bus mastering was never enabled; QEMU processed the rings nevertheless, until it no longer did.
// Hit: OpenBIOS, https://github.com/openbios/openbios/pull/6
// Here: impossible: probe() sets the bit, reads it back, and returns pci_command_refused if it does not stay
TEST(Museum, bus_master_off) {
    constexpr std::uint16_t bus_master = 4;
    {
        PciDiskMachine<> machine;
        ASSERT_EQ(machine.command() & bus_master, 0u);
        machine.bring_up();
        EXPECT_EQ(machine.command() & bus_master, bus_master);
        machine.expect_works();
    }
    PciDiskMachine<> stubborn;
    stubborn.device.refuse_command(bus_master);
    EXPECT_EQ(stubborn.probe().error(), Error::pci_command_refused);
}

// Was: the modern interface's BAR was above 4 GiB, where a 32-bit build cannot map it, so the probe failed.
// Hit: iPXE, https://github.com/ipxe/ipxe/pull/1739
// Here: impossible: probe_pci() then tries the legacy interface, then the configuration window
TEST(Museum, bar_above_what_is_mapped) {  // faults A6
    PciDiskMachine<Any, 256> machine({.layout = sim::PciLayout::transitional()});
    machine.bus.map_only_below(std::uint64_t{1} << 32);
    machine.bring_up();
    EXPECT_EQ(machine.transport.kind(), Any::Kind::pci_legacy_ports);
    EXPECT_EQ(machine.transport.attempts().modern.error, Error::pci_not_mapped);
    machine.expect_works();
}

// Was: the window's capability reported 16 bytes, without the 4 of its data, so a driver rejected it.
// Hit: Cloud Hypervisor, https://github.com/cloud-hypervisor/cloud-hypervisor/pull/8238
// Here: impossible: a window is used if its 20 bytes exist and belong to no other capability
TEST(Museum, window_without_its_data) {  // faults A7
    sim::PciLayout layout = sim::PciLayout::modern();
    layout.structure(wire::pci_cfg).stated_bytes = 16;
    PciDiskMachine<Window> machine({.layout = layout, .assigned = false});
    machine.bring_up();
    machine.expect_works();
}

// Was: the kernel read the first bus number of its ECAM and did not use it, so each access went to another bus.
// Hit: fullerene, https://github.com/p14c31355/fullerene/pull/232 (found in a review)
// Here: impossible: EcamAccess takes the first and the last bus, and reads all ones outside
TEST(Museum, ecam_ignores_its_first_bus) {  // faults A5
    constexpr std::size_t bus_bytes = std::size_t{1} << 20;
    std::vector<std::uint8_t> bytes(3 * bus_bytes, 0x5a);  // two other buses, and ours in the middle
    EcamAccess access{reinterpret_cast<std::uintptr_t>(bytes.data()) + bus_bytes, 0x40, 0x40};
    EXPECT_EQ(access.read8({0x40, 0, 0}, 0), 0x5a);
    for (std::uint8_t const bus : {std::uint8_t{0x3f}, std::uint8_t{0x41}}) {
        EXPECT_EQ(access.read32({bus, 0, 0}, 0), UINT32_MAX);
        access.write32({bus, 0, 0}, 0, 0);
    }
    EXPECT_EQ(bytes, std::vector<std::uint8_t>(3 * bus_bytes, 0x5a));
}

// Was: the kernel numbered buses from 0, although the first bus of the host bridge had another number.
// Hit: SerenityOS, https://github.com/SerenityOS/serenity/pull/26577
// Here: impossible: number_buses() takes the buses of the host bridge
TEST(Museum, bus_numbers_from_zero) {  // faults A12
    sim::GuestMemory memory;
    sim::BlockDevice disk{memory.violations(), {}};
    sim::PciBus bus{memory.violations()};
    sim::PciBridge port;
    sim::PciDevice device{memory, disk};
    bus.add(PciAddress{0x40, 1, 0}, port);
    port.add(0, 0, device);
    PciWindow window{0x1000'0000, 0x100'0000};
    Result<PciBusRange> const buses = number_buses(bus, {0x40, 0x4f}, {.memory = &window});
    ASSERT_TRUE(buses.ok());
    EXPECT_EQ(buses->last, 0x41);
    Modern transport;
    EXPECT_TRUE(transport.probe(Function{bus, {0x41, 0, 0}}, bus).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

// Was: the reset read as complete, but enabled queues stayed enabled, with a thread that polls them.
// Hit: kvm-host, https://github.com/sysprog21/kvm-host/pull/52
// Here: diagnosed: queue_survived_reset, and the pages are kept
TEST(Museum, queue_enabled_after_reset) {  // faults A9
    PciDiskMachine<> machine;
    machine.bring_up();
    machine.device.set_device_reset(sim::DeviceReset::keeps_queues);
    EXPECT_EQ(machine.driver.release(machine.pages).error(), Error::queue_survived_reset);
    EXPECT_NE(machine.pages.outstanding(), 0u);
    machine.device.set_device_reset(sim::DeviceReset::honest);
}

// Was: the configuration structure was in a BAR that it exceeds, and the disk came up with a capacity of 0.
// Hit: outsiders who tried virtq
// Here: diagnosed: init() returns config_absent, config_refused or config_too_short
TEST(Museum, configuration_refused_in_silence) {  // faults A10
    for (auto const& [structure, error] : {
             std::pair{sim::PciStructure{wire::device_cfg, 4, 0x2000, 0}, Error::config_refused},
             std::pair{sim::PciStructure{wire::device_cfg, 4, 0x2002, 0x100}, Error::config_refused},
             std::pair{sim::PciStructure{wire::device_cfg, 4, 0x2000, 3}, Error::config_too_short},
         }) {
        PciDiskMachine<> machine;
        machine.device.claim(wire::device_cfg, structure);
        ASSERT_TRUE(machine.probe().ok());
        EXPECT_EQ(machine.init().error(), error);
        EXPECT_NE(std::string{describe(error)}.find("configuration"), std::string::npos) << describe(error);
    }
}

struct PackedMuseum : BlockTraits {
    using Format = Packed;
};

// Was: a packed queue of 3 was too small, and "round down" was the advice for a fixed queue of 6, which nobody can do.
// Hit: outsiders who tried virtq
// Here: impossible: a packed queue has any size; a fixed size is diagnosed, and its sentence says what can be done
TEST(Museum, queue_size_is_no_power_of_two) {  // faults A11
    {
        PciDiskMachine<Modern, 64, PackedMuseum> machine({.disk = {.packed = true}});
        machine.device.set_queue_size_max(3);  // header, data, status
        machine.bring_up();
        EXPECT_EQ(machine.driver.queue_size(), 3u);
        machine.expect_works();
    }
    PciDiskMachine<LegacyPorts> fixed({.layout = sim::PciLayout::legacy()});
    fixed.device.set_queue_size_max(6);
    ASSERT_TRUE(fixed.probe().ok());
    EXPECT_EQ(fixed.init().error(), Error::queue_size_fixed_no_power_of_two);
    std::string const sentence = describe(Error::queue_size_fixed_no_power_of_two);
    EXPECT_NE(sentence.find("modern interface"), std::string::npos) << sentence;
}

/// Registers in ports, whose author forgot the mark of a port space.
struct UnmarkedPorts : sim::BarSpace {
    using BarSpace::BarSpace;
    [[nodiscard]] UnmarkedPorts at(std::uint32_t) const { return {}; }
};
/// As above, with the mark.
struct MarkedPorts : UnmarkedPorts {
    static constexpr bool is_port_space = true;
    MarkedPorts() = default;
    explicit MarkedPorts(std::uintptr_t) {}
    [[nodiscard]] MarkedPorts at(std::uint32_t) const { return {}; }
};

// Was: a kernel's own port space was taken for memory, and the error blamed an option that was right.
// Hit: outsiders who tried virtq
// Here: impossible: a port space without its mark does not compile, and a sentence shows the missing line
TEST(Museum, ports_taken_for_memory) {  // faults A13
    EXPECT_TRUE(PortRegisterSpace<MarkedPorts>);
    EXPECT_TRUE(RegisterSpace<UnmarkedPorts>);
    EXPECT_FALSE(PortRegisterSpace<UnmarkedPorts>);
}

struct TenMuseumQueues : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 10;
};

// Was: a console with four ports has ten queues, and the transport ended at eight.
// Hit: outsiders who tried virtq
// Here: impossible: a transport serves each queue of the device
TEST(Museum, ninth_queue) {  // faults A14
    PciDiskMachine<Any, 16, TenMuseumQueues> machine({.disk = {.queues = 10, .queue_size_max = 16}});
    machine.bring_up();
    ASSERT_EQ(machine.driver.queue_count(), 10);
    sim::Buffer const data = machine.buffer(512);
    Segment const segment = machine.segment(data);
    ASSERT_TRUE(
        machine.driver.perform({BlockOperation::read, 3, 0, {&segment, 1}, {}}, PollLimit{100}, machine.stepping(), 9)
            .ok());
    EXPECT_TRUE(machine.holds(data, 3));
    EXPECT_EQ(machine.device.notifications(9), 1u);
}

// Was: the address of the configuration space was wrong and all of it read 0; the error blamed the function number.
// Hit: outsiders who tried virtq
// Here: diagnosed: pci_vendor_zero, whose sentence names the address and the mapping
TEST(Museum, configuration_space_of_zeros) {  // faults A16
    ConfigBytes zeros;
    PciScan const seen = for_each_virtio_function(zeros, {0, 255}, [](auto const&, spec::DeviceId) {});
    EXPECT_EQ(seen.trouble, Error::pci_vendor_zero);
    std::string const sentence = describe(seen);
    EXPECT_NE(sentence.find("address"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("mapping"), std::string::npos) << sentence;
}

}  // namespace
}  // namespace virtq::test
