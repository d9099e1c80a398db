// SPDX-License-Identifier: MIT
#include <virtq/transport/any.hpp>

#include <virtq/diag/diag.hpp>

#include <transport/either_space.hpp>
#include <transport/pci_machine.hpp>

#include <sim/mmio_device.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace virtq::test {
namespace {

using Kind = Any::Kind;

TEST(AnyTransport, PrefersTheModernInterface) {
    struct Row {
        sim::PciLayout layout;
        Kind kind;
        bool legacy;
    };
    for (Row const& row : {Row{sim::PciLayout::modern(), Kind::pci_modern, false},
                           Row{sim::PciLayout::transitional(), Kind::pci_modern, false},
                           Row{sim::PciLayout::legacy(), Kind::pci_legacy_ports, true},
                           Row{legacy_in_memory(), Kind::pci_legacy_memory, true}}) {
        PciDiskMachine<Any, 256> machine({.layout = row.layout});
        ASSERT_TRUE(machine.probe().ok());
        EXPECT_EQ(machine.transport.kind(), row.kind);
        EXPECT_EQ(machine.transport.is_legacy(), row.legacy);
        EXPECT_TRUE(machine.transport.is_probed());
        machine.bring_up();
        EXPECT_TRUE(machine.transport.is_in_use());
        EXPECT_EQ(machine.transport.visit([](auto& one) { return one.record().has_asked_features_ok(); }),
                  !row.legacy);
        machine.expect_works();
        EXPECT_BREACH(machine.probe(), "Give each device a transport of its own");
        EXPECT_BREACH(machine.transport.probe_pci_legacy(machine.function, machine.bus),
                      "Give each device a transport of its own");
        // A probe of another kind could not tell that the transport is in use.
        EXPECT_BREACH(machine.transport.probe_mmio(sim::BarSpace{}), "Give each device a transport of its own");
    }
}

TEST(AnyTransport, RingsWithoutNotificationData) {
    for (sim::PciLayout const& layout : {sim::PciLayout::modern(), sim::PciLayout::legacy()}) {
        PciDiskMachine<Any, 256> machine({.layout = layout});
        ASSERT_TRUE(machine.probe().ok());
        machine.bring_up();
        std::size_t const before = machine.device.notifications();
        machine.transport.notify(0);
        EXPECT_EQ(machine.device.notifications(), before + 1);
    }
}

TEST(AnyTransport, ProbesTransitionalDevicesAsLegacy) {
    PciDiskMachine<Any, 256> machine({.layout = sim::PciLayout::transitional()});
    ASSERT_TRUE(machine.transport.probe_pci_legacy(machine.function, machine.bus).ok());
    EXPECT_EQ(machine.transport.kind(), Kind::pci_legacy_ports);
    machine.bring_up();
    machine.expect_works();
    // The probe would find the modern interface, and lose the legacy one and its queue.
    EXPECT_BREACH(machine.probe(), "Give each device a transport of its own");
    EXPECT_EQ(machine.transport.kind(), Kind::pci_legacy_ports);
}

[[nodiscard]] sim::PciLayout without_window(sim::PciLayout layout) {
    std::erase_if(layout.structures, [](auto const& one) { return one.type == wire::pci_cfg; });
    return layout;
}

TEST(AnyTransport, PassesItsOptionsOn) {
    for (sim::PciLayout const& layout :
         {without_window(sim::PciLayout::modern()), sim::PciLayout::legacy(), legacy_in_memory()}) {
        PciDiskMachine<Any, 256> machine({.layout = layout, .assigned = false});
        EXPECT_EQ(machine.probe().error(), Error::pci_bar_unassigned);
        EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
        PciWindow memory{0xfe00'0000, 0x10'0000};
        PciWindow ports{0xc000, 0x1000};
        ASSERT_TRUE(machine.probe({.memory = &memory, .ports = &ports}).ok());
        machine.bring_up();
        machine.expect_works();
    }
}

TEST(AnyTransport, UsesMsixOfEachPciTransport) {
    MsiMessage const messages[] = {{0xfee0'0000, 0x30}, {0xfee0'1000, 0x31}};
    for (sim::PciLayout const& layout : {sim::PciLayout::modern(), sim::PciLayout::legacy()}) {
        PciDiskMachine<Any, 256> machine({.layout = layout});
        ASSERT_TRUE(machine.probe().ok());
        EXPECT_EQ(*use_msix(machine.transport, machine.function, machine.bus, messages), 2);
        machine.bring_up();
        static_cast<void>(machine.driver.enable_used_notifications());
        machine.expect_works();
        EXPECT_GE(machine.device.messages_of(1), 1u);
        EXPECT_TRUE(machine.transport.on_vector(1).used_buffer);
        EXPECT_FALSE(machine.transport.on_vector(1).config_change);
        EXPECT_TRUE(machine.transport.on_vector(0).config_change);
    }
    sim::PciLayout layout = legacy_in_memory();
    PciDiskMachine<Any, 256> machine({.layout = layout});
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_EQ(*use_msix(machine.transport, machine.function, machine.bus, messages), 2);
    machine.bring_up();
    EXPECT_EQ(machine.driver.capacity_sectors(), 2048u);
}

TEST(AnyTransport, KnowsNothingBeforeAProbe) {
    sim::GuestMemory memory;
    Any transport;
    EXPECT_EQ(transport.kind(), Kind::none);
    EXPECT_FALSE(transport.is_probed());
    EXPECT_FALSE(transport.is_in_use());
    EXPECT_EQ(transport.device_id(), spec::DeviceId::none);
    BlockDevice<Any, 64> driver;
    EXPECT_EQ(driver.init(transport, memory).error(), Error::transport_not_probed);
    EXPECT_BREACH(transport.status(), "probe_mmio() or probe_pci() first");
    EXPECT_BREACH(transport.is_legacy(), "probe_mmio() or probe_pci() first");
}

TEST(AnyTransport, DropsTheDeviceOnFailedProbe) {
    PciDiskMachine<Any, 256> machine;
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_EQ(machine.transport.probe_pci(Function{machine.bus, {0, 9, 0}}, machine.bus).error(),
              Error::pci_function_absent);
    EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
    EXPECT_FALSE(machine.transport.is_probed());
    EXPECT_EQ(machine.init().error(), Error::transport_not_probed);
    MsiMessage const message{0xfee0'0000, 0x30};
    ASSERT_TRUE(machine.transport.probe_pci_legacy(machine.function, machine.bus).error() == Error::pci_legacy_absent);
    EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
    EXPECT_FALSE(machine.transport.is_probed());
    Any none;
    EXPECT_EQ(none.use_msix(machine.function, machine.bus, {&message, 1}).error(), Error::msix_absent);
}

constexpr PciProbeOption with_window{.config_window = PciConfigWindowUse::last_resort};
constexpr std::uint64_t four_gib = std::uint64_t{1} << 32;

void expect_attempts(Any const& transport, PciAttempts const& expected) {
    PciAttempts const& seen = transport.attempts();
    EXPECT_EQ(seen.modern.tried, expected.modern.tried);
    EXPECT_EQ(seen.modern.error, expected.modern.error);
    EXPECT_EQ(seen.legacy.tried, expected.legacy.tried);
    EXPECT_EQ(seen.legacy.error, expected.legacy.error);
    EXPECT_EQ(seen.window.tried, expected.window.tried);
    EXPECT_EQ(seen.window.error, expected.window.error);
}

// The kernel maps only the first 4 GiB, and a 64-bit BAR is above (faults A6).
TEST(AnyTransport, UsesLegacyIfTheMappingFails) {
    PciDiskMachine<Any, 256> machine({.layout = sim::PciLayout::transitional()});
    machine.bus.map_only_below(four_gib);
    Status const found = machine.probe();
    ASSERT_TRUE(found.ok()) << describe(found.error());
    EXPECT_EQ(machine.transport.kind(), Kind::pci_legacy_ports);
    expect_attempts(machine.transport, {{true, Error::pci_not_mapped}, {true, Error::none}, {}});
    ASSERT_TRUE(machine.transport.probe_pci_legacy(machine.function, machine.bus).ok());
    expect_attempts(machine.transport, {{}, {true, Error::none}, {}});  // nothing of the probe before
    machine.bring_up();
    machine.expect_works();
}

// There is no firmware and no memory window, but a port window (faults A6).
TEST(AnyTransport, UsesLegacyWithoutABarAddress) {
    PciDiskMachine<Any, 256> machine({.layout = sim::PciLayout::transitional(), .assigned = false});
    PciWindow ports{0xc000, 0x1000};
    ASSERT_TRUE(machine.probe({.ports = &ports}).ok());
    EXPECT_EQ(machine.transport.kind(), Kind::pci_legacy_ports);
    expect_attempts(machine.transport, {{true, Error::pci_bar_unassigned}, {true, Error::none}, {}});
    machine.bring_up();
    machine.expect_works();
}

// A memory window that is too small does not rule out ports (faults A6).
TEST(AnyTransport, UsesLegacyIfWindowIsFull) {
    PciDiskMachine<Any, 256> machine({.layout = sim::PciLayout::transitional(), .assigned = false});
    PciWindow memory{0xfe00'0000, 0x100};
    PciWindow ports{0xc000, 0x1000};
    ASSERT_TRUE(machine.probe({.memory = &memory, .ports = &ports}).ok());
    EXPECT_EQ(machine.transport.kind(), Kind::pci_legacy_ports);
    expect_attempts(machine.transport, {{true, Error::pci_window_full}, {true, Error::none}, {}});
    machine.bring_up();
    machine.expect_works();
}

// §4.1.4.9: the configuration window needs no BAR address and no mapping (faults A6).
TEST(AnyTransport, UsesTheConfigurationWindowLast) {
    for (bool const assigned : {true, false}) {
        PciDiskMachine<Any> machine({.layout = sim::PciLayout::modern(), .assigned = assigned});
        machine.bus.map_only_below(four_gib);
        ASSERT_TRUE(machine.probe(with_window).ok());
        EXPECT_EQ(machine.transport.kind(), Kind::pci_window);
        EXPECT_FALSE(machine.transport.is_legacy());
        expect_attempts(machine.transport, {{true, assigned ? Error::pci_not_mapped : Error::pci_bar_unassigned},
                                            {true, Error::pci_legacy_absent},
                                            {true, Error::none}});
        MsiMessage const message{0xfee0'0000, 0x30};
        EXPECT_EQ(machine.transport.use_msix(machine.function, machine.bus, {&message, 1}).error(),
                  Error::msix_absent);
        EXPECT_FALSE(machine.transport.uses_vectors());
        machine.bring_up();
        machine.expect_works();
        EXPECT_EQ(machine.device.bar_accesses(), 0u);
        EXPECT_EQ(machine.driver.queue_count(), 1);
    }
}

// With it on_interrupt() has to be serialised with all other calls: nobody may get that without asking.
TEST(AnyTransport, LeavesTheConfigurationWindowOff) {
    for (bool const assigned : {true, false}) {
        PciDiskMachine<Any> machine({.layout = sim::PciLayout::modern(), .assigned = assigned});
        machine.bus.map_only_below(four_gib);
        EXPECT_EQ(machine.probe().error(), Error::pci_config_window_off);
        expect_attempts(machine.transport, {{true, assigned ? Error::pci_not_mapped : Error::pci_bar_unassigned},
                                            {true, Error::pci_legacy_absent},
                                            {false, Error::pci_config_window_off}});
        EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
        EXPECT_EQ(machine.init().error(), Error::transport_not_probed);
    }
    std::string const sentence = describe(Error::pci_config_window_off);
    for (char const* part : {"attempts().modern.error", "PciProbeOption::config_window", "on_interrupt()"}) {
        EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
    }
}

// The window would end in the same way.
TEST(AnyTransport, SuggestsNoWindowToLegacyDevices) {
    PciDiskMachine<Any> machine({.layout = sim::PciLayout::legacy(), .assigned = false});
    EXPECT_EQ(machine.probe().error(), Error::pci_bar_unassigned);
}

TEST(AnyTransport, ReportsTheErrorThatAllWaysHave) {
    PciDiskMachine<Any, 256> machine({.layout = sim::PciLayout::transitional()});
    machine.device.refuse_command(wire::command_bus_master);
    EXPECT_EQ(machine.probe(with_window).error(), Error::pci_command_refused);
    EXPECT_EQ(machine.transport.attempts().window.error, Error::pci_command_refused);
}

TEST(AnyTransport, SuggestsNoWindowAfterRefusedCommand) {
    PciDiskMachine<Any, 256> machine({.layout = sim::PciLayout::transitional()});
    machine.device.refuse_command(wire::command_bus_master);
    EXPECT_EQ(machine.probe().error(), Error::pci_command_refused);
    EXPECT_EQ(machine.transport.attempts().window.error, Error::none);
}

// The device has a legacy interface and a window, and the ports have no address (faults A6).
TEST(AnyTransport, UsesTheWindowOfTransitionalDevices) {
    PciDiskMachine<Any, 256> machine({.layout = sim::PciLayout::transitional(), .assigned = false});
    ASSERT_TRUE(machine.probe(with_window).ok());
    EXPECT_EQ(machine.transport.kind(), Kind::pci_window);
    expect_attempts(machine.transport,
                    {{true, Error::pci_bar_unassigned}, {true, Error::pci_bar_unassigned}, {true, Error::none}});
    machine.bring_up();
    machine.expect_works();
}

TEST(AnyTransport, StopsAtTheFirstWorkingInterface) {
    PciDiskMachine<Any, 256> modern({.layout = sim::PciLayout::transitional()});
    ASSERT_TRUE(modern.probe().ok());
    expect_attempts(modern.transport, {{true, Error::none}, {}, {}});
}

TEST(AnyTransport, ReportsTheErrorOfItsInterface) {
    PciDiskMachine<Any, 256> legacy({.layout = sim::PciLayout::legacy(), .assigned = false});
    EXPECT_EQ(legacy.probe().error(), Error::pci_bar_unassigned);
    expect_attempts(legacy.transport, {{true, Error::pci_modern_absent}, {true, Error::pci_bar_unassigned}, {}});
}

TEST(AnyTransport, ReportsTheErrorOfAllInterfaces) {
    PciDiskMachine<Any, 256> modern;
    modern.device.refuse_command(wire::command_bus_master);
    EXPECT_EQ(modern.probe().error(), Error::pci_command_refused);
    EXPECT_EQ(modern.init().error(), Error::transport_not_probed);
}

TEST(AnyTransport, ReportsAnUnreachableDevice) {
    PciDiskMachine<Any, 256> machine({.layout = without_window(sim::PciLayout::transitional())});
    machine.bus.map_only_below(four_gib);
    machine.device.refuse_command(wire::command_io);
    EXPECT_EQ(machine.probe(with_window).error(), Error::pci_unreachable);
    expect_attempts(
        machine.transport,
        {{true, Error::pci_not_mapped}, {true, Error::pci_command_refused}, {true, Error::pci_structure_missing}});
    EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
    EXPECT_FALSE(machine.transport.is_probed());
    std::string const sentence = describe(Error::pci_unreachable);
    for (char const* way : {"modern interface", "legacy", "configuration window", "attempts()"}) {
        EXPECT_NE(sentence.find(way), std::string::npos) << sentence;
    }
}

// The window reaches the structures, so it is of no use without them.
TEST(AnyTransport, NeedsStructuresForTheWindow) {
    for (Error const error : {Error::pci_structure_missing, Error::pci_structure_invalid}) {
        sim::PciLayout layout = sim::PciLayout::modern();
        if (error == Error::pci_structure_missing) {
            std::erase_if(layout.structures, [](auto const& one) { return one.type == wire::isr_cfg; });
        }
        PciDiskMachine<Any> machine({.layout = layout});
        if (error == Error::pci_structure_invalid) {
            machine.device.claim(wire::common_cfg, {wire::common_cfg, 4, 0x1040, 4});  // too short
        }
        EXPECT_EQ(machine.probe().error(), error);
        expect_attempts(machine.transport, {{true, error}, {true, Error::pci_legacy_absent}, {}});
    }
}

TEST(AnyTransport, ReportsTheErrorOfBothInterfaces) {
    PciDiskMachine<Any, 256> machine({.layout = without_window(sim::PciLayout::transitional()), .assigned = false});
    EXPECT_EQ(machine.probe(with_window).error(), Error::pci_bar_unassigned);
    expect_attempts(
        machine.transport,
        {{true, Error::pci_bar_unassigned}, {true, Error::pci_bar_unassigned}, {true, Error::pci_structure_missing}});
    EXPECT_EQ(machine.probe().error(), Error::pci_bar_unassigned);  // nor is it named where it is not there
}

TEST(AnyTransport, ReportsUnreachableIfErrorsDiffer) {
    PciDiskMachine<Any> machine({.assigned = false});
    machine.device.refuse_command(wire::command_bus_master);
    EXPECT_EQ(machine.probe(with_window).error(), Error::pci_unreachable);
    expect_attempts(
        machine.transport,
        {{true, Error::pci_bar_unassigned}, {true, Error::pci_legacy_absent}, {true, Error::pci_command_refused}});
}

// An access that may be copied need not outlive the probe. Any other access must.
class CopiedAccess {
public:
    static constexpr bool may_be_copied = true;

    explicit CopiedAccess(sim::PciBus& bus) : bus_(&bus) {}
    ~CopiedAccess() = default;
    CopiedAccess(CopiedAccess const&) = default;
    CopiedAccess& operator=(CopiedAccess const&) = default;

    [[nodiscard]] std::uint8_t read8(PciAddress address, std::uint16_t offset) { return bus_->read8(address, offset); }
    [[nodiscard]] std::uint16_t read16(PciAddress address, std::uint16_t offset) {
        return bus_->read16(address, offset);
    }
    [[nodiscard]] std::uint32_t read32(PciAddress address, std::uint16_t offset) {
        return bus_->read32(address, offset);
    }
    void write8(PciAddress address, std::uint16_t offset, std::uint8_t value) { bus_->write8(address, offset, value); }
    void write16(PciAddress address, std::uint16_t offset, std::uint16_t value) {
        bus_->write16(address, offset, value);
    }
    void write32(PciAddress address, std::uint16_t offset, std::uint32_t value) {
        bus_->write32(address, offset, value);
    }
    void lose() { bus_ = nullptr; }

private:
    sim::PciBus* bus_;
};

TEST(AnyTransport, KeepsACopyOfAnAccess) {
    PciDiskMachine<Any> machine({.assigned = false});
    CopiedAccess access{machine.bus};
    ASSERT_TRUE(
        machine.transport.probe_pci(PciFunction{access, machine.function.address()}, machine.bus, with_window).ok());
    access.lose();
    EXPECT_EQ(machine.transport.kind(), Kind::pci_window);
    machine.bring_up();
    machine.expect_works();
}

TEST(AnyTransport, ForwardsToItsTransport) {
    for (sim::PciLayout const& layout : {sim::PciLayout::modern(), sim::PciLayout::legacy(), legacy_in_memory()}) {
        PciDiskMachine<Any, 256> machine({.disk = {.queues = 3}, .layout = layout});
        ASSERT_TRUE(machine.probe().ok());
        EXPECT_EQ(machine.transport.interrupt_line().pin, 1);
        EXPECT_EQ(machine.transport.interrupt_line().line, 11);
        DeviceStatus const acknowledged = DeviceStatus{}.with(spec::StatusBit::acknowledge);
        machine.transport.set_status(DeviceStatus{});
        ASSERT_TRUE(machine.transport.status().is_reset());
        machine.transport.set_status(acknowledged);
        machine.transport.set_status(acknowledged.with(spec::StatusBit::driver));
        EXPECT_EQ(machine.transport.queue_count(), 3);
        EXPECT_FALSE(machine.transport.uses_vectors());
        machine.transport.use_vectors(1);
        EXPECT_TRUE(machine.transport.uses_vectors());
    }
    sim::GuestMemory memory;
    sim::BlockDevice disk(memory.violations(), {.queues = 3});
    sim::MmioDevice device(memory, disk, sim::MmioVersion::modern);
    AnyTransport<EitherSpace, BarPorts> mmio;
    ASSERT_TRUE(mmio.probe_mmio(EitherSpace{device.registers()}).ok());
    EXPECT_EQ(mmio.interrupt_line().pin, 0);
    EXPECT_EQ(mmio.queue_count(), 3);
    mmio.use_vectors(1);
    EXPECT_FALSE(mmio.uses_vectors());
    EXPECT_TRUE(mmio.check_config(8).ok());
}

/// The number of queues of virtio-serial with four ports (faults A14).
struct TenQueues : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 10;
};
template <class Machine>
void expect_works_on_each_queue(Machine& machine, std::uint16_t count) {
    ASSERT_EQ(machine.driver.queue_count(), count);
    for (std::uint16_t queue = 0; queue < count; ++queue) {
        sim::Buffer const data = machine.buffer(512);
        Segment const segment = machine.segment(data);
        ASSERT_TRUE(machine.driver
                        .perform({BlockOperation::read, queue, 0, {&segment, 1}, {}}, PollLimit{100},
                                 machine.stepping(), queue)
                        .ok());
        EXPECT_TRUE(machine.holds(data, queue));
        EXPECT_EQ(machine.device.notifications(queue), 1u);
    }
}

TEST(AnyTransport, SupportsTenQueues) {
    PciDiskMachine<Any, 16, TenQueues> machine({.disk = {.queues = 10, .queue_size_max = 16}});
    machine.bring_up();
    expect_works_on_each_queue(machine, 10);
}

struct ManyQueues : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 40;
};

TEST(AnyTransport, SupportsAllQueuesOfTheDevice) {
    for (std::uint32_t const multiplier : {0u, 4u}) {
        sim::PciLayout layout = sim::PciLayout::modern();
        layout.notify_off_multiplier = multiplier;
        PciDiskMachine<Any, 16, ManyQueues> machine(
            {.disk = {.queues = 40, .queue_size_max = 16}, .layout = layout, .memory_bytes = std::size_t{16} << 20});
        machine.bring_up();
        expect_works_on_each_queue(machine, 40);
        EXPECT_BREACH(machine.transport.notify(40), "not enabled");
    }
}

struct TwentyQueues : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 20;
};

// Doorbells that are not in the order of the queues need table entries. A template parameter sets their number (faults
// A14).
TEST(AnyTransport, LimitsOddDoorbellsByItsParameter) {
    sim::PciLayout layout = sim::PciLayout::modern();
    for (std::uint16_t queue = 0; queue < 20; ++queue) {
        layout.notify_off.push_back(static_cast<std::uint16_t>(19 - queue));
    }
    PciSetup const setup{
        .disk = {.queues = 20, .queue_size_max = 16}, .layout = layout, .memory_bytes = std::size_t{16} << 20};
    {
        PciDiskMachine<AnyTransport<sim::BarSpace, BarPorts, 20>, 16, TwentyQueues> machine(setup);
        ASSERT_TRUE(machine.transport.probe_pci(machine.function, machine.bus).ok());
        machine.bring_up();
        expect_works_on_each_queue(machine, 20);
    }
    PciDiskMachine<Any, 16, TwentyQueues> machine(setup);
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_EQ(machine.init().error(), Error::queue_above_transport);
    std::string const sentence = describe(Error::queue_above_transport);
    EXPECT_NE(sentence.find("AnyTransport"), std::string::npos) << sentence;
}

// §4.1.4.6: a disk has a device configuration (faults A10).
TEST(AnyTransport, ReportsAMissingDeviceConfiguration) {
    struct Row {
        sim::PciStructure structure;
        Error error;
    };
    for (Row const& row : {
             Row{{wire::device_cfg, 4, 0x2000, 0}, Error::config_refused},
             Row{{wire::device_cfg, 4, 0x2000, 1}, Error::config_too_short},
             Row{{wire::device_cfg, 4, 0x2000, 3}, Error::config_too_short},
             Row{{wire::device_cfg, 4, 0x2000, 7}, Error::config_too_short},
             Row{{wire::device_cfg, 4, 0x2002, 0x100}, Error::config_refused},
             Row{{wire::device_cfg, 0, 0x2000, 0x100}, Error::config_refused},
             Row{{wire::device_cfg, 6, 0x2000, 0x100}, Error::config_refused},
             Row{{wire::device_cfg, 4, 0x2000, 8}, Error::none},
         }) {
        PciDiskMachine<Any> machine;
        machine.device.claim(wire::device_cfg, row.structure);
        ASSERT_TRUE(machine.probe().ok());
        EXPECT_EQ(machine.init().error(), row.error) << row.structure.length;
        EXPECT_EQ(machine.memory.pages_outstanding() == 0, row.error != Error::none);
    }
    sim::PciLayout layout = sim::PciLayout::modern();
    std::erase_if(layout.structures, [](auto const& one) { return one.type == wire::device_cfg; });
    PciDiskMachine<Any> machine({.layout = layout});
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_EQ(machine.init().error(), Error::config_absent);
}

// The configuration follows the legacy header and ends with the BAR (faults A10).
TEST(AnyTransport, ReportsAShortLegacyConfiguration) {
    sim::PciLayout layout = sim::PciLayout::legacy();
    layout.bars[0].bytes = 0x20;
    PciDiskMachine<Any, 256> machine({.layout = layout});
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_TRUE(machine.transport.check_config(12).ok());
    EXPECT_EQ(machine.transport.check_config(13).error(), Error::config_too_short);
    ASSERT_EQ(machine.transport.check_config(0xffff'ffff).error(), Error::config_too_short);
}

TEST(AnyTransport, PassesErrorsOn) {
    PciDiskMachine<Any> modern_only;
    modern_only.device.loop_capabilities();
    EXPECT_EQ(modern_only.probe().error(), Error::pci_capability_list_broken);
}

TEST(AnyTransport, DrivesVirtioMmio) {
    for (auto const version : {sim::MmioVersion::modern, sim::MmioVersion::legacy}) {
        sim::GuestMemory memory;
        sim::BlockDevice disk(memory.violations(), {});
        sim::MmioDevice device(memory, disk, version);
        sim::PciBus bus(memory.violations());
        AnyTransport<EitherSpace, BarPorts> transport;
        ASSERT_TRUE(transport.probe_mmio(EitherSpace{device.registers()}).ok());
        EXPECT_EQ(transport.kind(), decltype(transport)::Kind::mmio);
        EXPECT_TRUE(transport.is_probed());
        EXPECT_EQ(transport.is_legacy(), version == sim::MmioVersion::legacy);
        MsiMessage const message{0xfee0'0000, 0x30};
        EXPECT_EQ(transport.use_msix(Function{bus, {0, 3, 0}}, bus, {&message, 1}).error(), Error::msix_absent);

        BlockDevice<decltype(transport), 64> driver;
        ASSERT_TRUE(driver.init(transport, memory, {.reset_limit = PollLimit{10}}).ok());
        sim::Buffer const data = memory.allocate_buffer(512);
        EXPECT_TRUE(driver.read(0, Segment{data.phys, 512}, PollLimit{100}, [&] { device.step(); }).ok());
        Segment const segments[] = {{data.phys, 512}};
        ASSERT_EQ(driver.enable_used_notifications(), MaySleep::yes);
        ASSERT_TRUE(driver.submit_read(0, segments, Token{}).ok());
        driver.kick_device();
        device.step();
        EXPECT_EQ(diagnose(driver).cause(), Cause::interrupt_not_handled);  // diagnose() sees its registers
        EXPECT_EQ(driver.take_completed().state, CompletionState::ready);
        device.interrupt_unasked(1);
        EXPECT_TRUE(transport.on_vector(0).used_buffer);  // MMIO has no vectors: it handles the interrupt
        device.interrupt_unasked(1);
        EXPECT_TRUE(transport.on_interrupt().used_buffer);
        ASSERT_TRUE(driver.release(memory).ok());

        device.set_magic(1);
        EXPECT_EQ(transport.probe_mmio(EitherSpace{device.registers()}).error(), Error::not_virtio);
        EXPECT_EQ(transport.device_id(), spec::DeviceId::none);
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }
}

// --- diag/ ---

TEST(DiagnosePci, ReportsThatNothingWasProbed) {
    Modern modern;
    EXPECT_EQ(diagnose(modern).device.reach, DeviceSnapshot::Reach::nothing);
    EXPECT_EQ(diagnose(modern).findings()[0].cause, Cause::transport_not_probed);
    LegacyPorts legacy;
    EXPECT_EQ(diagnose(legacy).findings()[0].cause, Cause::transport_not_probed);
    Any any;
    EXPECT_EQ(diagnose(any).findings()[0].cause, Cause::transport_not_probed);
}

TEST(DiagnosePci, ReportsAProbeWithoutRegisters) {
    PciDiskMachine<Any> machine({.layout = without_window(sim::PciLayout::modern())});
    machine.bus.fail_mapping();
    EXPECT_EQ(machine.probe().error(), Error::pci_not_mapped);
    EXPECT_EQ(diagnose(machine.transport).findings()[0].cause, Cause::transport_not_probed);
}

// unikraft#1743.
TEST(DiagnosePci, ReportsUnreachableRegisters) {
    for (bool const during_probe : {true, false}) {
        PciDiskMachine<Any> machine;
        if (during_probe) {
            machine.device.before_access([&](sim::PciTarget, bool) { machine.device.vanish(); });
            EXPECT_EQ(machine.probe().error(), Error::device_gone);
        } else {
            ASSERT_TRUE(machine.probe().ok());
            machine.bring_up();
            machine.bus.write16(machine.function.address(), wire::command, wire::command_bus_master);
        }
        Diagnosis const diagnosis = diagnose(machine.transport);
        ASSERT_FALSE(diagnosis.findings().empty());
        EXPECT_EQ(diagnosis.findings()[0].cause, Cause::device_gone);
        std::string const sentence = describe(Cause::device_gone);
        EXPECT_NE(sentence.find("memory space is off"), std::string::npos);
        EXPECT_NE(sentence.find("BAR"), std::string::npos);
        machine.bus.write16(machine.function.address(), wire::command,
                            wire::command_bus_master | wire::command_memory);
    }
}

TEST(DiagnosePci, ReportsRefusedFeatures) {
    PciDiskMachine<Any> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.device.refuse_features_ok();
    EXPECT_EQ(machine.init().error(), Error::features_refused);
    Diagnosis const diagnosis = diagnose(machine.transport);
    ASSERT_FALSE(diagnosis.findings().empty());
    EXPECT_EQ(diagnosis.findings()[0].cause, Cause::features_refused);
}

TEST(DiagnosePci, InspectsAQueueOfEachKind) {
    for (sim::PciLayout const& layout : {sim::PciLayout::modern(), sim::PciLayout::legacy(), legacy_in_memory()}) {
        PciDiskMachine<Any, 256> machine({.layout = layout});
        ASSERT_TRUE(machine.probe().ok());
        machine.bring_up();
        Diagnosis const diagnosis = diagnose(machine.driver, 0);
        EXPECT_EQ(diagnosis.device.reach, DeviceSnapshot::Reach::queue);
        EXPECT_TRUE(diagnosis.device.queue_in_use);
        EXPECT_EQ(diagnosis.findings()[0].cause, Cause::nothing_asked);
    }
}

}  // namespace
}  // namespace virtq::test
