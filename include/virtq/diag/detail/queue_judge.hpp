// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/diag/address_range.hpp>
#include <virtq/diag/detail/chain_finding.hpp>
#include <virtq/diag/detail/device_judge.hpp>
#include <virtq/diag/detail/interrupt_judge.hpp>
#include <virtq/diag/detail/last_chain.hpp>
#include <virtq/diag/detail/packed/packed_judge.hpp>
#include <virtq/diag/detail/split/split_judge.hpp>
#include <virtq/diag/device_snapshot.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/spec/receive_queue.hpp>

#include <stdint.h>

namespace virtq::detail {

/// What a driver knows about itself.
struct DriverView {
    spec::DeviceId type = spec::DeviceId::none;  ///< the device type for which it was initialised
    Error refused = Error::none;                 ///< why it refused its last request
    Features offered;                            ///< what the device offered at initialisation
    void const* here = nullptr;                  ///< its address
    void const* place = nullptr;                 ///< its address at initialisation
    TypeViolation violation;                     ///< what it found in a buffer or the configuration
};

/// Where a judge writes: the diagnosis, and what it found in the chains.
struct JudgeMemory {
    Diagnosis& diagnosis;
    ChainFindings& chains;
};

/// Adds the violation that the driver reported, if there was one. Call it only if nothing else is wrong: the driver goes
/// on after a violation, so the queue may be silent for another reason.
inline void add_violation(Diagnosis& diagnosis) {
    if (diagnosis.violation) {
        diagnosis.add({.cause = Cause::device_type_violated, .value = diagnosis.violation.value});
    }
}

/// The causes that are visible in a queue together with its device. `RingJudge` has the checks of one format.
template <class RingJudge>
class QueueJudge {
public:
    QueueJudge(JudgeMemory memory, typename RingJudge::Ring const& ring, DiagnoseOption const& option,
               Notifier notifier, DriverView const& driver)
        : diagnosis_(memory.diagnosis),
          device_(memory.diagnosis.device),
          queue_(memory.diagnosis.queue),
          chains_(memory.chains),
          ring_(memory.diagnosis, ring, option, notifier),
          option_(option),
          notifier_(notifier),
          driver_(driver) {}

    void judge() {
        judge_place();
        if (device_.reach == DeviceSnapshot::Reach::nothing && driver_.place != nullptr) {
            return add(Cause::transport_lost);  // it was probed before `init`
        }
        DeviceJudge device{diagnosis_};
        if (!device.judge_identity()) {
            return;
        }
        if (driver_.type != spec::DeviceId::none && device_.device_id != driver_.type) {
            return add(Cause::device_type_differs, value_of(device_.device_id), value_of(driver_.type));
        }
        if (!device.judge_status()) {
            return;
        }
        judge_offered();
        device.judge_features();
        judge_agreement();
        if (queue_.size == 0) {
            add(Cause::queue_not_initialised);
            return;
        }
        judge_set_up();
        device.judge_life(notifier_ == Notifier::driver ? Cause::driver_ok_lost : Cause::driver_ok_missing);
        receive_ = spec::receive_queue(device_.device_id, diagnosis_.queue_index, diagnosis_.negotiated);
        chains_.require_writable(receive_.least_bytes);
        ring_.check_chains(chains_);
        bool const overwrites_itself = chains_.bad_address().cause == Cause::buffer_inside_ring;
        if (overwrites_itself) {
            add(chains_.bad_address());  // it explains all later findings in the ring
        }
        ring_.judge_memory();
        add(chains_.overwritten());
        judge_fault();
        if (!overwrites_itself) {
            add(chains_.bad_address());
        }
        if (device_.status.has(spec::StatusBit::device_needs_reset)) {
            judge_complaint();
        }
        if (diagnosis_.findings().empty()) {
            add_violation(diagnosis_);
            ring_.judge_event_idx();
            judge_waiting();
        }
    }

private:
    void judge_place() {
        if (driver_.place != driver_.here) {
            add(Cause::driver_moved, reinterpret_cast<uintptr_t>(driver_.here),
                reinterpret_cast<uintptr_t>(driver_.place));
        }
    }

    /// A device offers the same features after each reset. DRIVER must be set: only then were they read.
    void judge_offered() {
        if (!driver_.offered.empty() && (driver_.offered.word(0) != device_.offered.value_or({}).word(0) ||
                                         driver_.offered.word(1) != device_.offered.value_or({}).word(1))) {
            add(Cause::offered_changed);
        }
    }

    /// Compares the negotiated features with those that the queue uses.
    void judge_agreement() {
        if (queue_.size == 0) {
            return;
        }
        judge_agreement(spec::Feature::ring_packed, queue_.is_packed());
        judge_agreement(spec::Feature::in_order, queue_.in_order);
        // A negotiated INDIRECT_DESC need not be used. The table pages prove nothing: they may be left from an earlier
        // `init`.
        judge_agreement(spec::Feature::indirect_desc,
                        queue_.table_length != 0 || negotiated(spec::Feature::indirect_desc));
        if (bool const expected = negotiated(spec::Feature::event_idx); expected != queue_.event_idx) {
            add(expected ? Cause::event_idx_not_given_to_queue : Cause::event_idx_not_negotiated);
        }
    }
    void judge_agreement(spec::Feature feature, bool in_use) {
        if (bool const expected = negotiated(feature); expected != in_use) {
            add(expected ? Cause::feature_not_given_to_queue : Cause::queue_feature_not_negotiated,
                static_cast<uint64_t>(feature));
        }
    }
    [[__nodiscard__]] bool negotiated(spec::Feature feature) const { return diagnosis_.negotiated.has(feature); }

