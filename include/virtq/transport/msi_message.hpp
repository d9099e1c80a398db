// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// What a device writes, and where, to raise an interrupt: the kernel's interrupt controller says that. On x86 the
/// address is 0xfee00000 | APIC ID << 12, and the data the CPU's vector, 32 to 255: an entry of the IDT, not the
/// number of an interrupt line.
struct MsiMessage {
    uint64_t address = 0;
    uint32_t data = 0;
};

}  // namespace virtq
