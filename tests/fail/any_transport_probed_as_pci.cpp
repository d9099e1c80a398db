// SPDX-License-Identifier: MIT
// EXPECT: AnyTransport has no probe\(\): call probe_mmio\(space\), or probe_pci\(function, mapper, option\)
#include <virtq/virtq.hpp>

struct Map {
    uintptr_t map_device_memory(virtq::PhysAddr phys, uint64_t) { return static_cast<uintptr_t>(phys.value); }
};

static virtq::AnyTransport<> transport;

virtq::Status find(virtq::PciFunction<virtq::EcamAccess> const& function, Map& map) {
    return transport.probe(function, map);
}
