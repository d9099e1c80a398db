// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/page_allocator.hpp>
#include <virtq/queue/fault.hpp>
#include <virtq/queue/index.hpp>
#include <virtq/queue/layout.hpp>

#include <stdint.h>

namespace virtq {

/// All single words of a split queue at one moment: what the driver knows, and beside it what stands in the memory
/// that it shares with the device. Each shared word was read once. Plain numbers, small enough for a kernel's stack.
struct QueueSnapshot {
    // What the driver knows. All zero before `init`.
    uint16_t size = 0;  ///< 0: the queue has no memory
    uint16_t num_free = 0;
    bool live = false;  ///< the device may write to the pages
    bool event_idx = false;
    bool notifications_on = false;  ///< of used buffers
    Fault fault;
    Pages pages;
    QueueAddresses addresses;
    RingIndex added{};      ///< behind the last chain that was added
    RingIndex published{};  ///< behind the last chain that the device was told of
    RingIndex decided{};    ///< behind the last chain for which `publish` decided whether to notify
    RingIndex taken{};      ///< behind the last completion that was taken

    // Shared, written by the driver (§2.7.6).
    uint16_t avail_flags = 0;
    RingIndex avail_idx{};
    RingIndex used_event{};

    // Shared, written by the device (§2.7.8).
    uint16_t used_flags = 0;
    RingIndex used_idx{};
    RingIndex avail_event{};

    /// Chains added whose completions were not taken yet.
    [[nodiscard]] constexpr uint16_t outstanding() const { return distance(taken, added); }
    /// Of these, the ones that the device was told of.
    [[nodiscard]] constexpr uint16_t offered() const { return distance(taken, published); }
    /// Of these, the ones that the device has used, if its index can be believed.
    [[nodiscard]] constexpr uint16_t answered() const { return distance(taken, used_idx); }
    [[nodiscard]] constexpr bool is_used_idx_believable() const { return answered() <= offered(); }
};

}  // namespace virtq
