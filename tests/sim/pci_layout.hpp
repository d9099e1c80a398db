// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <array>
#include <cstddef>
#include <vector>

#include <sim/pci_bar.hpp>
#include <sim/wire_pci.hpp>

/// What a virtio function on PCI looks like before a driver touches it: its BARs, what is in them, and the order of
/// its capabilities. Take one of the three layouts, and change what the test is about.
namespace virtq::sim {

/// Which of the two interfaces of §4.1 a device has.
enum class PciInterface : uint8_t { modern, transitional, legacy };

/// A virtio structure, or what a capability claims about one (§4.1.4).
struct PciStructure {
    uint8_t type = 0;  ///< wire::pci::common_cfg and so on
    uint8_t bar = 0;
    uint32_t offset = 0;
    uint32_t length = 0;
    uint8_t id = 0;
    uint8_t extra_bytes = 0;  ///< bytes of the capability after the required ones (§4.1.4.1)
    /// The length that the capability states instead of its true one; 0: the true one. Cloud Hypervisor stated 16 for
    /// the configuration window of 20 bytes (https://github.com/cloud-hypervisor/cloud-hypervisor/pull/8238).
    uint8_t stated_bytes = 0;
};

struct PciLayout {
    PciInterface interface = PciInterface::modern;
    size_t config_bytes = 256;  ///< 4096 with PCI Express
    std::array<PciBarLayout, wire::pci::bar_count> bars{};
    /// In the order of the capability list. A type may occur several times; the first is the preferred one.
    std::vector<PciStructure> structures;
    uint32_t notify_off_multiplier = 4;
    /// queue_notify_off of each queue; queues after the end use their index.
    std::vector<uint16_t> notify_off;
    unsigned legacy_bar = 0;
    uint16_t msix_vectors = 3;  ///< 0: no MSI-X capability
    uint8_t msix_bar = 1;
    uint32_t msix_table_offset = 0x000;
    uint32_t msix_pending_offset = 0x800;
    /// Other capabilities, as bytes (id, next, ...). They come before the virtio ones in the list.
    std::vector<std::vector<uint8_t>> other_capabilities{{wire::pci::capability_power, 0, 3, 0, 0, 0, 0, 0}};
    uint32_t class_code = 0x010000;  ///< base class, sub-class, interface
    uint8_t interrupt_pin = 1;       ///< INTA
    uint8_t interrupt_line = 11;

    [[nodiscard]] static PciLayout modern() {
        PciLayout layout;
        layout.bars[1] = {PciBarKind::memory32, 0x1000};
        layout.bars[4] = {PciBarKind::memory64, 0x4000, true};
        // The ISR status needs no alignment (§4.1.4.5), and the standard does not fix an order of the structures.
        layout.structures = {
            {wire::pci::notify_cfg, 4, 0x3000, 0x1000},
            {wire::pci::common_cfg, 4, 0x1040, wire::pci::common::bytes},
            {wire::pci::isr_cfg, 4, 0x0003, 1},
            {wire::pci::device_cfg, 4, 0x2000, 0x100},
            {wire::pci::pci_cfg, 0, 0, 0},
        };
        return layout;
    }
    /// §4.1.5.1.1.1: the legacy interface is in I/O space, in BAR0.
    [[nodiscard]] static PciLayout transitional() {
        PciLayout layout = modern();
        layout.interface = PciInterface::transitional;
        layout.bars[0] = {PciBarKind::io, 0x80};
        return layout;
    }
    [[nodiscard]] static PciLayout legacy() {
        PciLayout layout;
        layout.interface = PciInterface::legacy;
        layout.bars[0] = {PciBarKind::io, 0x80};
        layout.bars[1] = {PciBarKind::memory32, 0x1000};
        return layout;
    }

    /// The first structure of a type, added if the layout has none.
    [[nodiscard]] PciStructure& structure(uint8_t type) {
        for (auto& one : structures) {
            if (one.type == type) {
                return one;
            }
        }
        return structures.emplace_back(PciStructure{type, 0, 0, 0});
    }
};

}  // namespace virtq::sim