    void judge_set_up() {
        if (device_.reach == DeviceSnapshot::Reach::queue) {
            if (device_.queue_size_max.has_value() && *device_.queue_size_max == 0) {
                add(Cause::queue_absent, diagnosis_.queue_index);
            } else if (!device_.queue_in_use) {
                add(Cause::queue_not_enabled, diagnosis_.queue_index);
            } else if (device_.queue_pfn.has_value() && *device_.queue_pfn != queue_.addresses.pfn()) {
                add(Cause::queue_elsewhere, *device_.queue_pfn, queue_.addresses.pfn());
            } else if (device_.configured.has_value()) {
                judge_configured(*device_.configured, queue_.addresses);
            }
            if (uint32_t const most = device_.queue_size_max.value_or(0); most != 0 && queue_.size > most) {
                add(Cause::queue_size_above_maximum, queue_.size, most);
            }
        }
        switch (judge_ring(queue_.pages, option_.ram)) {
            case AddressTrouble::zero: return add(Cause::ring_address_zero);
            case AddressTrouble::looks_virtual: return add(Cause::ring_address_virtual, queue_.pages.phys.value);
            case AddressTrouble::outside_ram: return add(Cause::ring_outside_ram, queue_.pages.phys.value);
            case AddressTrouble::none:
            case AddressTrouble::inside_ring: return;
        }
    }

    void judge_configured(QueueAddresses const& configured, QueueAddresses const& own) {
        struct {
            PhysAddr configured;
            PhysAddr own;
        } const areas[] = {{configured.descriptor_area, own.descriptor_area},
                           {configured.driver_area, own.driver_area},
                           {configured.device_area, own.device_area}};
        for (auto const& area : areas) {
            if (area.configured != area.own) {
                return add(Cause::queue_elsewhere, area.configured.value, area.own.value);
            }
        }
        if (configured.size != own.size) {
            add(Cause::queue_size_differs, configured.size, own.size);
        }
    }

    void judge_fault() {
        if (queue_.fault && queue_.fault.reason != FaultReason::used_index_ahead) {
            add(Cause::queue_broken, queue_.fault.value);
        } else {
            ring_.judge_used_index();
        }
    }

    /// The device asks for a reset: looks for what it may have rejected.
    void judge_complaint() {
        if (is_block()) {
            add(chains_.not_a_block_request());
        }
        if (is_receive()) {
            add(chains_.too_small());
        }
        add(chains_.low_address());
        bool const sound = is_block() && diagnosis_.findings().empty() && queue_.offered() != 0;
        // Without a memory map an address may still be wrong.
        bool const knows_addresses = names_memory(option_.ram);
        if (sound && knows_addresses) {
            add(Cause::device_reads_elsewhere);
        }
        DeviceJudge{diagnosis_}.judge_need();
        if (sound && !knows_addresses) {
            add(Cause::device_reads_elsewhere);
        }
    }

    /// Nothing is wrong so far: finds out who waits for whom.
    void judge_waiting() {
        if (queue_.outstanding() == 0) {
            return judge_idle();
        }
        if (notifier_ == Notifier::caller) {  // drivers of the library keep a separate record for each request
            add(chains_.shared_buffer());
        }
        if (queue_.answered() != 0 && is_block()) {
            add(chains_.not_a_block_request());
        }
        if (is_receive()) {
            add(chains_.too_small());
        }
        if (option_.symptom == Symptom::none) {
            return;
        }
        if (queue_.answered() != 0) {
            judge_untaken();
        }
        if (queue_.undecided() != 0) {
            add(Cause::not_published, queue_.undecided());
        }
        if (queue_.answered() == 0 && queue_.offered() != 0) {
            judge_unanswered();
            add(chains_.low_address());
        }
    }

    void judge_idle() {
        if (queue_.num_free == 0) {
            add(Cause::descriptors_not_freed);
        } else if (has_given_up()) {
            add(Cause::answered_too_late);
        } else if (driver_.refused != Error::none) {
            add(Cause::request_refused, static_cast<uint64_t>(driver_.refused));
        } else if (option_.symptom != Symptom::none && is_unacknowledged()) {
            add(Cause::interrupt_not_acknowledged, device_.interrupt_status);
        } else if (option_.symptom != Symptom::none && is_surely_receive()) {
            add(Cause::no_receive_buffers);
        } else {
            ring_.judge_idle();
        }
    }

