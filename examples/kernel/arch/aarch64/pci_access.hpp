// SPDX-License-Identifier: MIT
#pragma once

#include "layout.hpp"

#include <virtq/platform/ecam_access.hpp>

namespace machine {

using PciAccess = virtq::EcamAccess;

/// QEMU has the configuration space here, unless it was told `highmem=off`.
[[nodiscard]] inline PciAccess pci_access() {
    return PciAccess{device_virt + 0x4010000000};
}

}  // namespace machine
