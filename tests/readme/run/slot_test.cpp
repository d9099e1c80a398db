// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <transport/tree_builder.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// Examples that look for virtio-mmio slots.
namespace virtq::readme {
namespace {

class HeaderExampleSlots : public ::testing::Test {
protected:
    static std::uintptr_t kernel_map_uncached(std::uint64_t physical, std::uint64_t bytes) {
        return Machine::current().map_uncached(physical, bytes);
    }
    void kernel_print(char const* sentence, char const* rest = "") { printed.push_back(std::string(sentence) + rest); }

    MmioMachine machine;
    std::vector<std::string> printed;
};

TEST_F(HeaderExampleSlots, MmioTransport) {
    std::uintptr_t const mapped_slot_address = kernel_map_uncached(MmioMachine::slots, MmioMachine::stride);
#include <blocks/transport/mmio.inc>
    EXPECT_EQ(found.error(), Error::no_device);
}

TEST_F(HeaderExampleSlots, MmioSlotRow) {
    virtq::MmioTransport<> transports[8];
#include <blocks/transport/mmio_slot.inc>
    EXPECT_EQ(slots.found, 8u);
    EXPECT_EQ(printed, std::vector<std::string>{"a device"});
    EXPECT_EQ(transports[7].device_id(), spec::DeviceId::block);
}

TEST_F(HeaderExampleSlots, CommandLine) {
    virtq::MmioTransport<> transport;
    char const* boot_line = "quiet virtio_mmio.device=0x1000@0x10001000:1 virtio_mmio.device=4K@0x10008000:8";
    {
#include <blocks/transport/mmio_command_line.inc>
        EXPECT_EQ(slots.found, 2u);
        EXPECT_EQ(printed, std::vector<std::string>{"a device"});
    }
    printed.clear();
    boot_line = "virtio_mmio.device=nonsense";
    {
#include <blocks/transport/mmio_command_line.inc>
        EXPECT_FALSE(slots.ok());
        EXPECT_EQ(printed.size(), 1u);
    }
}

TEST_F(HeaderExampleSlots, DeviceTree) {
    virtq::MmioTransport<> transport;
    test::TreeBuilder builder;
    builder.begin("").cells("#address-cells", {2}).cells("#size-cells", {2});
    builder.begin("virtio_mmio@10008000").strings("compatible", "virtio,mmio");
    builder.cells("reg", {0, 0x10008000, 0, 0x1000}).cells("interrupts", {8}).end();
    builder.begin("pci@30000000").strings("compatible", "pci-host-ecam-generic");
    builder.cells("reg", {0, 0x30000000, 0, 0x10000000}).end();
    std::vector<std::uint8_t> const boot_tree = builder.end().finish();
    std::size_t const mapped_bytes = boot_tree.size();
    std::uint64_t found_ecam = 0;
    auto const kernel_map = [](std::vector<std::uint8_t> const& tree) { return tree.data(); };
    auto const kernel_found_ecam = [&](std::uint64_t base, std::uint64_t) { found_ecam = base; };
#include <blocks/transport/device_tree.inc>
    EXPECT_EQ(slots.found, 1u);
    EXPECT_EQ(printed, std::vector<std::string>{"a device"});
    EXPECT_EQ(hosts.found, 1u);
    EXPECT_EQ(found_ecam, 0x30000000u);
}

}  // namespace
}  // namespace virtq::readme
