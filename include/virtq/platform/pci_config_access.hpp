// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/same_as.hpp>
#include <virtq/platform/pci_address.hpp>

#include <stdint.h>

/// The way to PCI configuration space, which a kernel brings: `EcamAccess` and `PortConfigAccess` are two that it need
/// not write.
namespace virtq {

template <class A>
concept PciConfigAccess = requires(A& access, PciAddress address, uint16_t offset, uint8_t octet, uint16_t half_word,
                                   uint32_t word) {
    /// One access each, little-endian on the device's side and native on ours, `offset` aligned to its width. A
    /// function that is not there reads as all ones. Called at probe time, in the caller's context; if it takes two
    /// steps, as ports do, it is the kernel that keeps others out meanwhile.
    { access.read8(address, offset) } -> SameAs<uint8_t>;
    { access.read16(address, offset) } -> SameAs<uint16_t>;
    { access.read32(address, offset) } -> SameAs<uint32_t>;
    { access.write8(address, offset, octet) } -> SameAs<void>;
    { access.write16(address, offset, half_word) } -> SameAs<void>;
    { access.write32(address, offset, word) } -> SameAs<void>;
};

}  // namespace virtq
