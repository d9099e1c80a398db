// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>
#include <virtq/base/detail/same_as.hpp>

#include <stdint.h>

/// A block of device registers. Registers are little-endian, the values here are native. `MmioSpace` is the one for
/// device memory; a simulated device has its own.
namespace virtq {

template <class Space>
concept RegisterSpace = requires(Space& space, uint16_t offset, uint8_t octet, uint16_t half_word, uint32_t word) {
    /// A default-constructed space refers to nothing: a transport holds one before its probe(). Copies refer to the
    /// same registers.
    Space{};
    Space(space);
    /// Each reads or writes once, in this width, `offset` bytes from the start of the block. A read is ordered before
    /// later reads of memory, a write after earlier stores to memory.
    { space.read8(offset) } -> detail::SameAs<uint8_t>;
    { space.read16(offset) } -> detail::SameAs<uint16_t>;
    { space.read32(offset) } -> detail::SameAs<uint32_t>;
    { space.write8(offset, octet) } -> detail::SameAs<void>;
    { space.write16(offset, half_word) } -> detail::SameAs<void>;
    { space.write32(offset, word) } -> detail::SameAs<void>;
};

/// What PCI needs in addition, because several structures may be in one BAR.
template <class Space>
concept DivisibleSpace = RegisterSpace<Space> && requires(Space const& space, uint32_t offset) {
    /// The registers from `offset` bytes on.
    { space.at(offset) } -> detail::SameAs<Space>;
};

/// Registers in I/O ports, for `AnyTransport` and `PciLegacyTransport`: `PortSpace`, or the kernel's own class.
///
/// ```text
/// class MyPorts {
/// public:
///     static constexpr bool is_port_space = true;
///     MyPorts() = default;
///     explicit MyPorts(uintptr_t base) : base_(static_cast<uint16_t>(base)) {}
///     uint8_t read8(uint16_t offset) { return kernel_in8(base_ + offset); }
///     …  // read16, read32, write8, write16, write32
///     MyPorts at(uint32_t offset) const { return MyPorts{base_ + offset}; }
/// private:
///     uint16_t base_ = 0;
/// };
/// ```
template <class Space>
concept PortRegisterSpace = DivisibleSpace<Space> && requires(uintptr_t base) {
    /// True: the library uses this space for BARs of I/O ports. Without the constant it takes the space for memory.
    requires Space::is_port_space;
    /// The registers from the port on that `DeviceMapper::map_device_ports` returned.
    Space{base};
};

namespace detail {

/// Whether the type is a `RegisterSpace`. If not, compilation fails with a sentence that says what is missing.
template <class Space>
[[__nodiscard__]] constexpr bool check_register_space() {
    static_assert(
        requires(Space & space) {
            Space{};
            Space(space);
        },
        "A register space must be made without arguments and be copied: see virtq/platform/register_space.hpp");
    static_assert(
        requires(Space & space, uint16_t offset) {
            { space.read8(offset) } -> SameAs<uint8_t>;
            { space.read16(offset) } -> SameAs<uint16_t>;
            { space.read32(offset) } -> SameAs<uint32_t>;
        },
        "This register space lacks one of `uint8_t read8(uint16_t offset)`, `uint16_t read16(uint16_t offset)` and "
        "`uint32_t read32(uint16_t offset)`: see virtq/platform/register_space.hpp");
    static_assert(
        requires(Space & space, uint16_t offset, uint8_t octet, uint16_t half_word, uint32_t word) {
            { space.write8(offset, octet) } -> SameAs<void>;
            { space.write16(offset, half_word) } -> SameAs<void>;
            { space.write32(offset, word) } -> SameAs<void>;
        },
        "This register space lacks one of `void write8(uint16_t offset, uint8_t)`, `void write16(uint16_t offset, "
        "uint16_t)` and `void write32(uint16_t offset, uint32_t)`: see virtq/platform/register_space.hpp");
    return RegisterSpace<Space>;
}

/// Whether the type is a `DivisibleSpace`. If not, compilation fails with a sentence that says what is missing.
template <class Space>
[[__nodiscard__]] constexpr bool check_divisible_space() {
    static_assert(
        requires(Space const& space, uint32_t offset) {
            { space.at(offset) } -> SameAs<Space>;
        },
        "A register space on PCI needs `Space at(uint32_t offset) const`, the registers from `offset` on: see "
        "virtq/platform/register_space.hpp");
    return check_register_space<Space>() && DivisibleSpace<Space>;
}

/// Whether the type is a `PortRegisterSpace`. If not, compilation fails with a sentence that says what is missing.
template <class Space>
[[__nodiscard__]] constexpr bool check_port_register_space() {
    static_assert(
        requires { requires Space::is_port_space; },
        "A register space of I/O ports needs `static constexpr bool is_port_space = true;`, or it is taken for "
        "memory: see virtq/platform/register_space.hpp");
    static_assert(
        requires(uintptr_t base) { Space{base}; },
        "A register space of I/O ports needs a constructor from `uintptr_t`, which map_device_ports() returns: see "
        "virtq/platform/register_space.hpp");
    return check_divisible_space<Space>() && PortRegisterSpace<Space>;
}

/// Whether the type can be the memory space of `AnyTransport`. If not, compilation fails with a sentence that explains
/// it.
template <class Space>
[[__nodiscard__]] constexpr bool check_mapped_space() {
    static_assert(
        !(requires { requires Space::is_port_space; }),
        "This register space is one of I/O ports (is_port_space), and one of memory belongs here. Give AnyTransport "
        "the memory first: AnyTransport<Memory, Ports>.");
    static_assert(
        requires(uintptr_t base) { Space{base}; },
        "A register space of mapped memory needs a constructor from `uintptr_t`, which map_device_memory() returns: "
        "see virtq/platform/register_space.hpp");
    return check_divisible_space<Space>();
}

}  // namespace detail

}  // namespace virtq
