// SPDX-License-Identifier: MIT
// EXPECT: Registers are 8, 16 or 32 bits wide; a 64-bit value is two of them
#include <virtq/virtq.hpp>

void write(virtq::MmioSpace& space) {
    virtq::platform::write_register(space, virtq::detail::ReadWrite<uint64_t>{0}, uint64_t{1});
}
