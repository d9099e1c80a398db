// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/pci_function.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Calls `each(id, offset)` for each capability of a function until it returns true. Returns the offset of that
/// capability, or 0 if there was none. Error: `pci_capability_list_broken` if the list points into the header or does
/// not end. Bounded: there is room for 48 capabilities.
template <PciConfigAccess Access, class Each>
[[__nodiscard__]] Result<uint16_t> find_capability(PciFunction<Access> const& function, Each each) {
    if ((function.read(spec::pci::status) & spec::pci::status_capabilities) == 0) {
        return uint16_t{0};
    }
    uint16_t offset = function.read(spec::pci::capabilities_pointer) & spec::pci::capability_pointer_mask;
    for (unsigned step = 0; step < spec::pci::capability_max; ++step) {
        if (offset == 0) {
            return uint16_t{0};
        }
        if (offset < spec::pci::header_bytes) {
            return Error::pci_capability_list_broken;
        }
        if (each(function.read8(offset), offset)) {
            return offset;
        }
        offset = function.read8(static_cast<uint16_t>(offset + spec::pci::capability_next)) &
                 spec::pci::capability_pointer_mask;
    }
    return offset == 0 ? Result<uint16_t>{uint16_t{0}} : Result<uint16_t>{Error::pci_capability_list_broken};
}

}  // namespace virtq::detail
