// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq::platform {

/// Whether the interrupt controllers of this architecture accept this message-signalled interrupt. x86 prescribes a
/// format. On other architectures any non-zero address is accepted: a message that has been filled in never targets
/// address 0.
[[__nodiscard__]] constexpr bool takes_msi_message(uint64_t address, [[__maybe_unused__]] uint32_t data) {
#if defined(__x86_64__) || defined(__i386__)
    // Intel SDM 3A, 11.11 (Message Signalled Interrupts). Vectors 0 to 31 are exceptions, and a local APIC rejects 0
    // to 15. Only the delivery modes fixed and lowest priority use the vector.
    constexpr uint32_t vector_first = 32;
    auto const low = static_cast<uint32_t>(address);
    bool const is_to_apic = (low >> 20) == 0xfee;
    bool const is_remapped = (low & 0x10) != 0;  // by an IOMMU: its table holds the vector
    bool const has_vector = (data >> 8 & 7) <= 1;
    return is_to_apic && (is_remapped || !has_vector || (data & 0xff) >= vector_first);
#else
    return address != 0;
#endif
}

}  // namespace virtq::platform
