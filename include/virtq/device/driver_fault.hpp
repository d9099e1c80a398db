// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/description.hpp>

#include <stdint.h>

/// What a device said that its type does not permit. The ring is sound, so this is no `Fault`. The driver ignores what
/// the device said, or ends one request with `answer_invalid`, and goes on.
namespace virtq {

/// What the device did wrong; `describe` has a sentence for each reason. The numbers stay, as those of `Error`.
enum class DriverReason : uint8_t {
    none = 0,
    entropy_empty = 1,
};

/// The first violation since `init` or `reset` that a driver found above the rings.
struct DriverFault {
    DriverReason reason = DriverReason::none;  ///< print it with `describe`; `none`: there was no violation
    uint16_t queue = 0;                        ///< the number of the queue
    uint32_t value = 0;                        ///< what the device wrote: a length, a number, a type

    /// Whether there was a violation.
    [[__nodiscard__]] constexpr explicit operator bool() const { return reason != DriverReason::none; }
};

namespace detail {

[[__nodiscard__]] constexpr char const* driver_fault_sentence(DriverReason reason) {
    switch (reason) {
        case DriverReason::none: return "The device did nothing that its type does not permit.";
        case DriverReason::entropy_empty:
            return "The device returned a buffer without a random byte (§5.4.6.2: it must write at least one). Try again; if "
                   "this repeats, the host's source of randomness has failed.";
    }
    return nullptr;
}

}  // namespace detail

/// What the device did, as a sentence: a constant string without a line end. Print `DriverFault::value` with it.
[[__nodiscard__]] constexpr char const* describe(DriverReason reason) {
    return detail::description_of<detail::driver_fault_sentence, 'D'>(reason);
}

}  // namespace virtq
