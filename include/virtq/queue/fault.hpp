// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// Why a queue is broken. The device violated the standard, and the queue keeps the first violation. Only a reset ends
/// that state.
namespace virtq {

/// Why a queue is broken; `describe` has a sentence for each reason.
enum class FaultReason : uint8_t {
    none,
    used_index_ahead,
    used_id_out_of_range,
    used_id_not_in_flight,
    used_length_above_writable,
    batch_not_reached,
    drained,
};

/// The reason why a queue is broken, with the value that the device wrote.
struct Fault {
    FaultReason reason = FaultReason::none;  ///< print it with `describe`; `none`: the queue is not broken
    uint32_t value = 0;                      ///< what the device wrote: an index, an id or a length

    /// Whether the queue is broken.
    [[__nodiscard__]] constexpr explicit operator bool() const { return reason != FaultReason::none; }
};

/// What the device did, as a sentence: a constant string without a line end. Print `Fault::value` with it.
[[__nodiscard__]] constexpr char const* describe(FaultReason reason) {
    switch (reason) {
        case FaultReason::none: return "The queue is sound.";
        case FaultReason::used_index_ahead:
            return "The device's used index says that more chains were used than are in flight (§2.7.8): the value "
                   "is that index. Soon after a reset: the device goes on with what it had before.";
        case FaultReason::used_id_out_of_range:
            return "The device used a descriptor number that is not below the queue size (§2.7.8): the value is that "
                   "number.";
        case FaultReason::used_id_not_in_flight:
            return "The device used a descriptor that is not the head of a chain in flight (used twice, never "
                   "offered, or in the middle of a chain, §2.7.8): the value is its number. Or two contexts called "
                   "this queue at once (an interrupt handler and the main loop): serialise them.";
        case FaultReason::used_length_above_writable:
            return "The device says that it wrote more bytes than the chain had writable (§2.7.8): the value is that "
                   "length. For a device that is known to do so, init() has an option that cuts it instead.";
        case FaultReason::batch_not_reached:
            return "With IN_ORDER the device used a buffer that is not among the oldest in flight, as far as its "
                   "index or the ring says (§2.7.9, §2.8.8): the value is its number.";
        case FaultReason::drained:
            return "The queue was drained after a reset: call restart(), and give its addresses to the device again.";
    }
    return "An unknown reason.";
}

}  // namespace virtq
