// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/description.hpp>

#include <stdint.h>

/// Why a queue is broken. The device violated the standard, and the queue keeps the first violation. Only a reset ends
/// that state.
namespace virtq {

/// Why a queue is broken; `describe` has a sentence for each reason. The numbers stay, as those of `Error`.
enum class FaultReason : uint8_t {
    none = 0,
    used_index_ahead = 1,
    used_id_out_of_range = 2,
    used_id_not_in_flight = 3,
    used_length_above_writable = 4,
    batch_not_reached = 5,
    drained = 6,
};

/// The reason why a queue is broken, with the value that the device wrote.
struct Fault {
    FaultReason reason = FaultReason::none;  ///< print it with `describe`; `none`: the queue is not broken
    uint32_t value = 0;                      ///< what the device wrote: an index, an id or a length

    /// Whether the queue is broken.
    [[__nodiscard__]] constexpr explicit operator bool() const { return reason != FaultReason::none; }
};

namespace detail {

[[__nodiscard__]] constexpr char const* fault_sentence(FaultReason reason) {
    switch (reason) {
        case FaultReason::none: return "The queue is sound.";
        case FaultReason::used_index_ahead:
            return "The device's used index counts more chains than are in flight (§2.7.8); the value is that index. "
                   "Reset the device. If this comes soon after a reset, it continues with its old state.";
        case FaultReason::used_id_out_of_range:
            return "The device used a descriptor number that is not below the queue size (§2.7.8); the value is that "
                   "number. Reset the device.";
        case FaultReason::used_id_not_in_flight:
            return "The device used a descriptor that is not the head of a chain in flight (used twice, never "
                   "offered, or in the middle of a chain, §2.7.8); the value is its number. Reset the device. If two "
                   "contexts called this queue at once (an interrupt handler and the main loop), serialise them.";
        case FaultReason::used_length_above_writable:
            return "The device reports more written bytes than the chain had writable (§2.7.8); the value is that "
                   "length. Reset the device. For one that is known to do so, give init() the option that clamps the "
                   "length.";
        case FaultReason::batch_not_reached:
            return "With IN_ORDER the device used a buffer that is not among the oldest in flight, as far as its "
                   "index or the ring reaches (§2.7.9, §2.8.8); the value is its number. Reset the device.";
        case FaultReason::drained:
            return "The queue was drained after a reset. Call restart(), and give its addresses to the device again.";
    }
    return nullptr;
}

}  // namespace detail

/// What the device did, as a sentence: a constant string without a line end. Print `Fault::value` with it.
[[__nodiscard__]] constexpr char const* describe(FaultReason reason) {
    return detail::description_of<detail::fault_sentence, 'F'>(reason);
}

}  // namespace virtq
