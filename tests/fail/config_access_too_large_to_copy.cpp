// SPDX-License-Identifier: MIT
// EXPECT: `may_be_copied` must be trivially copyable, at most two pointers large, and aligned like a pointer: remove `may_be_copied`
#include <virtq/virtq.hpp>

struct Access {
    static constexpr bool may_be_copied = true;
    uint8_t read8(virtq::PciAddress, uint16_t) { return 0; }
    uint16_t read16(virtq::PciAddress, uint16_t) { return 0; }
    uint32_t read32(virtq::PciAddress, uint16_t) { return 0; }
    void write8(virtq::PciAddress, uint16_t, uint8_t) {}
    void write16(virtq::PciAddress, uint16_t, uint16_t) {}
    void write32(virtq::PciAddress, uint16_t, uint32_t) {}
    void* firmware[3] = {};
};

static virtq::AnyTransport<> transport;

struct Devices {
    uintptr_t map_device_memory(virtq::PhysAddr address, uint64_t) { return static_cast<uintptr_t>(address.value); }
    uintptr_t map_device_ports(uint32_t, uint32_t) { return 0; }
};

virtq::Status probe(virtq::PciFunction<Access> const& function, Devices& devices) {
    return transport.probe_pci(function, devices);
}
