// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_legacy.hpp>

#include <transport/config_bytes.hpp>
#include <transport/pci_machine.hpp>

#include <cstdint>
#include <vector>

/// §4.1.4.10 (Legacy Interfaces: A Note on PCI Device Layout).
namespace virtq::test {

using namespace virtq::detail;

namespace {

template <class T>
class PciLegacy : public testing::Test {
protected:
    static sim::PciLayout layout() { return SameAs<T, LegacyPorts> ? sim::PciLayout::legacy() : legacy_in_memory(); }
    static std::uint16_t space_bit() { return SameAs<T, LegacyPorts> ? wire::command_io : wire::command_memory; }
};
using LegacyKinds = testing::Types<LegacyPorts, LegacyMemory>;
TYPED_TEST_SUITE(PciLegacy, LegacyKinds);

TYPED_TEST(PciLegacy, FindsADisk) {
    PciDiskMachine<TypeParam> machine({.layout = this->layout()});
    EXPECT_FALSE(machine.transport.is_probed());
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_TRUE(machine.transport.is_probed());
    EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::block);
    EXPECT_TRUE(machine.transport.is_legacy());
    EXPECT_TRUE(machine.transport.is_queue_size_fixed());
    EXPECT_EQ(machine.command() & (4 | this->space_bit()), 4 | this->space_bit());
    EXPECT_EQ(machine.bus.mappings().size(), 1u);
    EXPECT_FALSE(machine.transport.possible_features().has(spec::Feature::version_1));
    EXPECT_TRUE(machine.transport.possible_features().has(spec::Feature::event_idx));
    EXPECT_EQ(machine.transport.offered_features(1), 0u);
    machine.transport.accept_features(1, 0xffff'ffff);  // this register does not exist
    EXPECT_EQ(machine.transport.config_generation(), 0u);
}

TYPED_TEST(PciLegacy, ReadsAndWrites) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    machine.bring_up();
    EXPECT_EQ(machine.device.status_history(), (std::vector<std::uint32_t>{0, 1, 3, 7}));
    EXPECT_EQ(machine.driver.queue_size(), 256);
    EXPECT_EQ(machine.driver.capacity_sectors(), 2048u);
    EXPECT_TRUE(machine.transport.is_queue_in_use(0));
    EXPECT_NE(machine.driver.negotiation().negotiated.word(0), 0u);
    EXPECT_EQ(machine.device.accepted_features()[0], machine.driver.negotiation().negotiated.word(0));
    machine.expect_works();
}

TYPED_TEST(PciLegacy, NeedsItsKindOfBar) {
    PciDiskMachine<TypeParam> machine(
        {.layout = SameAs<TypeParam, LegacyPorts> ? legacy_in_memory() : sim::PciLayout::legacy()});
    EXPECT_EQ(machine.probe().error(), Error::pci_legacy_absent);
    EXPECT_EQ(machine.device.bar_accesses(), 0u);
    EXPECT_EQ(machine.init().error(), Error::transport_not_probed);
}

TYPED_TEST(PciLegacy, ReportsWhatIsAbsent) {
    PciDiskMachine<TypeParam> machine({.layout = this->layout()});
    EXPECT_EQ(machine.transport.probe(Function{machine.bus, {0, 9, 0}}, machine.bus).error(),
              Error::pci_function_absent);
    machine.device.config().poke(wire::device_id, 0x1042, 2);  // §4.1.2.3
    EXPECT_EQ(machine.probe().error(), Error::pci_legacy_absent);
    machine.device.config().poke(wire::device_id, 0x1040 - 1, 2);
    EXPECT_TRUE(machine.probe().ok());
    machine.device.config().poke(wire::vendor_id, 0x8086, 2);
    EXPECT_EQ(machine.probe().error(), Error::not_virtio);
    EXPECT_FALSE(machine.transport.is_probed());
}

TYPED_TEST(PciLegacy, NeedsABarForItsHeader) {
    for (std::uint64_t const bytes : {0x10u, 0x20u}) {
        sim::PciLayout layout = this->layout();
        layout.bars[0].bytes = bytes;
        PciDiskMachine<TypeParam> machine({.layout = layout});
        EXPECT_EQ(machine.probe().error(), bytes == 0x10 ? Error::pci_legacy_absent : Error::none);
    }
}

TYPED_TEST(PciLegacy, VerifiesTheCommandRegister) {
    for (std::uint16_t const refused : {wire::command_bus_master, this->space_bit()}) {
        PciDiskMachine<TypeParam> machine({.layout = this->layout()});
        machine.device.refuse_command(refused);
        EXPECT_EQ(machine.probe().error(), Error::pci_command_refused);
        EXPECT_FALSE(machine.transport.is_probed());
    }
}

TYPED_TEST(PciLegacy, ReportsAFailedMapping) {
    PciDiskMachine<TypeParam> machine({.layout = this->layout()});
    std::uint16_t const command = machine.command();
    machine.bus.fail_mapping();
    EXPECT_EQ(machine.probe().error(), Error::pci_not_mapped);
    EXPECT_EQ(machine.command(), command);
    EXPECT_FALSE(machine.transport.is_probed());
}

TYPED_TEST(PciLegacy, ReportsAGoneDevice) {
    PciDiskMachine<TypeParam> machine({.layout = this->layout()});
    machine.device.before_access([&](sim::PciTarget, bool) { machine.device.vanish(); });
    EXPECT_EQ(machine.probe().error(), Error::device_gone);
    EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
    EXPECT_TRUE(machine.transport.is_probed());
}

TYPED_TEST(PciLegacy, PlacesItsBar) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout(), .assigned = false});
    EXPECT_EQ(machine.probe().error(), Error::pci_bar_unassigned);
    EXPECT_EQ(machine.command(), 0);
    PciWindow small{0x1000, 0x40};
    EXPECT_EQ(machine.probe({.memory = &small, .ports = &small}).error(), Error::pci_window_full);
    PciWindow memory{0xfe00'0000, 0x10'0000};
    PciWindow ports{0xc000, 0x1000};
    ASSERT_TRUE(machine.probe({.memory = &memory, .ports = &ports}).ok());
    machine.bring_up();
    machine.expect_works();
}

