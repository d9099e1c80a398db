// SPDX-License-Identifier: MIT
// EXPECT: This register is read-only \(virtq::detail::ReadOnly\)
#include <virtq/virtq.hpp>

void write(virtq::MmioSpace& space) {
    virtq::platform::write_register(space, virtq::detail::ReadOnly<uint32_t>{0}, uint32_t{1});
}
