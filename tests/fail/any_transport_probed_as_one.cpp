// SPDX-License-Identifier: MIT
// EXPECT: AnyTransport has no probe\(\): call probe_mmio\(space\), or probe_pci\(function, mapper, option\)
#include <virtq/virtq.hpp>

static virtq::AnyTransport<> transport;

virtq::Status find(uintptr_t registers) {
    return transport.probe(virtq::MmioSpace{registers});
}
