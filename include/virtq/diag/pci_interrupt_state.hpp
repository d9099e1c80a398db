// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/register_access.hpp>
#include <virtq/platform/register_space.hpp>
#include <virtq/spec/pci.hpp>

#include <stdint.h>

namespace virtq {

/// How a PCI function may interrupt at this moment. Read from its configuration space, because no transport keeps it.
struct PciInterruptState {
    bool is_known = false;      ///< `command` and `msix_control` were read
    uint16_t command = 0;       ///< bit 10 disables the interrupt line
    uint16_t msix_control = 0;  ///< 0: MSI-X is off, or absent
};

namespace detail {

/// Offset of the MSI-X capability; 0 if there is none. Ends also if the list is circular.
template <RegisterSpace Function>
[[__nodiscard__]] uint16_t find_msix(Function& function) {
    if ((platform::read_register(function, spec::pci::status) & spec::pci::status_capabilities) == 0) {
        return 0;
    }
    uint16_t offset = platform::read_register(function, spec::pci::capabilities_pointer);
    for (unsigned step = 0; step < spec::pci::capability_max && offset >= spec::pci::header_bytes; ++step) {
        offset &= spec::pci::capability_pointer_mask;
        if (function.read8(offset) == spec::pci::capability_msix) {
            return offset;
        }
        offset = function.read8(static_cast<uint16_t>(offset + spec::pci::capability_next));
    }
    return 0;
}

}  // namespace detail

/// Reads the state for `DiagnoseOption::pci` from a function (`PciFunction`). Changes nothing.
template <RegisterSpace Function>
[[__nodiscard__]] PciInterruptState take_pci_interrupt_state(Function& function) {
    PciInterruptState seen;
    seen.is_known = true;
    seen.command = platform::read_register(function, spec::pci::command);
    if (uint16_t const msix = detail::find_msix(function); msix != 0) {
        seen.msix_control = function.read16(static_cast<uint16_t>(msix + spec::pci::msix::control));
    }
    return seen;
}

}  // namespace virtq
