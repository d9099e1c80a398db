// SPDX-License-Identifier: MIT
// EXPECT: This access to PCI configuration space lacks one of .*`uint16_t read16\(virtq::PciAddress
// EXPECT: virtq/platform/pci_config_access\.hpp
#include <virtq/virtq.hpp>

struct Access {
    uint8_t read8(virtq::PciAddress, uint16_t) { return 0; }
    uint32_t read32(virtq::PciAddress, uint16_t) { return 0; }
    void write8(virtq::PciAddress, uint16_t, uint8_t) {}
    void write16(virtq::PciAddress, uint16_t, uint16_t) {}
    void write32(virtq::PciAddress, uint16_t, uint32_t) {}
};

virtq::PciScan scan(Access& access) {
    return virtq::for_each_virtio_function(access, {0, 0}, [](auto, virtq::spec::DeviceId) {});
}
