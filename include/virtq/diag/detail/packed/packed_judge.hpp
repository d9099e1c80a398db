// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/packed/packed_chain_check.hpp>
#include <virtq/diag/detail/packed/packed_inspector.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/layout.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The causes that are visible only in a packed ring.
template <uint32_t N>
class PackedJudge {
public:
    using Ring = PackedInspector<N>;

    PackedJudge(Diagnosis& diagnosis, Ring const& ring, DiagnoseOption const& option, Notifier)
        : diagnosis_(diagnosis), queue_(diagnosis.queue), ring_(ring), option_(option) {}

    void check_chains(ChainFindings& found) const { PackedChainCheck<N>{found, ring_, queue_, option_.ram}.check(); }

    /// Checks that what the driver wrote is still there.
    void judge_memory() {
        uint32_t const word = queue_.packed_ring.driver_event.word;
        uint32_t const expected = expected_event() << spec::ring_event_flags_shift;
        // Only the range of the event offset is checked: it may lag behind while completions are taken.
        bool const has_place = (word & ~uint32_t{spec::ring_wrap_bit} & UINT16_MAX) < queue_.size;
        if ((word & ~uint32_t{UINT16_MAX}) != expected || !has_place) {
            add(Cause::driver_event_overwritten, word, expected | (word & UINT16_MAX));
        }
        PackedLayout const layout{queue_.size};
        for (uint32_t offset = layout.total_bytes(); offset < layout.page_count() * page_bytes; offset += 2) {
            if (ring_.raw_word(offset) != 0) {
                return add(Cause::padding_overwritten, offset, layout.total_bytes());
            }
        }
    }

    /// A packed ring has no used index. But a device that requests a notification at an event offset has read up to
    /// there. If it has answered before and the offset is elsewhere, it was restarted.
    void judge_used_index() {
        bool const asks = queue_.packed_ring.device_event.event() == spec::RingEvent::desc;
        if (queue_.event_idx && asks && !queue_.is_first_time() && queue_.offered() != 0 && queue_.answered() == 0 &&
            !is_event_in_flight() && queue_.packed_ring.device_event.place() != end_of_published().word()) {
            add(Cause::used_index_restarted, queue_.packed_ring.device_event.place(), queue_.packed_ring.taken.word());
        }
    }

    /// §2.8.10: a device requests a notification at an event offset only with EVENT_IDX.
    void judge_event_idx() {
        if (!queue_.event_idx && queue_.packed_ring.device_event.event() == spec::RingEvent::desc) {
            add(Cause::device_uses_event_idx, queue_.packed_ring.device_event.place());
        }
    }
    void judge_event_idx_again() {}  // a device need not use an event offset

    /// Whether the device still waits for a notification. An event offset, with EVENT_IDX, shows how far the device
    /// has read. Otherwise it can only be inferred: a device that has answered before was notified before.
    [[__nodiscard__]] bool is_unheard() const {
        switch (queue_.packed_ring.device_event.event()) {
            case spec::RingEvent::disable: return false;
            case spec::RingEvent::desc: return is_event_in_flight();
            default: return queue_.is_first_time();
        }
    }

    /// Whether the device has certainly read all published chains. Only an event offset shows this.
    [[__nodiscard__]] bool is_heard() const {
        return queue_.packed_ring.device_event.event() == spec::RingEvent::desc && !is_event_in_flight();
    }

    /// After two laps the positions are those of the start again, but then the first descriptor is not zero.
    void judge_idle() {
        bool const is_untouched = queue_.is_first_time() && ring_.segment(0).addr.value == 0;
        add(is_untouched ? Cause::nothing_asked : Cause::nothing_in_flight);
    }

private:
    [[__nodiscard__]] uint32_t expected_event() const {
        spec::RingEvent const on = queue_.event_idx ? spec::RingEvent::desc : spec::RingEvent::enable;
        return static_cast<uint32_t>(queue_.notifications_on ? on : spec::RingEvent::disable);
    }
    /// Whether the descriptor at which the device wants a notification is among the published ones.
    [[__nodiscard__]] bool is_event_in_flight() const {
        return passes_event(queue_.packed_ring.device_event.place(), end_of_published(), published(), queue_.size);
    }
    [[__nodiscard__]] uint16_t published() const {
        return static_cast<uint16_t>(queue_.packed_ring.span(queue_.size) - queue_.packed_ring.pending_descriptors);
    }
    [[__nodiscard__]] PackedPosition end_of_published() const {
        PackedPosition end = queue_.packed_ring.taken;
        end.advance(published(), queue_.size);
        return end;
    }

    void add(Cause cause, uint64_t value = 0, uint64_t expected = 0) { diagnosis_.add({cause, 0, value, expected}); }

    Diagnosis& diagnosis_;
    QueueSnapshot const& queue_;
    Ring const& ring_;
    DiagnoseOption const& option_;
};

}  // namespace virtq::detail
