// SPDX-License-Identifier: MIT
// EXPECT: This device mapper has no public, non-const `uintptr_t map_device_memory
// EXPECT: virtq/platform/device_mapper\.hpp
#include <virtq/virtq.hpp>

struct Devices {
    uintptr_t map_device_ports(uint32_t port, uint32_t) { return port; }
};

static virtq::AnyTransport<> transport;

virtq::Status probe(virtq::PciFunction<virtq::EcamAccess> const& function, Devices& devices) {
    return transport.probe_pci(function, devices);
}
