// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>
#include <virtq/queue/token.hpp>

#include <stdint.h>

namespace virtq {

/// What a look for a completion found.
/// As wide as the length beside it, so that the two make one register without a gap.
enum class CompletionState : uint32_t {
    ready,   ///< here it is
    none,    ///< nothing at this moment; this does not permit to sleep, see enable_used_notifications()
    broken,  ///< nothing will come: the device misbehaved, see fault(), or the queue has no memory
};

/// What `take_used` returns: 16 bytes on a 64-bit target, so that it travels in registers.
struct Completion {
    Token token;           ///< the caller's, when `state` is `ready`
    uint32_t written = 0;  ///< bytes that the device wrote, from the start of the writable segments (§2.7.8)
    CompletionState state = CompletionState::none;

    [[__nodiscard__]] constexpr explicit operator bool() const { return state == CompletionState::ready; }
};
static_assert(sizeof(Completion) <= 16, "A Completion must be returned in two registers");

/// What `poll_used` returns: the head of the chain, whose descriptors stay the caller's.
struct UsedChain {
    DescIndex head{};
    alignas(uintptr_t) uint32_t len = 0;  ///< bytes that the device wrote (§2.7.8); in a register of its own
    CompletionState state = CompletionState::none;

    [[__nodiscard__]] constexpr explicit operator bool() const { return state == CompletionState::ready; }
};

/// The answer of `enable_used_notifications`.
enum class MaySleep : uint8_t {
    yes,     ///< the caller may sleep: the device will notify
    no,      ///< take it before sleeping
    broken,  ///< neither take nor sleep: nothing will come, as with `CompletionState::broken`
};

/// What publishing decided: whether the device wants an available buffer notification (§2.7.10). The queue knows
/// no bus: device code hands the decision to its transport, outside the queue's lock if it likes.
struct [[__nodiscard__]] Notification {
    bool needed = false;
    /// Where the driver goes on, for a transport with VIRTIO_F_NOTIFICATION_DATA (§2.9): the available index, or of a
    /// packed ring the offset with the wrap counter in bit 15.
    uint16_t next = 0;

    [[__nodiscard__]] constexpr explicit operator bool() const { return needed; }
};

}  // namespace virtq
