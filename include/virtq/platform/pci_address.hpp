// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// Where a function is on its PCI segment.
struct PciAddress {
    uint8_t bus = 0;
    uint8_t device = 0;    ///< 0 to 31
    uint8_t function = 0;  ///< 0 to 7

    /// PCI 3.2.2.3.4: there are 32 devices a bus and 8 functions a device.
    [[__nodiscard__]] constexpr bool is_possible() const { return device < 32 && function < 8; }

    friend constexpr bool operator==(PciAddress, PciAddress) = default;
};

/// Bus, device and function as one number of 16 bits: the requester ID, and the frame number within an ECAM.
[[__nodiscard__]] constexpr uint32_t pci_frame(PciAddress address) {
    return (uint32_t{address.bus} << 8) | ((address.device & 0x1fu) << 3) | (address.function & 7u);
}

}  // namespace virtq