TYPED_TEST(PciLegacy, AssertsThatTheTransportIsFree) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    machine.bring_up();
    EXPECT_TRUE(machine.transport.is_in_use());
    EXPECT_BREACH(machine.probe(), "Give each device a transport of its own");
    EXPECT_BREACH(use_msix(machine.transport, machine.function, machine.bus, {}), "between probe() and init()");
    ASSERT_TRUE(machine.driver.release(machine.pages).ok());
    EXPECT_FALSE(machine.transport.is_in_use());
    EXPECT_TRUE(machine.probe().ok());
}

TYPED_TEST(PciLegacy, TakesOverADeviceLeftLive) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    TypeParam firmware;
    BlockDevice<TypeParam, 256> its_driver;
    ASSERT_TRUE(firmware.probe(machine.function, machine.bus).ok());
    MsiMessage const message[] = {{0xfee0'0000, 0x30}, {0xfee0'0000, 0x31}};
    ASSERT_TRUE(use_msix(firmware, machine.function, machine.bus, message).ok());
    ASSERT_TRUE(its_driver.init(firmware, machine.memory, {.reset_limit = PollLimit{100}}).ok());
    machine.bring_up();
    EXPECT_FALSE(is_msix_enabled(machine.function));  // otherwise the configuration would be at offset + 4
    EXPECT_EQ(machine.driver.capacity_sectors(), 2048u);
    machine.expect_works();
    ASSERT_TRUE(machine.driver.release(machine.pages).ok());
    ASSERT_TRUE(its_driver.release(machine.memory).ok());
}

// unikraft#1796: the device fixes the size. A smaller ring would have another layout.
TYPED_TEST(PciLegacy, HasAFixedQueueSize) {
    struct Row {
        std::uint16_t size;
        Error error;
    };
    for (Row const& row : {Row{0, Error::queue_absent}, Row{3, Error::queue_size_fixed_no_power_of_two},
                           Row{5, Error::queue_size_fixed_no_power_of_two},
                           Row{6, Error::queue_size_fixed_no_power_of_two}, Row{64, Error::none},
                           Row{128, Error::queue_size_above_capacity}, Row{65535, Error::queue_size_above_maximum}}) {
        PciDiskMachine<TypeParam, 64> machine({.layout = this->layout()});
        ASSERT_TRUE(machine.probe().ok());
        machine.device.set_queue_size_max(row.size);
        EXPECT_EQ(machine.init().error(), row.error) << row.size;
        EXPECT_EQ(machine.memory.pages_outstanding() == 0, row.error != Error::none);
        if (row.error == Error::none) {
            machine.expect_works();
        }
    }
}

