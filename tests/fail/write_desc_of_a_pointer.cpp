// SPDX-License-Identifier: MIT
// EXPECT: PhysAddr is what the device sees: translate the pointer first \(virt_to_phys\)
#include <virtq/virtq.hpp>

void fill(virtq::VirtQueue<8>& queue, virtq::DescIndex desc, unsigned char const* buffer) {
    queue.write_desc(desc, buffer, 512, 0);
}
