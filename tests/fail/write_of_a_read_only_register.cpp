// SPDX-License-Identifier: MIT
// EXPECT: This register is read-only \(virtq::ReadOnly\)
#include <virtq/virtq.hpp>

void write(virtq::MmioSpace& space) {
    virtq::platform::write_register(space, virtq::ReadOnly<uint32_t>{0}, uint32_t{1});
}
