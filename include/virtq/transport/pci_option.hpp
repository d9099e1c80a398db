// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/transport/pci_window.hpp>

#include <stdint.h>

namespace virtq {

/// Whether `AnyTransport::probe_pci` may use a device's configuration space where no BAR can be used (§4.1.4.9). Each
/// access of a register is then several steps. So all calls of the transport and of its driver must be serialised,
/// `on_interrupt` included, and there is no MSI-X.
enum class PciConfigWindowUse : uint8_t {
    never,
    last_resort,  ///< after the modern and the legacy interface
};

/// What a kernel can give to the `probe` of a PCI transport.
struct PciProbeOption {
    PciWindow* memory = nullptr;  ///< for BARs of memory that no firmware has placed
    PciWindow* ports = nullptr;   ///< for those of I/O ports
    PciConfigWindowUse config_window = PciConfigWindowUse::never;
};

}  // namespace virtq
