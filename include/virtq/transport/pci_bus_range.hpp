// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// Buses to look at, both ends included: those of a host bridge, which an ECAM's description or `bus-range` in the
/// device tree names. Devices behind a bridge are on a bus of their own, once firmware or `number_buses` has numbered
/// it.
struct PciBusRange {
    uint8_t first = 0;
    uint8_t last = 0;
};

}  // namespace virtq
