// SPDX-License-Identifier: MIT
#include <virtq/transport/detail/pci/msix.hpp>

#include <transport/config_bytes.hpp>
#include <transport/pci_machine.hpp>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <vector>

/// PCI 6.8.2 (MSI-X Capability and Table Structures), and §4.1.5.1.2 (MSI-X Vector Configuration).
namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr MsiMessage messages[] = {
    {0xfee0'0000, 0x30}, {0xfee0'1000, 0x31}, {0x8'fee0'2000, 0x32}, {0xfee0'3000, 0x33}, {0xfee0'4000, 0x34}};

Span<MsiMessage const> first(std::size_t count) {
    return {messages, count};
}

template <class T = Modern>
class Machine : public PciDiskMachine<T, 256, FourQueues> {
public:
    explicit Machine(std::uint16_t vectors = 3, std::uint16_t queues = 4, sim::PciLayout layout = layout_of_kind())
        : PciDiskMachine<T, 256, FourQueues>({.disk = {.queues = queues}, .layout = with(layout, vectors)}) {
        EXPECT_TRUE(this->probe().ok());
    }
    Result<std::uint16_t> use(std::size_t count) {
        return use_msix(this->transport, this->function, this->bus, first(count));
    }
    /// Reads a sector through a queue, with used notifications enabled.
    void read_through(std::uint16_t queue) {
        static_cast<void>(this->driver.enable_used_notifications(queue));
        sim::Buffer const data = this->buffer(512);
        Segment const segment = this->segment(data);
        ASSERT_TRUE(
            this->driver
                .perform({BlockOperation::read, queue, 0, {&segment, 1}, {}}, PollLimit{100}, this->stepping(), queue)
                .ok());
    }
    [[nodiscard]] std::uint16_t control() {
        auto const* const capability = this->device.capabilities().find_id(wire::capability_msix);
        return static_cast<std::uint16_t>(
            this->device.config().peek(static_cast<std::uint16_t>(capability->offset + wire::msix_control), 2));
    }

private:
    static sim::PciLayout layout_of_kind() {
        return SameAs<T, Modern> ? sim::PciLayout::modern() : sim::PciLayout::legacy();
    }
    static sim::PciLayout with(sim::PciLayout layout, std::uint16_t vectors) {
        layout.msix_vectors = vectors;
        return layout;
    }
};

TEST(Msix, SendsMessagesOfQueuesAndConfiguration) {
    Machine<> machine(5);
    Result<std::uint16_t> const count = machine.use(5);
    ASSERT_TRUE(count.ok());
    EXPECT_EQ(*count, 5);
    machine.bring_up();
    for (std::uint16_t queue = 0; queue < 4; ++queue) {
        EXPECT_EQ(machine.device.queue_vector(queue), queue + 1);
        machine.read_through(queue);
        EXPECT_EQ(machine.device.messages().back(),
                  (sim::MsixMessage{static_cast<std::uint16_t>(queue + 1), messages[queue + 1].address,
                                    messages[queue + 1].data}));
        InterruptCause const cause = machine.transport.on_vector(static_cast<std::uint16_t>(queue + 1));
        EXPECT_TRUE(cause.used_buffer);
        EXPECT_FALSE(cause.config_change);
    }
    machine.device.change_config([&] { machine.disk.set_sectors(4096); });
    EXPECT_EQ(machine.device.messages().back(), (sim::MsixMessage{0, messages[0].address, messages[0].data}));
    InterruptCause const cause = machine.transport.on_vector(0);
    EXPECT_FALSE(cause.used_buffer);
    EXPECT_TRUE(cause.config_change);
    EXPECT_EQ(machine.device.isr_reads(), 0u);  // unused with MSI-X
    EXPECT_FALSE(machine.device.interrupt_line());
}

// virtio-win#139: a driver failed on a device with fewer vectors than queues.
TEST(Msix, SharesVectorsAmongQueues) {
    Machine<> machine(3);
    EXPECT_EQ(*machine.use(5), 3);  // as many as the device has
    machine.bring_up();
    for (std::uint16_t queue = 0; queue < 4; ++queue) {
        EXPECT_EQ(machine.device.queue_vector(queue), queue % 2 + 1);
        machine.read_through(queue);
    }
    EXPECT_EQ(machine.device.messages_of(1), 2u);
    EXPECT_EQ(machine.device.messages_of(2), 2u);
}

