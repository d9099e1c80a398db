// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// The buses to scan, both ends included: those of a host bridge. The description of its ECAM, or `bus-range` in the
/// device tree, names them. The bus behind a bridge can be scanned once firmware or `number_buses` has numbered it.
struct PciBusRange {
    uint8_t first = 0;  ///< number of the first bus
    uint8_t last = 0;   ///< number of the last bus
};

}  // namespace virtq
