// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/port_config_access.hpp>

namespace machine {

using PciAccess = virtq::PortConfigAccess;

inline PciAccess pci_access() {
    return {};
}

}  // namespace machine
