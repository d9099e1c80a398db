// SPDX-License-Identifier: MIT
// EXPECT: calls uint32_t interrupt_of\(virtq::DeviceTreeProperty\)
#include <virtq/virtq.hpp>

void find(virtq::DeviceTree const& tree) {
    (void)virtq::for_each_mmio_slot(tree, 32, [](virtq::MmioSlot const&) {});
}