TEST(Msix, SharesASingleVector) {
    Machine<> machine(1);
    EXPECT_EQ(*machine.use(2), 1);
    machine.bring_up();
    machine.read_through(3);
    EXPECT_EQ(machine.device.messages_of(0), 1u);
    InterruptCause const cause = machine.transport.on_vector(0);
    EXPECT_TRUE(cause.used_buffer);
    EXPECT_TRUE(cause.config_change);
}

TEST(Msix, UsesOneVectorPerMessage) {
    Machine<> machine(0x800);
    EXPECT_EQ(*machine.use(2), 2);
    machine.bring_up();
    machine.read_through(2);
    EXPECT_EQ(machine.device.messages_of(1), 1u);
    // The driver mapped only the entries that it writes.
    EXPECT_EQ(machine.bus.mappings().back().bytes, 32u);
}

TEST(PciVectors, AreSharedInTurn) {
    PciVectors const three{3};
    EXPECT_TRUE(three.in_use());
    EXPECT_FALSE(PciVectors{}.in_use());
    for (std::uint16_t const queue : std::initializer_list<std::uint16_t>{0, 1, 2, 3, 65534, 65535}) {
        EXPECT_EQ(three.of_queue(queue), 1 + queue % 2);
        EXPECT_EQ(PciVectors{1}.of_queue(queue), 0);
        EXPECT_EQ(PciVectors{2}.of_queue(queue), 1);
        EXPECT_EQ(PciVectors{2048}.of_queue(queue), 1 + queue % 2047);
    }
}

// A message that the kernel left empty would be written to address 0.
TEST(Msix, RefusesAMessageWithoutAnAddress) {
    Machine<> machine(3);
    MsiMessage const forgotten[] = {messages[0], {}, messages[2]};
    EXPECT_EQ(use_msix(machine.transport, machine.function, machine.bus, forgotten).error(),
              Error::msi_message_invalid);
    EXPECT_FALSE(is_msix_enabled(machine.function));
    ASSERT_TRUE(machine.use(3).ok());
    EXPECT_EQ(*use_msix(machine.transport, machine.function, machine.bus, {forgotten, 1}), 1);
    machine.bring_up();
    machine.read_through(0);
}

// §4.1.5.1.2.2, nanos#587: "the driver MUST verify success by reading the Vector field value".
TEST(Msix, DetectsARefusedVector) {
    for (std::size_t const from : {0u, 1u, 2u}) {
        Machine<> machine(3);
        ASSERT_TRUE(machine.use(3).ok());
        machine.device.refuse_vectors(from);
        EXPECT_EQ(machine.init().error(), Error::vector_refused) << from;
        EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
        EXPECT_FALSE(machine.transport.is_in_use());

        // Tries again with fewer vectors, or with the interrupt line.
        std::size_t const fewer = from;
        Result<std::uint16_t> const again = machine.use(fewer);
        EXPECT_EQ(again.ok(), fewer != 0);
        EXPECT_EQ(is_msix_enabled(machine.function), fewer != 0);
        machine.bring_up();
        machine.read_through(0);
        if (fewer == 0) {
            EXPECT_TRUE(machine.device.interrupt_line());
            EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
        } else {
            EXPECT_EQ(machine.device.messages_of(static_cast<std::uint16_t>(fewer - 1)), 1u);
        }
    }
}

TEST(Msix, StaysOnAcrossAReset) {
    Machine<> machine(3);
    ASSERT_TRUE(machine.use(3).ok());
    machine.bring_up();
    ASSERT_TRUE(machine.driver.reset([](BlockCompletion const&) {}).ok());
    machine.read_through(1);
    EXPECT_EQ(machine.device.messages_of(2), 1u);
}

