// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/transport/pci_window.hpp>

namespace virtq {

/// What a kernel can give to the `probe` of a PCI transport.
struct PciProbeOption {
    PciWindow* memory = nullptr;  ///< for BARs of memory that no firmware has placed
    PciWindow* ports = nullptr;   ///< for those of I/O ports
};

}  // namespace virtq
