// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// The numbers of a queue that its users see. All fit 16 bits and must never be mixed, so each kind has its own type,
/// without arithmetic. `DescIndex` indexes arrays, so it has 32 bits: no instruction has to widen it.
namespace virtq {

/// A free-running ring index: counts every entry ever written, modulo 2^16 (§2.7.6, §2.7.8).
enum class RingIndex : uint16_t {};

/// The number of a descriptor in the descriptor table (§2.7.5).
enum class DescIndex : uint32_t {};

/// The plain number, for arithmetic modulo 2^16.
[[__nodiscard__]] constexpr uint16_t number(RingIndex index) {
    return static_cast<uint16_t>(index);
}
/// The plain number, for a field of the ring (§2.7.5).
[[__nodiscard__]] constexpr uint16_t number(DescIndex desc) {
    return static_cast<uint16_t>(desc);
}

}  // namespace virtq
