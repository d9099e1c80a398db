// SPDX-License-Identifier: MIT
// EXPECT: Registers are 8, 16 or 32 bits wide; a 64-bit value is two of them
#include <virtq/virtq.hpp>

uint64_t read(virtq::MmioSpace& space) {
    return virtq::platform::read_register(space, virtq::detail::ReadOnly<uint64_t>{0});
}
