// SPDX-License-Identifier: MIT
// EXPECT: This device mapper has no public, non-const `uintptr_t map_device_ports
// EXPECT: without I/O ports it returns 0
#include <virtq/virtq.hpp>

struct Devices {
    uintptr_t map_device_memory(virtq::PhysAddr address, uint64_t) { return static_cast<uintptr_t>(address.value); }
};

static virtq::PciModernTransport<> transport;

virtq::Status probe(virtq::PciFunction<virtq::EcamAccess> const& function, Devices& devices) {
    return transport.probe(function, devices);
}
