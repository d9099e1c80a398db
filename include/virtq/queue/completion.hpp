// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>
#include <virtq/queue/token.hpp>

#include <stdint.h>

namespace virtq {

/// Whether a call found a completion. 32 bits wide, so that it shares one register with the length, without a gap.
enum class CompletionState : uint32_t {
    ready,   ///< a completion was taken
    none,    ///< no completion now; do not sleep on this alone, see enable_used_notifications()
    broken,  ///< no completion will come: the device misbehaved, see fault(), or the queue has no memory
};

/// What `take_used` returns: 16 bytes on a 64-bit target, so that it is returned in registers.
struct Completion {
    Token token;           ///< the chain's token, if `state` is `ready`
    uint32_t written = 0;  ///< bytes that the device wrote, from the start of the writable segments (§2.7.8)
    CompletionState state = CompletionState::none;  ///< `ready`: the other members are valid

    /// Whether a completion was taken, for `while (auto done = queue.take_used())`.
    [[__nodiscard__]] constexpr explicit operator bool() const { return state == CompletionState::ready; }
};
static_assert(sizeof(Completion) <= 16, "A Completion must be returned in two registers");

/// What `poll_used` returns: the head of a used chain. Its descriptors are the caller's until they are freed.
struct UsedChain {
    DescIndex head{};                     ///< the chain's first descriptor, for `free_chain` or another `push_avail`
    alignas(uintptr_t) uint32_t len = 0;  ///< bytes that the device wrote (§2.7.8); aligned to get its own register
    CompletionState state = CompletionState::none;  ///< `ready`: the other members are valid

    /// Whether a completion was taken, for `while (auto used = queue.poll_used())`.
    [[__nodiscard__]] constexpr explicit operator bool() const { return state == CompletionState::ready; }
};

/// Whether the caller may sleep, as `enable_used_notifications` returns it.
enum class MaySleep : uint8_t {
    yes,     ///< the caller may sleep: the device will notify
    no,      ///< a completion is waiting: take it before sleeping
    broken,  ///< neither take nor sleep: no completion will come, as with `CompletionState::broken`
};

/// What `publish` returns: whether the device wants an available buffer notification (§2.7.10). The queue knows no
/// bus, so it does not notify. The caller passes this to its transport, and may drop the queue's lock before.
struct [[__nodiscard__]] Notification {
    bool needed = false;  ///< the device asks for a notification: call the transport's `notify`
    /// What the transport sends with VIRTIO_F_NOTIFICATION_DATA (§2.9): where the next chain will be. For a split ring
    /// this is the available index; for a packed ring the offset, with the wrap counter in bit 15.
    uint16_t next = 0;

    /// Whether to notify, for `if (auto notification = queue.publish())`.
    [[__nodiscard__]] constexpr explicit operator bool() const { return needed; }
};

}  // namespace virtq
