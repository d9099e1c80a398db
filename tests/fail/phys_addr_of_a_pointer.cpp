// SPDX-License-Identifier: MIT
// EXPECT: PhysAddr is what the device sees: translate the pointer first \(virt_to_phys\)
#include <virtq/virtq.hpp>

virtq::PhysAddr translate(void* pointer) {
    return virtq::PhysAddr{pointer};
}
