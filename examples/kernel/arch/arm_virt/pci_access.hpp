// SPDX-License-Identifier: MIT
#pragma once

#include "layout.hpp"

#include <virtq/platform/ecam_access.hpp>

namespace machine {

using PciAccess = virtq::EcamAccess;

[[nodiscard]] inline PciAccess pci_access() {
    return PciAccess{ecam_virt, 0, 255};
}

}  // namespace machine
