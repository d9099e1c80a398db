// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The README's block about PCI, and the examples of the PCI transports.
namespace on_pci {
#include <blocks/README/on_pci.inc>

using virtq::readme::Machine;

std::vector<std::string> printed;
bool maps = true;

std::uintptr_t kernel_map_uncached(std::uint64_t physical, std::uint64_t bytes) {
    return maps ? Machine::current().map_uncached(physical, bytes) : 0;
}
void kernel_print(char const* sentence) {
    printed.emplace_back(sentence);
}
}  // namespace on_pci

namespace virtq::readme {
namespace {

class OnPci : public ::testing::Test {
protected:
    void expect_works() {
        ASSERT_TRUE(disk.init(on_pci::transport, pages).ok());
        sim::Buffer const data = Machine::current().buffer(512);
        EXPECT_TRUE(disk.read(3, Machine::segment(data), PollLimit{1000}).ok());
        EXPECT_TRUE(Machine::current().holds(data, 3));
    }
    void TearDown() override { on_pci::printed.clear(); }

    MachinePages pages;
    BlockDevice<AnyTransport<>, 256> disk;
};

TEST_F(OnPci, FindsDisk) {
    PciMachine machine;
    ASSERT_TRUE(on_pci::find_disk(PciMachine::ecam).ok());
    expect_works();
    EXPECT_TRUE(disk.release(pages).ok());
}

TEST_F(OnPci, UsesMessages) {
    PciMachine machine;
    ASSERT_TRUE(on_pci::find_disk(PciMachine::ecam).ok());
    ASSERT_TRUE(on_pci::use_messages(2).ok());
    ASSERT_TRUE(disk.init(on_pci::transport, pages).ok());
    EXPECT_EQ(disk.enable_used_notifications(), MaySleep::yes);
    sim::Buffer const data = machine.buffer(512);
    EXPECT_TRUE(disk.read(0, Machine::segment(data), PollLimit{1000}).ok());
    ASSERT_FALSE(machine.device.messages().empty());
    EXPECT_EQ(machine.device.messages().front(), (sim::MsixMessage{1, 0xfee02000, 0x51}));
    EXPECT_TRUE(disk.release(pages).ok());
}

TEST_F(OnPci, KeepsLineWithoutMessages) {
    sim::PciLayout layout = sim::PciLayout::modern();
    layout.msix_vectors = 0;
    PciMachine machine({}, layout);
    ASSERT_TRUE(on_pci::find_disk(PciMachine::ecam).ok());
    EXPECT_EQ(on_pci::use_messages(0).error(), Error::msix_absent);
    expect_works();
    EXPECT_TRUE(disk.release(pages).ok());
}

TEST_F(OnPci, PrintsWhyThereIsNone) {
    PciMachine machine({}, sim::PciLayout::modern(), false);
    EXPECT_EQ(on_pci::find_disk(PciMachine::ecam).error(), Error::pci_virtio_absent);
    EXPECT_EQ(on_pci::printed.size(), 1u);
}

TEST_F(OnPci, PrintsWhyModernFailed) {
    PciMachine machine;
    on_pci::maps = false;
    EXPECT_EQ(on_pci::find_disk(PciMachine::ecam).error(), Error::pci_config_window_off);
    on_pci::maps = true;
    EXPECT_EQ(on_pci::printed, std::vector<std::string>{describe(Error::pci_not_mapped)});
}

TEST(HeaderExample, AnyTransport) {
    PciMachine machine;
    EcamAccess const config_access{PciMachine::ecam, 0, 0};
    EcamAccess access = config_access;
    MachineDevices device_mapper;
    PciFunction<EcamAccess> const function{access, {0, 3, 0}};
#include <blocks/transport/any.inc>
    EXPECT_TRUE(found.ok()) << describe(found.error());
    EXPECT_EQ(transport.device_id(), spec::DeviceId::block);
}

TEST(HeaderExample, PciModernTransport) {
    PciMachine machine;
    EcamAccess config_access{PciMachine::ecam, 0, 0};
    MachineDevices device_mapper;
#include <blocks/transport/pci_modern.inc>
    EXPECT_TRUE(found.ok()) << describe(found.error());
    EXPECT_EQ(transport.device_id(), spec::DeviceId::block);
}

TEST(HeaderExample, PciScan) {
    PciMachine machine;
    EcamAccess access{PciMachine::ecam, 0, 0};
    MachineDevices devices;
    AnyTransport<> transport;
    Status status = Error::no_device;
    unsigned printed = 0;
    auto const kernel_print = [&](char const*) { ++printed; };
#include <blocks/transport/pci_scan.inc>
    EXPECT_TRUE(status.ok()) << describe(status.error());
    EXPECT_EQ(seen.virtio, 1u);
    EXPECT_EQ(printed, 1u);
}

TEST(HeaderExample, EcamAccess) {
    PciMachine machine;
    std::uintptr_t const mapped_ecam = PciMachine::ecam;
#include <blocks/platform/ecam_access.inc>
    EXPECT_EQ(access.read16({0, 3, 0}, 0), 0x1af4u);
    EXPECT_EQ(access.read16({16, 3, 0}, 0), 0xffffu) << "behind the last bus that is mapped";
}

TEST(HeaderExample, NumberBuses) {
    PciMachine machine;
    EcamAccess access{PciMachine::ecam, 0, 0};
    PciWindow memory{0x1000'0000, 0x100'0000};
    unsigned found = 0;
    auto const each = [&](auto const&, spec::DeviceId) { ++found; };
#include <blocks/transport/pci_bridge.inc>
    ASSERT_TRUE(buses.ok()) << describe(buses.error());
    EXPECT_EQ(found, 1u);
}

}  // namespace
}  // namespace virtq::readme
