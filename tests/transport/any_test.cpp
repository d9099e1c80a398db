// SPDX-License-Identifier: MIT
#include <virtq/transport/any.hpp>

#include <virtq/diag/diag.hpp>

#include <transport/either_space.hpp>
#include <transport/pci_machine.hpp>

#include <sim/mmio_device.hpp>

#include <cstdint>
#include <string>

namespace virtq::test {
namespace {

using Kind = Any::Kind;

TEST(AnyTransport, ChoosesTheModernInterfaceIfThereIsOne) {
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
        EXPECT_EQ(machine.transport.has_asked_features_ok(), !row.legacy);
        machine.expect_works();
        EXPECT_BREACH(machine.probe(), "give each device a transport of its own");
        EXPECT_BREACH(machine.transport.probe_pci_legacy(machine.function, machine.bus),
                      "give each device a transport of its own");
        // A probe of another kind, which that kind's transport could not know to be wrong.
        EXPECT_BREACH(machine.transport.probe_mmio(sim::BarSpace{}), "give each device a transport of its own");
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

TEST(AnyTransport, CanTakeTheLegacyInterfaceOfATransitionalDevice) {
    PciDiskMachine<Any, 256> machine({.layout = sim::PciLayout::transitional()});
    ASSERT_TRUE(machine.transport.probe_pci_legacy(machine.function, machine.bus).ok());
    EXPECT_EQ(machine.transport.kind(), Kind::pci_legacy_ports);
    machine.bring_up();
    machine.expect_works();
    // The modern interface of the same device would be found, and the legacy one forgotten with its queue.
    EXPECT_BREACH(machine.probe(), "give each device a transport of its own");
    EXPECT_EQ(machine.transport.kind(), Kind::pci_legacy_ports);
}

TEST(AnyTransport, GivesItsOptionsOn) {
    for (sim::PciLayout const& layout : {sim::PciLayout::modern(), sim::PciLayout::legacy(), legacy_in_memory()}) {
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

TEST(AnyTransport, ForgetsTheDeviceBeforeAFailedProbe) {
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

TEST(AnyTransport, GivesTheErrorsOn) {
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
        ASSERT_TRUE(driver.init(transport, memory, {.reset_looks = Looks{10}}).ok());
        sim::Buffer const data = memory.allocate_buffer(512);
        EXPECT_TRUE(driver.read(0, Segment{data.phys, 512}, Looks{100}, [&] { device.step(); }).ok());
        Segment const segments[] = {{data.phys, 512}};
        ASSERT_EQ(driver.enable_used_notifications(), UsedPending::nothing_there);
        ASSERT_TRUE(driver.submit_read(0, segments, Token{}).ok());
        driver.start();
        device.step();
        EXPECT_EQ(diagnose(driver).cause(), Cause::interrupt_not_handled);  // its register is seen through all of this
        EXPECT_EQ(driver.complete().state, TakeState::completion);
        device.interrupt_unasked(1);
        EXPECT_TRUE(transport.on_vector(0).used_buffer);  // it has no vectors: an interrupt is an interrupt
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

TEST(DiagnosePci, SaysThatNothingWasProbed) {
    Modern modern;
    EXPECT_EQ(diagnose(modern).device.reach, DeviceSnapshot::Reach::nothing);
    EXPECT_EQ(diagnose(modern).findings()[0].cause, Cause::transport_not_probed);
    LegacyPorts legacy;
    EXPECT_EQ(diagnose(legacy).findings()[0].cause, Cause::transport_not_probed);
    Any any;
    EXPECT_EQ(diagnose(any).findings()[0].cause, Cause::transport_not_probed);
}

TEST(DiagnosePci, SaysThatAProbeFailedBeforeThereWereRegisters) {
    PciDiskMachine<Any> machine;
    machine.bus.fail_mapping();
    EXPECT_EQ(machine.probe().error(), Error::pci_not_mapped);
    EXPECT_EQ(diagnose(machine.transport).findings()[0].cause, Cause::transport_not_probed);
}

// unikraft#1743.
TEST(DiagnosePci, SaysThatMemorySpaceIsOffOrTheBarNotMapped) {
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

TEST(DiagnosePci, SaysThatTheFeaturesWereRefused) {
    PciDiskMachine<Any> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.device.refuse_features_ok();
    EXPECT_EQ(machine.init().error(), Error::features_refused);
    Diagnosis const diagnosis = diagnose(machine.transport);
    ASSERT_FALSE(diagnosis.findings().empty());
    EXPECT_EQ(diagnosis.findings()[0].cause, Cause::features_refused);
}

TEST(DiagnosePci, LooksAtAQueueOfEachKind) {
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
