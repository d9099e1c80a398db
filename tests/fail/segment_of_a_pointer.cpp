// SPDX-License-Identifier: MIT
// EXPECT: PhysAddr is what the device sees: translate the pointer first \(virt_to_phys\)
#include <virtq/virtq.hpp>

char buffer[512];
virtq::Segment segment{buffer, sizeof buffer};
