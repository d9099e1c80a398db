// SPDX-License-Identifier: MIT
// EXPECT: for_each_mmio_slot\(\) calls each\(virtq::MmioSlot const&\)
#include <virtq/virtq.hpp>

void probe(uintptr_t registers);

void find() {
    (void)virtq::for_each_mmio_slot(virtq::KernelCommandLine{"virtio_mmio.device=512@0x1000:5"}, probe);
}
