// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// The address and the data that a device writes to raise an interrupt. The kernel's interrupt controller defines
/// both. On x86 the address is 0xfee00000 | APIC ID << 12. The data is the CPU's vector, 32 to 255: an entry of the
/// IDT, not the number of an interrupt line.
struct MsiMessage {
    uint64_t address = 0;  ///< where the device writes
    uint32_t data = 0;     ///< what the device writes there
};

}  // namespace virtq
