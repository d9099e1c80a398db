// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/pci_config_access.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/pci_function.hpp>

#include <stdint.h>

/// Detects aliased functions: several addresses reach one function, because the kernel's configuration access ignores
/// a part of the address.
namespace virtq::detail {

/// Whether two headers are equal, apart from command and status, which change.
template <PciConfigAccess Access>
[[__nodiscard__]] bool is_same_header(PciFunction<Access> const& one, PciFunction<Access> const& other) {
    for (uint16_t offset = 0; offset < spec::pci::header_bytes; offset = static_cast<uint16_t>(offset + 4)) {
        if (offset != spec::pci::command.offset && one.read32(offset) != other.read32(offset)) {
            return false;
        }
    }
    return true;
}

/// Whether at least one BAR has an address. No other function can have the same address.
template <PciConfigAccess Access>
[[__nodiscard__]] bool is_placed(PciFunction<Access> const& function) {
    for (uint16_t index = 0; index < spec::pci::bar_count; ++index) {
        auto const offset = static_cast<uint16_t>(spec::pci::bar_first + spec::pci::bar_bytes * index);
        if ((function.read32(offset) & ~spec::pci::bar_memory_flags) != 0) {
            return true;
        }
    }
    return false;
}

/// Whether every device number on the bus answers like `first`, an existing device 0. Stops at the first difference.
template <PciConfigAccess Access>
[[__nodiscard__]] bool devices_echo(Access& access, PciFunction<Access> const& first) {
    PciAddress address = first.address();
    for (address.device = 1; address.device < spec::pci::devices; ++address.device) {
        if (!is_same_header(first, PciFunction<Access>{access, address})) {
            return false;
        }
    }
    return true;
}

/// Whether every function of a device answers like `first`, which is function 0. False if no BAR has an address: eight
/// equal functions may then be real.
template <PciConfigAccess Access>
[[__nodiscard__]] bool functions_echo(Access& access, PciFunction<Access> const& first) {
    if (!is_placed(first)) {
        return false;
    }
    PciAddress address = first.address();
    for (address.function = 1; address.function < spec::pci::functions; ++address.function) {
        if (!is_same_header(first, PciFunction<Access>{access, address})) {
            return false;
        }
    }
    return true;
}

}  // namespace virtq::detail
