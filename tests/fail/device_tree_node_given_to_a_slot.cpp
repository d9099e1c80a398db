// SPDX-License-Identifier: MIT
// EXPECT: for_each_compatible\(\) calls each\(virtq::DeviceTreeCursor const&\)
#include <virtq/virtq.hpp>

void find(virtq::DeviceTree const& tree) {
    (void)virtq::for_each_compatible(tree, "virtio,mmio", [](virtq::MmioSlot const&) {});
}