TYPED_TEST(PciLegacy, ReportsARejectedQueue) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    ASSERT_TRUE(machine.probe().ok());
    machine.device.refuse_queue_enable();
    EXPECT_EQ(machine.init().error(), Error::queue_not_accepted);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

TYPED_TEST(PciLegacy, SelectsTheQueueInEachCall) {
    PciDiskMachine<TypeParam, 256> machine({.disk = {.queues = 2}, .layout = this->layout()});
    ASSERT_TRUE(machine.probe().ok());
    TypeParam& transport = machine.transport;
    transport.set_status(DeviceStatus{});
    transport.set_status(DeviceStatus{1});
    transport.set_status(DeviceStatus{3});
    machine.device.set_queue_size_max(64, 1);
    EXPECT_EQ(transport.queue_size_max(0), 256u);
    EXPECT_EQ(transport.queue_size_max(1), 64u);
    Pages const pages = machine.memory.allocate_pages(4);
    std::memset(pages.virt, 0, 4 * 4096);
    EXPECT_FALSE(transport.is_queue_in_use(0));
    EXPECT_TRUE(transport.enable_queue(1, {64, pages.phys, {}, {}}).ok());
    EXPECT_FALSE(transport.is_queue_in_use(0));
    EXPECT_TRUE(transport.is_queue_in_use(1));
    transport.set_status(DeviceStatus{});
    machine.memory.free_pages(pages);
    machine.hostile = true;  // the driver did not read the features
}

TYPED_TEST(PciLegacy, HasNoQueueReset) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    machine.bring_up();
    machine.transport.reset_queue(0);
    EXPECT_FALSE(machine.transport.is_queue_reset(0));
    EXPECT_TRUE(machine.transport.is_queue_in_use(0));
    EXPECT_EQ(machine.transport.choose_queue_size(0, 8), 8u);
    machine.expect_works();
}

TYPED_TEST(PciLegacy, AcknowledgesAnInterrupt) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    machine.bring_up();
    InterruptCause cause = machine.transport.on_interrupt();
    EXPECT_FALSE(cause.used_buffer || cause.config_change);
    machine.device.interrupt_unasked(1);
    cause = machine.transport.on_interrupt();
    EXPECT_TRUE(cause.used_buffer);
    EXPECT_FALSE(cause.config_change);
    EXPECT_FALSE(machine.device.interrupt_line());
    machine.device.change_config([&] { machine.disk.set_sectors(1024); });
    EXPECT_TRUE(machine.transport.on_interrupt().config_change);
    EXPECT_TRUE(*machine.driver.on_config_change());
    machine.device.vanish();
    cause = machine.transport.on_interrupt();
    EXPECT_FALSE(cause.used_buffer || cause.config_change);
    machine.device.vanish(false);
}

TYPED_TEST(PciLegacy, ReadsZeroBeyondItsBar) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    ASSERT_TRUE(machine.probe().ok());
    TypeParam& transport = machine.transport;
    EXPECT_EQ(read_config64_once(transport, 0), 2048u);  // in the guest's order (§2.5.3)
    EXPECT_EQ(transport.read_config16(native_byte_order == ByteOrder::big ? 6 : 0), 2048);
    std::size_t const accesses = machine.device.bar_accesses();
    EXPECT_EQ(transport.read_config32(0x80 - 20 - 3), 0u);
    EXPECT_EQ(transport.read_config16(0x80 - 20 - 1), 0u);
    EXPECT_EQ(transport.read_config8(0x80 - 20), 0u);
    // An offset must not wrap to the header.
    for (unsigned offset = 0xffd0; offset <= 0xffff; ++offset) {
        EXPECT_EQ(transport.read_config32(static_cast<std::uint16_t>(offset)), 0u);
        EXPECT_EQ(transport.read_config16(static_cast<std::uint16_t>(offset)), 0u);
        EXPECT_EQ(transport.read_config8(static_cast<std::uint16_t>(offset)), 0u);
        transport.write_config8(static_cast<std::uint16_t>(offset), 1);
        transport.write_config16(static_cast<std::uint16_t>(offset), 1);
        transport.write_config32(static_cast<std::uint16_t>(offset), 1);
    }
    EXPECT_EQ(machine.device.bar_accesses(), accesses);
    transport.write_config32(0x80 - 20 - 3, 1);
    transport.write_config16(0x80 - 20 - 1, 1);
    transport.use_vectors(1);  // moves by 4
    EXPECT_EQ(transport.read_config32(0x80 - 24 - 3), 0u);
    EXPECT_EQ(machine.device.bar_accesses(), accesses);
}