TEST(Msix, MayBeAbsent) {
    Machine<> machine(0);
    EXPECT_EQ(machine.use(3).error(), Error::msix_absent);
    machine.bring_up();
    machine.read_through(0);
    EXPECT_TRUE(machine.device.interrupt_line());
    disable_msix(machine.function);  // nothing to do
}

TEST(Msix, IsNotUsedWithoutMessages) {
    Machine<> machine(3);
    EXPECT_EQ(machine.use(0).error(), Error::msix_absent);
    EXPECT_FALSE(is_msix_enabled(machine.function));
}

// The kernel passed the number of an interrupt line instead of the CPU's vector.
TEST(Msix, RejectsMessagesThatReachNoCpu) {
    if (platform::takes_msi_message(0xfee0'0000, 11)) {
        GTEST_SKIP() << "nothing is known of this architecture's messages";
    }
    Machine<> machine;
    MsiMessage const wrong[] = {{0xfee0'0000, 0x30}, {0xfee0'0000, 11}};
    Result<std::uint16_t> const used = use_msix(machine.transport, machine.function, machine.bus, wrong);
    EXPECT_EQ(used.error(), Error::msi_message_invalid);
    EXPECT_EQ(machine.control() & wire::msix_enable, 0);
    machine.bring_up();
}

// After an error interrupts come by INTx, whatever was enabled before.
TEST(Msix, IsOffAfterAnError) {
    enum class How { no_message, not_mapped, outside };
    for (How const how : {How::no_message, How::not_mapped, How::outside}) {
        Machine<> machine(3);
        ASSERT_TRUE(machine.use(3).ok());
        ASSERT_TRUE(is_msix_enabled(machine.function));
        auto const* const capability = machine.device.capabilities().find_id(wire::capability_msix);
        auto const table = static_cast<std::uint16_t>(capability->offset + wire::msix_table);
        Error expected = Error::msix_absent;
        if (how == How::not_mapped) {
            machine.bus.fail_mapping();
            expected = Error::pci_not_mapped;
        } else if (how == How::outside) {
            machine.device.config().poke(table, 0xfe0 | 1, 4);
            expected = Error::pci_structure_invalid;
        }
        EXPECT_EQ(machine.use(how == How::no_message ? 0 : 3).error(), expected);
        EXPECT_FALSE(is_msix_enabled(machine.function));
        machine.bring_up();
        machine.read_through(0);
        EXPECT_TRUE(machine.device.interrupt_line());
        EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
        EXPECT_TRUE(machine.device.messages().empty());
    }
}

// With MSI-X the configuration of a legacy device moves by 4 bytes. Without it, it must not move.
TEST(Msix, LegacyIsOffAfterAnError) {
    Machine<LegacyPorts> machine(3, 1);
    ASSERT_TRUE(machine.use(3).ok());
    machine.bus.fail_mapping();
    EXPECT_EQ(machine.use(3).error(), Error::pci_not_mapped);
    machine.bring_up();
    EXPECT_EQ(machine.driver.capacity_sectors(), 2048u);
    machine.read_through(0);
    EXPECT_TRUE(machine.device.interrupt_line());
}

TEST(Msix, ChecksWhereTheTableIs) {
    struct Row {
        std::uint32_t table;
        Error error;
    };
    for (Row const& row : {Row{0x000 | 2, Error::pci_structure_invalid}, Row{0x000 | 7, Error::pci_structure_invalid},
                           Row{0xfd8 | 1, Error::pci_structure_invalid}, Row{0xfd0 | 1, Error::none},
                           Row{0xffff'fff8 | 1, Error::pci_structure_invalid}}) {
        Machine<> machine(3);
        auto const* const capability = machine.device.capabilities().find_id(wire::capability_msix);
        machine.device.config().poke(static_cast<std::uint16_t>(capability->offset + wire::msix_table), row.table, 4);
        machine.hostile = true;  // the table does not exist
        EXPECT_EQ(machine.use(3).error(), row.error) << std::hex << row.table;
    }
}

TEST(Msix, NeedsATableWithAnAddress) {
    PciDiskMachine<LegacyPorts, 256> machine({.layout = sim::PciLayout::legacy(), .assigned = false});
    PciWindow ports{0x1000, 0x1000};
    ASSERT_TRUE(machine.probe({.ports = &ports}).ok());
    EXPECT_EQ(use_msix(machine.transport, machine.function, machine.bus, first(2)).error(), Error::pci_bar_unassigned);
    machine.bring_up();
    machine.expect_works();
}

/// A device that does not enable MSI-X, or whose table size changes.
class OddMsix : public testing::Test {
protected:
    OddMsix() {
        config.put(spec::pci::status.offset, spec::pci::status_capabilities, 2);
        config.put(spec::pci::capabilities_pointer.offset, at, 1);
        config.put(at, spec::pci::capability_msix, 1);
        config.put_bar(0, 0xfe00'0000, 0xffff'f000);
    }
    std::uint16_t at = 0x40;
    ConfigBytes config;
    PciFunction<ConfigBytes> function{config, {}};
};

/// An MSI-X table in the memory of the test.
class Table {
public:
    constexpr Table() = default;
    explicit Table(std::uintptr_t base) : base_(base) {}
    [[nodiscard]] std::uint8_t read8(std::uint16_t) const { return 0; }
    [[nodiscard]] std::uint16_t read16(std::uint16_t) const { return 0; }
    [[nodiscard]] std::uint32_t read32(std::uint16_t offset) const { return words()[base_ + offset]; }
    void write8(std::uint16_t, std::uint8_t) const {}
    void write16(std::uint16_t, std::uint16_t) const {}
    void write32(std::uint16_t offset, std::uint32_t value) const {
        words()[base_ + offset] = value;
        masked() = masked() && (config == nullptr || (config->get(0x42, 2) & 0xc000) == 0xc000);
        order().push_back(base_ + offset);
    }
    [[nodiscard]] Table at(std::uint32_t offset) const { return Table{base_ + offset}; }

    static std::map<std::uintptr_t, std::uint32_t>& words() {
        static std::map<std::uintptr_t, std::uint32_t> all;
        return all;
    }
    /// Whether the function was enabled and masked at each write.
    static bool& masked() {
        static bool all = true;
        return all;
    }
    static inline ConfigBytes const* config = nullptr;
    static std::vector<std::uintptr_t>& order() {
        static std::vector<std::uintptr_t> all;
        return all;
    }

private:
    std::uintptr_t base_ = 0;
};

struct TableMapper {
    std::uintptr_t map_device_memory(PhysAddr, std::uint64_t bytes) {
        mapped = bytes;
        return 0x1000;
    }
    std::uintptr_t map_device_ports(std::uint32_t, std::uint32_t) { return 0; }
    std::uint64_t mapped = 0;
};

TEST_F(OddMsix, ReportsAFailedEnable) {
    TableMapper mapper;
    EXPECT_EQ(enable_msix<Table>(function, mapper, first(1)).error(), Error::msix_refused);
}

TEST_F(OddMsix, MasksEntriesWhileFillingThem) {
    Table::words().clear();
    Table::order().clear();
    config.put(at + 2, 1, 2);
    config.sticky[at + 3u] = 0xc0;
    TableMapper mapper;
    Table::config = &config;
    ASSERT_TRUE(enable_msix<Table>(function, mapper, first(2)).ok());
    EXPECT_TRUE(Table::masked());
    Table::config = nullptr;
    EXPECT_EQ(mapper.mapped, 32u);
    EXPECT_EQ(Table::order(), (std::vector<std::uintptr_t>{0x100c, 0x1000, 0x1004, 0x1008, 0x100c,  //
                                                           0x101c, 0x1010, 0x1014, 0x1018, 0x101c}));
    EXPECT_EQ(Table::words()[0x100c], 0u);
    EXPECT_EQ(config.get(at + 2, 2), 0x8001u);
    // Repeats it with the table of another device.
    config.put(at + 4, 8, 4);
    EXPECT_EQ(*enable_msix<Table>(function, mapper, first(1)), 1);
    EXPECT_EQ(config.get(at + 2, 2), 0x8001u);
    disable_msix(function);
    EXPECT_EQ(config.get(at + 2, 2), 0x0001u);
}

TEST_F(OddMsix, RejectsACircularList) {
    TableMapper mapper;
    config.put(at, spec::pci::capability_vendor, 1);
    config.put(at + 1, at, 1);
    EXPECT_EQ(enable_msix<Table>(function, mapper, first(1)).error(), Error::pci_capability_list_broken);
    EXPECT_FALSE(is_msix_enabled(function));
    disable_msix(function);
}

/// The size of the table grows between two reads.
class Growing : public ConfigBytes {
public:
    [[nodiscard]] std::uint16_t read16(PciAddress address, std::uint16_t offset) {
        std::uint16_t const value = ConfigBytes::read16(address, offset);
        if (offset == 0x42) {
            put(0x42, get(0x42, 2) + 1, 2);
        }
        return value;
    }
};

TEST(GrowingMsix, IsWrittenOnlyWhereMapped) {
    Table::words().clear();
    Growing config;
    config.put(spec::pci::status.offset, spec::pci::status_capabilities, 2);
    config.put(spec::pci::capabilities_pointer.offset, 0x40, 1);
    config.put(0x40, spec::pci::capability_msix, 1);
    config.sticky[0x43] = 0xc0;
    config.put_bar(0, 0xfe00'0000, 0xffff'f000);
    PciFunction<Growing> const function{config, {}};
    TableMapper mapper;
    Result<std::uint16_t> const count = enable_msix<Table>(function, mapper, first(5));
    ASSERT_TRUE(count.ok());
    EXPECT_EQ(mapper.mapped, *count * 16u);
    EXPECT_LT(Table::words().rbegin()->first, 0x1000 + mapper.mapped);
}

TEST(MsixAtTheEnd, IsNotReadBeyondTheSpace) {
    for (std::uint16_t const at : std::initializer_list<std::uint16_t>{0xf4, 0xf8, 0xfc}) {
        ConfigBytes config;
        config.put(spec::pci::status.offset, spec::pci::status_capabilities, 2);
        config.put(spec::pci::capabilities_pointer.offset, at, 1);
        config.put(at, spec::pci::capability_msix, 1);
        config.put_bar(0, 0xfe00'0000, 0xffff'f000);
        PciFunction<ConfigBytes> const function{config, {}};
        TableMapper mapper;
        EXPECT_EQ(enable_msix<Table>(function, mapper, first(1)).error(),
                  at == 0xf4 ? Error::msix_refused : Error::pci_capability_list_broken);
        EXPECT_FALSE(is_msix_enabled(function));
        disable_msix(function);
        EXPECT_EQ(config.crooked, 0u);
    }
}

TEST(MsixOfALegacyDevice, MovesItsConfiguration) {
    Machine<LegacyPorts> machine(3, 1);
    EXPECT_EQ(read_config64_once(machine.transport, 0), 2048u);
    EXPECT_EQ(*machine.use(3), 3);
    EXPECT_EQ(machine.command() & 7, 7);  // the table is in memory
    machine.bring_up();
    EXPECT_EQ(machine.driver.capacity_sectors(), 2048u);
    machine.read_through(0);
    EXPECT_EQ(machine.device.messages_of(1), 1u);
    EXPECT_TRUE(machine.transport.on_vector(1).used_buffer);
    EXPECT_TRUE(machine.transport.on_vector(0).config_change);
    machine.expect_works();
}

TEST(MsixOfALegacyDevice, DetectsARefusedVector) {
    for (std::size_t const from : {0u, 1u}) {
        Machine<LegacyPorts> machine(3, 1);
        ASSERT_TRUE(machine.use(3).ok());
        machine.device.refuse_vectors(from);
        EXPECT_EQ(machine.init().error(), Error::vector_refused);
        EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    }
}

TEST(MsixOfALegacyDevice, NeedsItsMemorySpace) {
    Machine<LegacyPorts> machine(3, 1);
    machine.device.refuse_command(wire::command_memory);
    EXPECT_EQ(machine.use(3).error(), Error::pci_command_refused);
    machine.bring_up();
    machine.expect_works();
}

}  // namespace
}  // namespace virtq::test
