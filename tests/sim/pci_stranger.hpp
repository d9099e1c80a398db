// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <sim/pci_config_registers.hpp>
#include <sim/pci_endpoint.hpp>
#include <sim/wire_pci.hpp>

/// A function that is not a virtio device: a host bridge, another maker's network card, a PCI bridge. It has only a
/// header, and counts the writes of a scan.
namespace virtq::sim {

class PciStranger final : public PciEndpoint {
public:
    explicit PciStranger(uint16_t vendor = 0x8086, uint16_t device = 0x1237, uint8_t header_type = 0) {
        registers_.poke(wire::pci::vendor_id, vendor, 2);
        registers_.poke(wire::pci::device_id, device, 2);
        registers_.poke(wire::pci::header_type, header_type, 1);
    }

    [[nodiscard]] uint32_t read_config(uint16_t offset, unsigned bytes) override {
        return registers_.read(offset, bytes);
    }
    void write_config(uint16_t offset, uint32_t value, unsigned bytes) override {
        ++writes_;
        registers_.write(offset, value, bytes);
    }
    void set_multifunction() override {
        uint32_t const type = registers_.peek(wire::pci::header_type, 1);
        registers_.poke(wire::pci::header_type, type | wire::pci::header_multifunction, 1);
    }

    [[nodiscard]] PciConfigRegisters& config() { return registers_; }
    [[nodiscard]] unsigned writes() const { return writes_; }

private:
    PciConfigRegisters registers_;
    unsigned writes_ = 0;
};

}  // namespace virtq::sim