TYPED_TEST(PciLegacy, ReadsToTheBarsEnd) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    ASSERT_TRUE(machine.probe().ok());
    std::size_t const accesses = machine.device.bar_accesses();
    static_cast<void>(machine.transport.read_config32(0x80 - 20 - 4));
    static_cast<void>(machine.transport.read_config16(0x80 - 20 - 2));
    static_cast<void>(machine.transport.read_config8(0x80 - 20 - 1));
    EXPECT_EQ(machine.device.bar_accesses(), accesses + 3);
    machine.hostile = true;  // there is no such field
}

TYPED_TEST(PciLegacy, SwitchesTheCache) {
    PciDiskMachine<TypeParam, 256> machine({.disk = {.config_wce = true}, .layout = this->layout()});
    machine.bring_up();
    ASSERT_TRUE(machine.driver.set_cache_mode(BlockCacheMode::writethrough).ok());
    EXPECT_EQ(machine.driver.cache_mode(), BlockCacheMode::writethrough);
}

TYPED_TEST(PciLegacy, ReportsAnEndlessReset) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    ASSERT_TRUE(machine.probe().ok());
    machine.device.reset_takes(sim::PciDevice::never);
    EXPECT_EQ(machine.init().error(), Error::reset_timed_out);
    machine.device.reset_takes(0);
    machine.bring_up();
    machine.expect_works();
}

TEST(PciLegacyOfTransitional, ReadsAndWrites) {
    PciDiskMachine<LegacyPorts, 256> machine({.layout = sim::PciLayout::transitional()});
    machine.bring_up();
    machine.expect_works();
}

TEST(PciLegacyInMemory, MayHaveA64BitBar) {
    sim::PciLayout layout = sim::PciLayout::legacy();
    layout.msix_bar = 2;
    layout.bars[0] = {sim::PciBarKind::memory64, 0x2'0000};
    layout.bars[1] = {};
    layout.bars[2] = {sim::PciBarKind::memory32, 0x1000};
    PciDiskMachine<LegacyMemory, 256> machine({.layout = layout});
    machine.bring_up();
    EXPECT_EQ(machine.transport.read_config8(0xffff), 0);  // beyond the largest offset
    machine.expect_works();
}

/// 16-bit port numbers, as on x86. Truncated to 16 bits, a higher BAR would be the ports of another device.
class NarrowPorts : public BarPorts {
public:
    static constexpr std::uint32_t port_end = 0x10000;
    using BarPorts::BarPorts;
    explicit NarrowPorts(BarPorts space) : BarPorts(space) {}
    [[nodiscard]] NarrowPorts at(std::uint32_t offset) const { return NarrowPorts{BarPorts::at(offset)}; }
};

TEST(PciLegacyPorts, AreRejectedAboveTheLast) {
    struct Row {
        std::uint64_t window;
        Error error;
    };
    for (Row const& row :
         {Row{0xff80, Error::none}, Row{0x10000, Error::pci_not_mapped}, Row{0xffff'ff80, Error::pci_not_mapped}}) {
        PciDiskMachine<PciLegacyTransport<NarrowPorts>> machine(
            {.layout = sim::PciLayout::legacy(), .assigned = false});
        PciWindow ports{row.window, 0x80};
        EXPECT_EQ(machine.probe({.ports = &ports}).error(), row.error) << row.window;
    }
    PciDiskMachine<LegacyPorts> elsewhere({.layout = sim::PciLayout::legacy(), .assigned = false});
    PciWindow ports{0x10000, 0x80};  // a port space in memory has any numbers
    EXPECT_TRUE(elsewhere.probe({.ports = &ports}).ok());
}

}  // namespace
}  // namespace virtq::test
