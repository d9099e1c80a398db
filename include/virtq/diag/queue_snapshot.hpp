// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/page_allocator.hpp>
#include <virtq/queue/detail/packed/packed_position.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/fault.hpp>
#include <virtq/queue/index.hpp>
#include <virtq/queue/layout.hpp>
#include <virtq/spec/packed_ring.hpp>

#include <stdint.h>

namespace virtq {

/// The format of a queue's ring, also if it was negotiated.
enum class RingFormat : uint8_t { split_ring, packed_ring };

/// An event suppression structure (§2.8.14), as it was read.
struct RingEventWord {
    uint32_t word = 0;  ///< flags in the upper half, offset and wrap counter in the lower

    /// Which notifications the structure's writer wants (§2.8.10).
    [[__nodiscard__]] constexpr spec::RingEvent event() const {
        return static_cast<spec::RingEvent>(
            static_cast<uint16_t>(word >> spec::ring_event_flags_shift & spec::ring_event_flags_mask));
    }
    /// Offset and wrap counter, encoded as in `PackedPosition::word`.
    [[__nodiscard__]] constexpr uint16_t place() const { return static_cast<uint16_t>(word); }
};

/// The part of a snapshot that only a packed ring has.
struct PackedSnapshot {
    // What the driver knows.
    detail::PackedPosition next;       ///< after the last added descriptor
    detail::PackedPosition taken;      ///< where the device writes the next used descriptor
    uint16_t pending = 0;              ///< chains that were added and not published
    uint16_t pending_descriptors = 0;  ///< their descriptors
    uint16_t in_flight = 0;            ///< chains that were published and not taken
    uint16_t batch = 0;                ///< with IN_ORDER: how many of these the last used descriptor completes

    // Shared (§2.8).
    RingEventWord driver_event;  ///< written by the driver
    RingEventWord device_event;  ///< written by the device
    uint16_t flags = 0;          ///< of the descriptor at `taken`: written by the driver, then by the device

    /// Descriptors that were added and are not free again.
    [[__nodiscard__]] constexpr uint16_t span(uint16_t size) const {
        return static_cast<uint16_t>(next.offset() + (next.wrap() != taken.wrap() ? size : 0) - taken.offset());
    }
    /// §2.8.1: whether the device has used the descriptor at `taken`.
    [[__nodiscard__]] constexpr bool is_used() const {
        return (flags & detail::PackedPosition::both_flags) == taken.used_flags();
    }
};

/// The state of a queue at one moment: what the driver knows, and the single words in memory shared with the device.
/// Each shared word was read once. Plain numbers, small enough for a kernel's stack.
struct QueueSnapshot {
    RingFormat format = RingFormat::split_ring;  ///< which members below are valid

    // What the driver knows. All zero before `init`.
    uint16_t size = 0;              ///< 0: the queue has no memory
    uint16_t num_free = 0;          ///< descriptors that can be allocated; 0 if the queue is broken
    bool live = false;              ///< the device may write to the pages
    bool event_idx = false;         ///< EVENT_IDX is negotiated: the event words count, not the flags
    bool in_order = false;          ///< IN_ORDER is negotiated (§2.7.9, §2.8.8)
    bool notifications_on = false;  ///< used buffer notifications are enabled
    Fault fault;                    ///< why the queue is broken, if it is
    Pages pages;                    ///< of the ring
    Pages table_pages;              ///< of the indirect tables; may be left from an earlier `init`
    uint16_t table_length = 0;      ///< descriptors of an indirect table; 0: the queue has no tables
    QueueAddresses addresses;       ///< for comparison with the device's registers

    PackedSnapshot packed_ring;  ///< only of a packed ring; all that follows only of a split ring

    RingIndex added{};      ///< after the last added chain
    RingIndex published{};  ///< after the last published chain
    RingIndex decided{};    ///< after the last chain for which `publish` decided whether to notify
    RingIndex taken{};      ///< after the last completion that was taken

    // Shared, written by the driver (§2.7.6).
    uint16_t avail_flags = 0;  ///< 1: the driver wants no used buffer notifications (§2.7.7)
    RingIndex avail_idx{};     ///< where the driver puts the next chain
    RingIndex used_event{};    ///< with EVENT_IDX: the device notifies when it writes the used entry of this index

    // Shared, written by the device (§2.7.8).
    uint16_t used_flags = 0;  ///< 1: the device wants no available buffer notifications (§2.7.10)
    RingIndex used_idx{};     ///< where the device puts the next used chain
    RingIndex avail_event{};  ///< with EVENT_IDX: the driver notifies when it adds the chain of this index

    /// Tells whether to read `packed_ring` or the members of a split ring.
    [[__nodiscard__]] constexpr bool is_packed() const { return format == RingFormat::packed_ring; }

    /// Chains that were added and whose completions were not taken yet.
    [[__nodiscard__]] constexpr uint16_t outstanding() const {
        return is_packed() ? static_cast<uint16_t>(packed_ring.in_flight + packed_ring.pending)
                           : detail::distance(taken, added);
    }
    /// Outstanding chains that were published.
    [[__nodiscard__]] constexpr uint16_t offered() const {
        return is_packed() ? packed_ring.in_flight : detail::distance(taken, published);
    }
    /// Chains for which `publish` has not decided whether to notify.
    [[__nodiscard__]] constexpr uint16_t undecided() const {
        return is_packed() ? packed_ring.pending : detail::distance(decided, added);
    }
    /// Offered chains that the device has used. Of a split ring only valid if `is_used_idx_believable()`; of a packed
    /// ring a lower bound.
    [[__nodiscard__]] constexpr uint16_t answered() const {
        if (is_packed()) {
            return static_cast<uint16_t>(packed_ring.batch +
                                         (packed_ring.batch == 0 && packed_ring.is_used() ? 1 : 0));
        }
        return detail::distance(taken, used_idx);
    }
    /// False if a split ring's device claims to have used more chains than were offered (§2.7.8).
    [[__nodiscard__]] constexpr bool is_used_idx_believable() const { return is_packed() || answered() <= offered(); }
    /// Whether no completion was taken yet. The indices wrap, so this can also be true later.
    [[__nodiscard__]] constexpr bool is_first_time() const {
        return is_packed() ? packed_ring.taken.word() == detail::PackedPosition::start(0).word() : number(taken) == 0;
    }
};

}  // namespace virtq
