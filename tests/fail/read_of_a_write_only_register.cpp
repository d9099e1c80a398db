// SPDX-License-Identifier: MIT
// EXPECT: This register is write-only \(virtq::detail::WriteOnly\)
#include <virtq/virtq.hpp>

uint32_t read(virtq::MmioSpace& space) {
    return virtq::platform::read_register(space, virtq::detail::WriteOnly<uint32_t>{0x50});
}