    /// Whether the device answers only when something arrives. A control queue may have the same number; its chains
    /// have device-readable bytes.
    [[__nodiscard__]] bool is_receive() const {
        bool const by_device = receive_.is_one && !chains_.has_readable();
        return option_.use == QueueUse::receive || (option_.use == QueueUse::by_device && by_device);
    }

    /// As `is_receive`, for a queue without chains.
    [[__nodiscard__]] bool is_surely_receive() const {
        return is_receive() && (option_.use == QueueUse::receive || !receive_.may_be_control);
    }

    /// Whether the interrupt is raised and the driver wants interrupts. A driver that polls need not acknowledge any.
    [[__nodiscard__]] bool is_unacknowledged() const {
        return queue_.notifications_on && device_.interrupt_status != 0;
    }

    /// Whether the driver waits for a reset only because a request timed out.
    [[__nodiscard__]] bool has_given_up() const {
        return driver_.refused == Error::timed_out || driver_.refused == Error::reset_needed;
    }

    void judge_untaken() {
        if (has_given_up()) {
            return add(Cause::answered_too_late, queue_.answered());
        }
        if (!queue_.notifications_on) {
            return add(Cause::interrupts_off, queue_.answered());
        }
        InterruptJudge{diagnosis_, option_.pci}.judge();
        if ((device_.interrupt_status & spec::mmio::interrupt_used_buffer) != 0) {
            add(Cause::interrupt_not_handled, device_.interrupt_status);
        } else {
            add(Cause::completions_not_taken, queue_.answered());
            add(Cause::slept_on_completions);
        }
    }

    void judge_unanswered() {
        if (is_receive()) {
            add(Cause::nothing_arrived, queue_.offered());
            if (ring_.is_unheard()) {
                judge_unheard();
            }
            return;
        }
        bool const interrupted = (device_.interrupt_status & spec::mmio::interrupt_used_buffer) != 0;
        if (queue_.is_first_time() && interrupted) {
            add(Cause::used_ring_elsewhere, queue_.addresses.device_area.value);
        }
        ring_.judge_event_idx_again();
        if (has_given_up() && ring_.is_heard()) {
            add(Cause::poll_limit_too_small, queue_.offered());
        }
        if (ring_.is_unheard()) {
            judge_unheard();
        }
        if (is_block()) {
            add(chains_.not_a_block_request());
        }
        add(Cause::not_answered, queue_.offered(), queue_.is_first_time() ? 0 : 1);
        if (device_.device_id == spec::DeviceId::entropy) {  // the host may have no random bytes
            add(Cause::nothing_arrived, queue_.offered());
        }
        if (!queue_.is_first_time() && is_unacknowledged()) {
            add(Cause::interrupt_not_acknowledged, device_.interrupt_status);
        }
        if (!queue_.is_first_time() && !ring_.is_unheard() && !ring_.is_heard()) {
            add(Cause::second_driver, queue_.pages.phys.value);
        }
    }

    /// Why the device did not see the chains, most probable cause first. A driver of the library always notifies, so
    /// `never_notified` comes last for it. It also comes last for a ring above 4 GiB, whose high halves kernels often
    /// forget. A device that has answered before has the right addresses.
    void judge_unheard() {
        DeviceSnapshot::Notified const last = device_.notified.value_or({});
        bool const by_caller = notifier_ == Notifier::caller;
        // A receive queue is left out: that the transmit queue was notified last is normal there.
        if (by_caller && !is_receive() && last.any && last.queue != diagnosis_.queue_index) {
            add(Cause::other_queue_notified, last.queue, diagnosis_.queue_index);
        }
        bool const was_called = device_.notified.has_value() ? last.any : queue_.pages.phys.value > UINT32_MAX;
        bool const notified = !by_caller || (queue_.is_first_time() && was_called);
        if (!notified) {
            add(Cause::never_notified, diagnosis_.queue_index);
        }
        if (!queue_.is_first_time()) {
            add(Cause::second_driver, queue_.pages.phys.value);
        } else {
            add(by_caller ? Cause::ring_configured_elsewhere : Cause::ring_not_seen, queue_.pages.phys.value);
        }
        if (notified) {
            add(Cause::never_notified, diagnosis_.queue_index);
        }
    }

    [[__nodiscard__]] bool is_block() const { return device_.device_id == spec::DeviceId::block; }
    [[__nodiscard__]] static constexpr uint64_t value_of(spec::DeviceId type) { return static_cast<uint64_t>(type); }

    void add(Cause cause, uint64_t value = 0, uint64_t expected = 0) { diagnosis_.add({cause, 0, value, expected}); }
    void add(Finding const& finding) { diagnosis_.add(finding); }

    Diagnosis& diagnosis_;
    DeviceSnapshot const& device_;
    QueueSnapshot const& queue_;
    ChainFindings& chains_;
    spec::ReceiveQueue receive_;
    RingJudge ring_;
    DiagnoseOption const& option_;
    Notifier notifier_;
    DriverView const& driver_;
};

template <uint32_t N, class Format>
SplitJudge<SplitInspector<N, Format>> judge_of(SplitInspector<N, Format> const&);

template <uint32_t N>
PackedJudge<N> judge_of(PackedInspector<N> const&);

}  // namespace virtq::detail
