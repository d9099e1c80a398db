// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// The interrupt line of a PCI function (PCI 6.2.4, Miscellaneous Registers).
struct PciLine {
    uint8_t pin = 0;   ///< 1 to 4: INTA# to INTD#; 0: it has none
    uint8_t line = 0;  ///< what firmware wrote there for the kernel: on a PC the input of its interrupt controllers
};

}  // namespace virtq
