// SPDX-License-Identifier: MIT
#include <virtq/diag/pci_interrupt_state.hpp>

#include <transport/config_bytes.hpp>
#include <virtq/transport/pci_function.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

PciInterruptState state_of(ConfigBytes config) {
    auto const before = config.bytes;
    PciFunction<ConfigBytes> function{config, {}};
    PciInterruptState const seen = take_pci_interrupt_state(function);
    EXPECT_EQ(config.bytes, before);
    EXPECT_EQ(config.crooked, 0u);
    EXPECT_TRUE(seen.is_known);
    return seen;
}

/// A function with a capability list of a vendor's one at 0x50, and MSI-X at 0x70.
ConfigBytes with_msix(std::uint16_t control) {
    ConfigBytes config;
    config.put(spec::pci::status.offset, spec::pci::status_capabilities, 2);
    config.put(spec::pci::capabilities_pointer.offset, 0x50, 1);
    config.put(0x50, spec::pci::capability_vendor, 1);
    config.put(0x51, 0x70, 1);
    config.put(0x70, spec::pci::capability_msix, 1);
    config.put(0x72, control, 2);
    return config;
}

TEST(PciInterruptState, IsUnknownAtFirst) {
    EXPECT_FALSE(PciInterruptState{}.is_known);
}

TEST(PciInterruptState, ReadsTheCommand) {
    ConfigBytes config;
    config.put(spec::pci::command.offset, spec::pci::command_interrupt_disable, 2);
    EXPECT_EQ(state_of(config).command, 0x400);
    EXPECT_EQ(state_of(config).msix_control, 0);
}

TEST(PciInterruptState, FindsMsixInTheList) {
    EXPECT_EQ(state_of(with_msix(0xc003)).msix_control, 0xc003);
    ConfigBytes config = with_msix(0xc003);
    config.put(spec::pci::capabilities_pointer.offset, 0x53, 1);  // PCI 6.7: the low two bits are reserved
    EXPECT_EQ(state_of(config).msix_control, 0xc003);
}

TEST(PciInterruptState, NeedsTheListsBit) {
    ConfigBytes config = with_msix(0xc003);
    config.put(spec::pci::status.offset, 0, 2);
    EXPECT_EQ(state_of(config).msix_control, 0);
}

TEST(PciInterruptState, EndsInALoop) {
    ConfigBytes config = with_msix(0xc003);
    config.put(0x51, 0x50, 1);
    EXPECT_EQ(state_of(config).msix_control, 0);
    config.put(0x51, 0x04, 1);  // into the header
    EXPECT_EQ(state_of(config).msix_control, 0);
}

}  // namespace
}  // namespace virtq::test
