// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_function.hpp>

#include <transport/config_bytes.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {

using namespace virtq::detail;

namespace {

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

TEST(PciFunction, AccessesItsOwnAddress) {
    ConfigBytes config = function_of(0x1af4, 0x1042);
    PciFunction<ConfigBytes> const function{config, {3, 4, 5}};
    EXPECT_EQ(function.address(), (PciAddress{3, 4, 5}));
    EXPECT_EQ(&function.access(), &config);
    EXPECT_EQ(function.read32(0), 0x1042'1af4u);
    EXPECT_EQ(function.read16(2), 0x1042);
    EXPECT_EQ(function.read8(1), 0x1a);
    EXPECT_EQ(function.read(spec::pci::device_id), 0x1042);
    function.write16(4, 0x0007);
    EXPECT_EQ(config.get(4, 2), 7u);
    function.write(spec::pci::command, std::uint16_t{6});
    EXPECT_EQ(config.get(4, 2), 6u);
    EXPECT_EQ(config.crooked + config.stray_writes, 0u);
}

TEST(PciFunction, ReadsTheInterruptLine) {
    ConfigBytes config = function_of(0x1af4, 0x1042);
    config.put(spec::pci::interrupt_pin.offset, 2, 1);
    config.put(spec::pci::interrupt_line.offset, 11, 1);
    PciLine const line = find_line(PciFunction<ConfigBytes>{config, {}});
    EXPECT_EQ(line.pin, 2);
    EXPECT_EQ(line.line, 11);
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
