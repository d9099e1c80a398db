// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/last_chain.hpp>
#include <virtq/diag/detail/split/split_chain_check.hpp>
#include <virtq/diag/detail/split/split_inspector.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The causes that are visible only in a split ring.
template <class Inspector>
class SplitJudge {
public:
    using Ring = Inspector;

    SplitJudge(Diagnosis& diagnosis, Ring const& ring, DiagnoseOption const& option, Notifier notifier)
        : diagnosis_(diagnosis), queue_(diagnosis.queue), ring_(ring), option_(option), notifier_(notifier) {}

    void check_chains(ChainFindings& found) const { SplitChainCheck<Ring>{found, ring_, queue_, option_.ram}.check(); }

    /// Checks that what the driver wrote is still there.
    void judge_memory() {
        if (looks_swapped()) {
            add(Cause::rings_swapped);
        }
        if (queue_.avail_idx != queue_.published) {
            add(Cause::avail_index_overwritten, number(queue_.avail_idx), number(queue_.published));
        }
        if (uint16_t const flags = expected_avail_flags(); queue_.avail_flags != flags) {
            add(Cause::avail_flags_overwritten, queue_.avail_flags, flags);
        }
        for (RingIndex index = queue_.taken; index != queue_.added; index = advance(index)) {
            if (uint16_t const head = ring_.avail_entry(index); head >= queue_.size) {
                add(Cause::avail_entry_overwritten, head);
                break;
            }
        }
        SplitLayout const layout{queue_.size};
        judge_padding(layout.available_ring_offset() + layout.available_ring_bytes(), layout.used_ring_offset());
        judge_padding(layout.total_bytes(), layout.page_count() * page_bytes);
    }

    void judge_used_index() {
        if (queue_.fault) {
            judge_used_index(static_cast<RingIndex>(static_cast<uint16_t>(queue_.fault.value)));
        } else if (!queue_.is_used_idx_believable()) {
            judge_used_index(queue_.used_idx);
        }
    }

    /// Without EVENT_IDX no device writes avail_event.
    void judge_event_idx() {
        if (!queue_.event_idx && number(queue_.avail_event) != 0) {
            add(Cause::device_uses_event_idx, number(queue_.avail_event));
        }
    }
    /// A device updates avail_event for each chain that it takes (§2.7.10).
    void judge_event_idx_again() {
        if (queue_.event_idx && !queue_.is_first_time() && number(queue_.avail_event) == 0) {
            add(Cause::event_idx_not_accepted);
        }
    }

    /// Whether the device still waits for a notification. With EVENT_IDX avail_event shows how far the device has
    /// read. With flags it can only be inferred: a device that has answered before was notified before.
    [[__nodiscard__]] bool is_unheard() const {
        if (queue_.event_idx) {
            return passes_event(queue_.avail_event, queue_.taken, queue_.published);
        }
        auto const no_notify = static_cast<uint16_t>(spec::UsedFlag::no_notify);
        return queue_.is_first_time() && (queue_.used_flags & no_notify) == 0;
    }

    /// Whether the device has certainly read all published chains. Only an event index shows this.
    [[__nodiscard__]] bool is_heard() const { return queue_.event_idx && !is_unheard(); }

    /// Nothing is in flight: checks whether the last request was valid.
    void judge_idle() {
        LastChain<Ring> const last{ring_, queue_, option_.ram};
        bool const is_block = diagnosis_.device.device_id == spec::DeviceId::block;
        bool const is_request = is_block && last.is_known() && !last.shape().has_table();
        diagnosis_.add(last.bad_address());
        if (is_request) {
            diagnosis_.add(found(judge_block_chain(last.shape()), last.shape()));
        }
        if (diagnosis_.findings().empty()) {
            Cause const cause = queue_.is_first_time() ? Cause::nothing_asked : Cause::nothing_in_flight;
            diagnosis_.add(is_request ? found(cause, last.shape()) : Finding{cause});
            if (option_.symptom != Symptom::none && !names_memory(option_.ram)) {
                diagnosis_.add(last.low_address());
            }
        }
    }

private:
    /// A device that takes the available ring for the used ring clears or sets NO_NOTIFY there, and finds the other
    /// ring empty. A driver of the library cannot swap them.
    [[__nodiscard__]] bool looks_swapped() const {
        constexpr auto no_notify = static_cast<uint16_t>(spec::UsedFlag::no_notify);
        return notifier_ == Notifier::caller && (queue_.avail_flags ^ expected_avail_flags()) == no_notify &&
               queue_.avail_idx == queue_.published && number(queue_.taken) == 0 && number(queue_.used_idx) == 0 &&
               queue_.offered() != 0;
    }
    [[__nodiscard__]] uint16_t expected_avail_flags() const {
        constexpr auto no_interrupt = static_cast<uint16_t>(spec::AvailFlag::no_interrupt);
        return queue_.event_idx || queue_.notifications_on ? uint16_t{0} : no_interrupt;
    }

    /// Checks that the padding, less than a page, is still zero as `init` left it.
    void judge_padding(uint32_t from, uint32_t to) {
        for (uint32_t offset = from; offset < to; offset += 2) {
            if (uint16_t const word = ring_.raw_word(offset); word != 0) {
                SplitLayout const layout{queue_.size};
                uint32_t const avail_event = layout.used_ring_offset() + layout.avail_event_offset();
                bool const shifted = queue_.event_idx && (offset ^ avail_event) % page_bytes == 0;
                return shifted ? add(Cause::pages_shifted, offset, avail_event)
                               : add(Cause::padding_overwritten, offset, from);
            }
        }
    }

    void judge_used_index(RingIndex index) {
        bool const went_back = number(index) < number(queue_.taken);
        add(went_back ? Cause::used_index_restarted : Cause::used_index_ahead, number(index),
            number(went_back ? queue_.taken : queue_.published));
    }

    void add(Cause cause, uint64_t value = 0, uint64_t expected = 0) { diagnosis_.add({cause, 0, value, expected}); }

    Diagnosis& diagnosis_;
    QueueSnapshot const& queue_;
    Ring const& ring_;
    DiagnoseOption const& option_;
    Notifier notifier_;
};

}  // namespace virtq::detail
