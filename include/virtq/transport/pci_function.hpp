// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/base/result.hpp>
#include <virtq/platform/detail/register_access.hpp>
#include <virtq/platform/pci_config_access.hpp>
#include <virtq/platform/register_space.hpp>
#include <virtq/spec/device_id.hpp>
#include <virtq/spec/pci.hpp>

#include <stdint.h>

namespace virtq {

/// The configuration space of one PCI function, as a register space. `access` must outlive it.
template <class Access>
class PciFunction {
    static_assert(detail::check_pci_config_access<Access>());

public:
    constexpr PciFunction() = default;
    /// Refers to the function at `address`. If there is none, everything reads as all ones.
    constexpr PciFunction(Access& access, PciAddress address) : access_(&access), address_(address) {}

    [[__nodiscard__]] PciAddress address() const { return address_; }  ///< where the function is
    [[__nodiscard__]] Access& access() const { return *access_; }      ///< the kernel's access

    /// Reads 8 bits, `offset` bytes into the configuration space.
    [[__nodiscard__]] uint8_t read8(uint16_t offset) const { return access_->read8(address_, offset); }
    /// Reads 16 bits; `offset` is a multiple of 2.
    [[__nodiscard__]] uint16_t read16(uint16_t offset) const { return access_->read16(address_, offset); }
    /// Reads 32 bits; `offset` is a multiple of 4.
    [[__nodiscard__]] uint32_t read32(uint16_t offset) const { return access_->read32(address_, offset); }
    /// Writes 8 bits, `offset` bytes into the configuration space.
    void write8(uint16_t offset, uint8_t value) const { access_->write8(address_, offset, value); }
    /// Writes 16 bits; `offset` is a multiple of 2.
    void write16(uint16_t offset, uint16_t value) const { access_->write16(address_, offset, value); }
    /// Writes 32 bits; `offset` is a multiple of 4.
    void write32(uint16_t offset, uint32_t value) const { access_->write32(address_, offset, value); }

    /// Reads a register of spec/pci.hpp, in the width of the register.
    template <class Word, detail::Access access>
    [[__nodiscard__]] Word read(detail::Register<Word, access> which) const {
        return platform::read_register(*this, which);
    }
    /// Writes a register of spec/pci.hpp, in the width of the register.
    template <class Word, detail::Access access>
    void write(detail::Register<Word, access> which, Word value) const {
        platform::write_register(*this, which, value);
    }

private:
    Access* access_ = nullptr;
    PciAddress address_;
};

namespace detail {

class PciKeptAccess;

/// Checks that the kernel's access reads the same bytes in each width. Through the ports 0xcf8 and 0xcfc, nearly every
/// faulty access loses the low bits of the offset, and still reads plausible values. The function must exist. Errors:
/// `pci_access_widths_differ`, `pci_function_absent` if the function was unplugged meanwhile.
template <PciConfigAccess Access>
[[__nodiscard__]] Error check_widths(PciFunction<Access> const& function) {
    uint32_t const ids_read = function.read(spec::pci::vendor_and_device);
    auto const vendor_read = static_cast<uint16_t>(ids_read);
    bool same = function.read(spec::pci::vendor_id) == vendor_read &&
                function.read(spec::pci::device_id) == static_cast<uint16_t>(ids_read >> 16);
    for (uint16_t offset = 0; offset < 4; ++offset) {
        same = same && function.read8(offset) == static_cast<uint8_t>(ids_read >> (8 * offset));
    }
    if (same) {
        return Error::none;
    }
    bool const exists = function.read(spec::pci::vendor_id) != spec::pci::vendor_absent;
    return exists ? Error::pci_access_widths_differ : Error::pci_function_absent;
}

/// Returns the VirtIO device type of a function, §4.1.2 (PCI Device Discovery). Errors: `pci_function_absent`,
/// `pci_vendor_zero` where there is no configuration space, `pci_access_widths_differ`, `not_virtio`.
///
/// There are two ranges of device IDs. From 0x1040 on, the ID contains the type. A transitional device has a lower ID,
/// and its subsystem device ID is the type. The table of lower IDs in the standard is not used: QEMU has transitional
/// devices that are not in it. The capabilities, not the ID, tell which interface a device has.
template <PciConfigAccess Access>
[[__nodiscard__]] Result<spec::DeviceId> identify_by_registers(PciFunction<Access> const& function) {
    bring_descriptions<ErrorGroup::pci>();
    uint16_t const vendor_read = function.read(spec::pci::vendor_id);
    if (vendor_read == spec::pci::vendor_absent) {
        return Error::pci_function_absent;
    }
    if (vendor_read == spec::pci::vendor_zero) {
        return Error::pci_vendor_zero;
    }
    if (Error const error = check_widths(function); error != Error::none) {
        return error;
    }
    uint16_t const device = function.read(spec::pci::device_id);
    uint8_t const header = function.read(spec::pci::header_type) & spec::pci::header_type_mask;
    if (vendor_read != spec::pci::vendor_virtio || device < spec::pci::device_transitional_first ||
        device > spec::pci::device_last || header != 0) {
        return Error::not_virtio;
    }
    uint32_t const type = device < spec::pci::device_modern_first ? function.read(spec::pci::subsystem_device_id)
                                                                  : uint32_t{device} - spec::pci::device_modern_first;
    return type == 0 ? Result<spec::DeviceId>{Error::not_virtio} : static_cast<spec::DeviceId>(type);
}

template <PciConfigAccess Access>
[[__nodiscard__]] Result<spec::DeviceId> identify(PciFunction<Access> const& function) {
    if constexpr (SameAs<Access, PciKeptAccess>) {
        return function.access().identify(function.address());
    } else {
        return identify_by_registers(function);
    }
}

/// The interrupt pin and line of this function, for INTx.
template <PciConfigAccess Access>
[[__nodiscard__]] PciLine find_line(PciFunction<Access> const& function) {
    return {function.read(spec::pci::interrupt_pin), function.read(spec::pci::interrupt_line)};
}

/// Enables decoding of the BARs (`spaces` are command bits), bus mastering (DMA) and INTx, which firmware may have
/// disabled. Firmware, and the examples of other kernels, leave one of the first two off. Error: `pci_command_refused`
/// if these two do not read back.
template <PciConfigAccess Access>
[[__nodiscard__]] Status enable_pci(PciFunction<Access> const& function, uint16_t spaces) {
    uint16_t const wanted = static_cast<uint16_t>(spaces | spec::pci::command_bus_master);
    uint16_t const before = function.read(spec::pci::command);
    function.write(spec::pci::command,
                   static_cast<uint16_t>((before | wanted) & ~spec::pci::command_interrupt_disable));
    uint16_t const after = function.read(spec::pci::command);
    return (after & wanted) == wanted ? Status{} : Status{Error::pci_command_refused};
}

}  // namespace detail

}  // namespace virtq
