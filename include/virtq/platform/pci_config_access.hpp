// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>

#include <stdint.h>

/// Access to PCI configuration space, which the kernel provides. `EcamAccess` and `PortConfigAccess` are ready-made.
namespace virtq {

/// The address of a function on its PCI segment. Aligned as a word, so that compilers pass it in one piece.
struct alignas(4) PciAddress {
    uint8_t bus = 0;       ///< 0 to 255
    uint8_t device = 0;    ///< 0 to 31
    uint8_t function = 0;  ///< 0 to 7

    /// Whether the numbers are in range. PCI 3.2.2.3.4: 32 devices a bus, 8 functions a device.
    [[__nodiscard__]] constexpr bool is_possible() const { return device < 32 && function < 8; }

    /// Whether both name the same function of a segment.
    friend constexpr bool operator==(PciAddress, PciAddress) = default;
};

/// Bus, device and function as one 16-bit number: the requester ID, and the frame number within an ECAM.
[[__nodiscard__]] constexpr uint32_t pci_frame(PciAddress address) {
    return (uint32_t{address.bus} << 8) | ((address.device & 0x1fu) << 3) | (address.function & 7u);
}

/// The interrupt line of a PCI function (PCI 6.2.4, Miscellaneous Registers).
struct PciLine {
    uint8_t pin = 0;   ///< 1 to 4: INTA# to INTD#; 0: none
    uint8_t line = 0;  ///< what firmware wrote for the kernel: on a PC the interrupt controller's input
};

/// The kernel's access to PCI configuration space, 256 bytes a function or more. The library calls it at probe time,
/// in the caller's context. A transport that uses `PciConfigWindow` calls it in all of its own calls. If an access
/// takes two steps, as with ports, the kernel must keep others out between them.
///
/// ```text
/// struct FirmwareAccess {
///     uint8_t read8(virtq::PciAddress at, uint16_t offset) { return firmware_pci_read(at.bus, at.device, …, 1); }
///     …  // read16, read32
///     void write8(virtq::PciAddress at, uint16_t offset, uint8_t value) { firmware_pci_write(…, value, 1); }
///     …  // write16, write32
/// };
/// ```
///
/// Optional: `static constexpr bool may_be_copied = true;` declares that a copy works as well as the original. Then
/// `AnyTransport` keeps a copy, and the original need not outlive the probe. Such a class must be trivially copyable,
/// at most two pointers large, and aligned like a pointer or less; otherwise the probe does not compile.
template <class A>
concept PciConfigAccess = requires(A& access, PciAddress address, uint16_t offset, uint8_t octet, uint16_t half_word,
                                   uint32_t word) {
    /// Each reads once, in this width, at `offset`, which is a multiple of it. Configuration space is little-endian,
    /// the result native. A function that does not exist reads as all ones.
    { access.read8(address, offset) } -> detail::SameAs<uint8_t>;
    { access.read16(address, offset) } -> detail::SameAs<uint16_t>;
    { access.read32(address, offset) } -> detail::SameAs<uint32_t>;
    /// Each writes once, in this width. A write to a function that does not exist does nothing.
    { access.write8(address, offset, octet) } -> detail::SameAs<void>;
    { access.write16(address, offset, half_word) } -> detail::SameAs<void>;
    { access.write32(address, offset, word) } -> detail::SameAs<void>;
};

namespace detail {

/// Whether the type is a `PciConfigAccess`. If not, compilation fails with a sentence that says what is missing.
template <class A>
[[__nodiscard__]] constexpr bool check_pci_config_access() {
    static_assert(
        requires(A & access, PciAddress address, uint16_t offset) {
            { access.read8(address, offset) } -> SameAs<uint8_t>;
            { access.read16(address, offset) } -> SameAs<uint16_t>;
            { access.read32(address, offset) } -> SameAs<uint32_t>;
        },
        "This access to PCI configuration space lacks one of `uint8_t read8(virtq::PciAddress, uint16_t offset)`, "
        "`uint16_t read16(virtq::PciAddress, uint16_t offset)` and `uint32_t read32(virtq::PciAddress, uint16_t "
        "offset)`: see virtq/platform/pci_config_access.hpp");
    static_assert(
        requires(A & access, PciAddress address, uint16_t offset, uint8_t octet, uint16_t half_word, uint32_t word) {
            { access.write8(address, offset, octet) } -> SameAs<void>;
            { access.write16(address, offset, half_word) } -> SameAs<void>;
            { access.write32(address, offset, word) } -> SameAs<void>;
        },
        "This access to PCI configuration space lacks one of `void write8(virtq::PciAddress, uint16_t offset, "
        "uint8_t)`, `void write16(virtq::PciAddress, uint16_t offset, uint16_t)` and `void write32(virtq::PciAddress, "
        "uint16_t offset, uint32_t)`: see virtq/platform/pci_config_access.hpp");
    return PciConfigAccess<A>;
}

}  // namespace detail

}  // namespace virtq
