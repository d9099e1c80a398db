// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/driver_types.hpp>
#include <virtq/spec/balloon.hpp>

#include <stdint.h>

/// The statistics and options of `BalloonDevice`.
namespace virtq {

/// Compile-time options of `BalloonDevice`. Derive from them and change what differs.
struct BalloonTraits : DriverTraits {
    static constexpr uint32_t pages_at_once = 256;  ///< most pages in a request: 4 bytes each, for each descriptor
};

/// Most statistics in an answer.
inline constexpr uint32_t balloon_stats_max = 12;

/// A statistic of the guest (§5.5.6.4).
struct BalloonStat {
    spec::balloon::StatTag tag = spec::balloon::StatTag::swap_in;  ///< which one
    uint64_t value = 0;                                            ///< in bytes, or a count
};

}  // namespace virtq
