// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq::platform {

/// Whether the interrupt controllers of this architecture take a message-signalled interrupt of this form. Where
/// nothing is known of them: every one with an address, since none that somebody has filled in is to address 0.
[[__nodiscard__]] constexpr bool takes_msi_message(uint64_t address, [[__maybe_unused__]] uint32_t data) {
#if defined(__x86_64__) || defined(__i386__)
    // Intel SDM 3A, 11.11 (Message Signalled Interrupts). Vectors 0 to 31 are exceptions, and a local APIC refuses 0
    // to 15; of other delivery modes than fixed and lowest priority, the vector is ignored.
    constexpr uint32_t vector_first = 32;
    auto const low = static_cast<uint32_t>(address);
    bool const is_to_apic = (low >> 20) == 0xfee;
    bool const is_remapped = (low & 0x10) != 0;  // by an IOMMU, whose table has the vector
    bool const has_vector = (data >> 8 & 7) <= 1;
    return is_to_apic && (is_remapped || !has_vector || (data & 0xff) >= vector_first);
#else
    return address != 0;
#endif
}

}  // namespace virtq::platform
