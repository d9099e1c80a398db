// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/address.hpp>
#include <virtq/diag/chain_check.hpp>
#include <virtq/diag/device_snapshot.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/diag/last_chain.hpp>
#include <virtq/diag/ring_inspector.hpp>
#include <virtq/queue/notification.hpp>
#include <virtq/spec/mmio.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

/// Looks at a device and a queue that do not answer, and says what is probably wrong. Nothing is changed: ring memory
/// is only read, registers too, apart from the two selectors without which they cannot be read.
namespace virtq {

/// Where the registers are: a transport, or the `RegisterSpace` of a kernel that has a transport of its own.
template <class T>
concept DiagnosisSource = DiagnosableTransport<T> || RegisterSpace<T>;

namespace detail {

/// The causes that the device alone shows.
class DeviceJudge {
public:
    explicit DeviceJudge(Diagnosis& diagnosis) : diagnosis_(diagnosis), device_(diagnosis.device) {}

    /// Whether there is a device whose status means something.
    [[nodiscard]] bool judge_identity() {
        if (device_.reach == DeviceSnapshot::Reach::nothing) {
            add(Cause::transport_not_probed);
            return false;
        }
        if (device_.reach != DeviceSnapshot::Reach::identity) {
            return true;
        }
        if (device_.magic == UINT32_MAX) {
            add(Cause::registers_all_ones, device_.magic, spec::mmio::magic);
        } else if (device_.magic == 0) {
            add(Cause::registers_all_zero, 0, spec::mmio::magic);
        } else if (device_.magic != spec::mmio::magic) {
            add(Cause::not_virtio, device_.magic, spec::mmio::magic);
        } else if (device_.version != spec::mmio::version_modern && device_.version != spec::mmio::version_legacy) {
            add(Cause::version_unknown, device_.version, spec::mmio::version_modern);
        } else {
            add(Cause::slot_empty);
        }
        return false;
    }

    /// Whether the device has been initialised at all.
    [[nodiscard]] bool judge_status() {
        bool const live = diagnosis_.queue.size != 0 && diagnosis_.queue.live;  // it was told of the queue
        DeviceStatus const status = device_.status;
        if (status.is_gone()) {
            add(Cause::device_gone, status.bits());
            return false;
        }
        // A version 1 device that was offered what only version 2 has.
        if (device_.legacy &&
            (diagnosis_.negotiated.has(spec::Feature::version_1) || has(spec::StatusBit::features_ok))) {
            add(Cause::legacy_driven_as_modern, device_.version, spec::mmio::version_modern);
        }
        if (status.is_reset() && live) {
            add(Cause::device_was_reset);
            return false;
        }
        if (!has(spec::StatusBit::driver) || !has(spec::StatusBit::acknowledge)) {
            add(Cause::device_not_initialised, status.bits());
            return false;
        }
        if (!device_.legacy && !has(spec::StatusBit::features_ok)) {
            add(Cause::features_not_accepted, status.bits());
        }
        if (has(spec::StatusBit::failed)) {
            add(Cause::driver_gave_up, status.bits());
        }
        return true;
    }

    /// What only a device without other trouble is asked for.
    void judge_life() {
        if (has(spec::StatusBit::suspend)) {
            add(Cause::device_suspended, device_.status.bits());
        } else if (!has(spec::StatusBit::driver_ok)) {
            add(Cause::driver_ok_missing, device_.status.bits());
        }
    }
    void judge_need() {
        if (has(spec::StatusBit::device_needs_reset)) {
            add(Cause::device_needs_reset, device_.status.bits());
        }
    }

    /// Of a device with DRIVER set: what it offers was read.
    void judge_features() {
        Features const& negotiated = diagnosis_.negotiated;
        for (unsigned word = 0; word < 2; ++word) {
            if (uint32_t const extra = negotiated.word(word) & ~device_.offered.word(word);
                extra != 0 && !(device_.legacy && word == 1)) {
                add(Cause::feature_not_offered, lowest_bit(extra) + 32 * word);
                break;
            }
        }
        if (!device_.legacy && !negotiated.has(spec::Feature::version_1)) {
            add(Cause::version_1_missing);
        }
    }

private:
    [[nodiscard]] bool has(spec::StatusBit bit) const { return device_.status.has(bit); }
    [[nodiscard]] static unsigned lowest_bit(uint32_t bits) {
        unsigned bit = 0;
        for (; (bits & 1) == 0; bits >>= 1) {
            ++bit;
        }
        return bit;
    }
    void add(Cause cause, uint64_t value = 0, uint64_t expected = 0) { diagnosis_.add({cause, value, expected, 0}); }

    Diagnosis& diagnosis_;
    DeviceSnapshot const& device_;
};

/// Who calls notify() of the transport.
enum class Notifier : uint8_t { caller, driver };

/// The causes that a queue shows, together with its device.
template <uint32_t N>
class QueueJudge {
public:
    /// `type` is what the driver was initialised for, if that is known.
    QueueJudge(Diagnosis& diagnosis, RingInspector<N> const& ring, DiagnoseOption const& option, Notifier notifier,
               spec::DeviceId type)
        : diagnosis_(diagnosis),
          device_(diagnosis.device),
          queue_(diagnosis.queue),
          ring_(ring),
          option_(option),
          notifier_(notifier),
          type_(type) {}

    void judge() {
        DeviceJudge device{diagnosis_};
        if (!device.judge_identity()) {
            return;
        }
        if (type_ != spec::DeviceId::none && device_.device_id != type_) {
            return add(Cause::device_type_differs, value_of(device_.device_id), value_of(type_));
        }
        if (!device.judge_status()) {
            return;
        }
        device.judge_features();
        judge_agreement();
        if (queue_.size == 0) {
            add(Cause::queue_not_initialised);
            return;
        }
        judge_set_up();
        device.judge_life();
        ChainCheck<N> const chains{ring_, queue_, option_.ram};
        bool const overwrites_itself = chains.bad_address().cause == Cause::buffer_inside_ring;
        if (overwrites_itself) {
            add(chains.bad_address());  // it explains whatever the ring says now
        }
        judge_memory();
        add(chains.overwritten());
        judge_fault();
        if (!overwrites_itself) {
            add(chains.bad_address());
        }
        if (device_.status.has(spec::StatusBit::device_needs_reset)) {
            judge_complaint(chains);
        }
        if (diagnosis_.findings().empty()) {
            judge_event_idx();
            judge_waiting(chains);
        }
    }

private:
    /// Do the negotiated features and the queue's agree?
    void judge_agreement() {
        bool const negotiated = diagnosis_.negotiated.has(spec::Feature::event_idx);
        if (queue_.size != 0 && negotiated != queue_.event_idx) {
            add(negotiated ? Cause::event_idx_not_given_to_queue : Cause::event_idx_not_negotiated);
        }
    }

    void judge_set_up() {
        if (device_.reach == DeviceSnapshot::Reach::queue) {
            if (device_.knows_queue_size_max && device_.queue_size_max == 0) {
                add(Cause::queue_absent, diagnosis_.queue_index);
            } else if (!device_.queue_in_use) {
                add(Cause::queue_not_enabled, diagnosis_.queue_index);
            } else if (device_.knows_queue_pfn && device_.queue_pfn != queue_.addresses.pfn()) {
                add(Cause::queue_elsewhere, device_.queue_pfn, queue_.addresses.pfn());
            }
            if (device_.knows_queue_size_max && device_.queue_size_max != 0 && queue_.size > device_.queue_size_max) {
                add(Cause::queue_size_above_maximum, queue_.size, device_.queue_size_max);
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

    /// What the driver wrote: is it still there?
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

    /// A device that takes the available ring for the used one clears or sets NO_NOTIFY there, and sees nothing in
    /// the other one. A driver of the library cannot swap them.
    [[nodiscard]] bool looks_swapped() const {
        constexpr auto no_notify = static_cast<uint16_t>(spec::UsedFlag::no_notify);
        return notifier_ == Notifier::caller && (queue_.avail_flags ^ expected_avail_flags()) == no_notify &&
               queue_.avail_idx == queue_.published && number(queue_.taken) == 0 && number(queue_.used_idx) == 0 &&
               queue_.offered() != 0;
    }
    [[nodiscard]] uint16_t expected_avail_flags() const {
        constexpr auto no_interrupt = static_cast<uint16_t>(spec::AvailFlag::no_interrupt);
        return queue_.event_idx || queue_.notifications_on ? uint16_t{0} : no_interrupt;
    }

    /// `init` has zeroed all of it, and nothing belongs there. Less than a page.
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

    void judge_fault() {
        if (queue_.fault.reason == FaultReason::used_index_ahead) {
            judge_used_index(static_cast<RingIndex>(static_cast<uint16_t>(queue_.fault.value)));
        } else if (queue_.fault) {
            add(Cause::queue_broken, queue_.fault.value);
        } else if (!queue_.is_used_idx_believable()) {
            judge_used_index(queue_.used_idx);
        }
    }
    void judge_used_index(RingIndex index) {
        bool const went_back = number(index) < number(queue_.taken);
        add(went_back ? Cause::used_index_restarted : Cause::used_index_ahead, number(index),
            number(went_back ? queue_.taken : queue_.published));
    }

    /// The device says that it cannot bear something, and the ring is as it should be.
    void judge_complaint(ChainCheck<N> const& chains) {
        if (is_block()) {
            add(chains.not_a_block_request());
        }
        add(chains.low_address());
        bool const sound = is_block() && diagnosis_.findings().empty() && queue_.offered() != 0;
        // Without the machine's memory an address may still be wrong.
        bool const knows_addresses = !option_.ram.empty();
        if (sound && knows_addresses) {
            add(Cause::device_reads_elsewhere);
        }
        DeviceJudge{diagnosis_}.judge_need();
        if (sound && !knows_addresses) {
            add(Cause::device_reads_elsewhere);
        }
    }

    /// Without EVENT_IDX no device writes avail_event.
    void judge_event_idx() {
        if (!queue_.event_idx && number(queue_.avail_event) != 0) {
            add(Cause::device_uses_event_idx, number(queue_.avail_event));
        }
    }

    /// All is as it should be: then who waits for whom?
    void judge_waiting(ChainCheck<N> const& chains) {
        if (queue_.outstanding() == 0) {
            return queue_.num_free == 0 ? add(Cause::descriptors_not_freed) : judge_idle();
        }
        if (option_.symptom == Symptom::none) {
            return;
        }
        if (queue_.answered() != 0) {
            judge_untaken();
        }
        if (uint16_t const undecided = distance(queue_.decided, queue_.added); undecided != 0) {
            add(Cause::not_published, undecided);
        }
        if (queue_.answered() == 0 && queue_.offered() != 0) {
            judge_unanswered(chains);
            add(chains.low_address());
        }
    }

    /// Nothing is in flight: was the last request a right one?
    void judge_idle() {
        LastChain<N> const last{ring_, queue_, option_.ram};
        bool const is_request = is_block() && last.is_known() && !last.shape().has_table();
        add(last.bad_address());
        if (is_request && !can_be_block_request(last.shape())) {
            add(found(Cause::not_a_block_request, last.shape()));
        }
        if (diagnosis_.findings().empty()) {
            add(is_request ? found(Cause::nothing_in_flight, last.shape()) : Finding{Cause::nothing_in_flight});
        }
    }

    void judge_untaken() {
        if (!queue_.notifications_on) {
            add(Cause::interrupts_off, queue_.answered());
        } else if ((device_.interrupt_status & spec::mmio::interrupt_used_buffer) != 0) {
            add(Cause::interrupt_not_handled, device_.interrupt_status);
        } else {
            add(Cause::completions_not_taken, queue_.answered());
            add(Cause::slept_on_completions);
        }
    }

    void judge_unanswered(ChainCheck<N> const& chains) {
        bool const first_time = number(queue_.taken) == 0;
        bool const interrupted = (device_.interrupt_status & spec::mmio::interrupt_used_buffer) != 0;
        if (first_time && interrupted) {
            add(Cause::used_ring_elsewhere, queue_.addresses.device_area.value);
        }
        // A device moves it with each chain that it takes (§2.7.10).
        if (queue_.event_idx && !first_time && number(queue_.avail_event) == 0) {
            add(Cause::event_idx_not_accepted);
        }
        if (is_unheard()) {
            judge_unheard();
        }
        if (is_block()) {
            add(chains.not_a_block_request());
        }
        add(Cause::not_answered, queue_.offered(), number(queue_.taken));
    }

    /// What a driver of the library published, it also notified of. Addresses above 4 GiB are often given without
    /// their high halves.
    void judge_unheard() {
        bool const by_caller = notifier_ == Notifier::caller;
        bool const notified = !by_caller || queue_.pages.phys.value > UINT32_MAX;
        if (!notified) {
            add(Cause::never_notified, diagnosis_.queue_index);
        }
        add(by_caller ? Cause::ring_told_elsewhere : Cause::ring_not_seen, queue_.pages.phys.value);
        if (notified) {
            add(Cause::never_notified, diagnosis_.queue_index);
        }
    }

    /// Whether the device still waits for a notification. With EVENT_IDX avail_event says up to where it has looked;
    /// with flags it can only be guessed: a device that has answered before knows how to be notified.
    [[nodiscard]] bool is_unheard() const {
        if (queue_.event_idx) {
            return passes_event(queue_.avail_event, queue_.taken, queue_.published);
        }
        auto const no_notify = static_cast<uint16_t>(spec::UsedFlag::no_notify);
        return number(queue_.taken) == 0 && (queue_.used_flags & no_notify) == 0;
    }

    [[nodiscard]] bool is_block() const { return device_.device_id == spec::DeviceId::block; }
    [[nodiscard]] static constexpr uint64_t value_of(spec::DeviceId type) { return static_cast<uint64_t>(type); }

    void add(Cause cause, uint64_t value = 0, uint64_t expected = 0) { diagnosis_.add({cause, value, expected, 0}); }
    void add(Finding const& finding) {
        if (finding.cause != Cause::none) {
            diagnosis_.add(finding);
        }
    }

    Diagnosis& diagnosis_;
    DeviceSnapshot const& device_;
    QueueSnapshot const& queue_;
    RingInspector<N> const& ring_;
    DiagnoseOption const& option_;
    Notifier notifier_;
    spec::DeviceId type_;
};

template <DiagnosisSource Source, uint32_t N>
[[nodiscard]] Diagnosis diagnose_queue(Source& source, uint16_t queue_index, VirtQueue<N, Split> const& queue,
                                       Features const& negotiated, DiagnoseOption const& option, Notifier notifier,
                                       spec::DeviceId type = spec::DeviceId::none) {
    Diagnosis diagnosis;
    diagnosis.has_queue = true;
    diagnosis.queue_index = queue_index;
    diagnosis.negotiated = negotiated;
    diagnosis.device = take_device_snapshot(source, queue_index);
    RingInspector<N> const ring{queue};
    diagnosis.queue = ring.snapshot();
    QueueJudge<N>{diagnosis, ring, option, notifier, type}.judge();
    return diagnosis;
}

}  // namespace detail

/// Why nothing comes from `queue`, which is number `queue_index` of the device behind `source`: a transport after its
/// `probe`, or a mapped `RegisterSpace`. `negotiated` are the features that were negotiated. Reads each register and
/// each shared word once, so that a device that goes on meanwhile cannot contradict itself. Calls on the queue must be
/// serialised with it. Bounded by the size of the queue.
template <DiagnosisSource Source, uint32_t N>
[[nodiscard]] Diagnosis diagnose(Source& source, uint16_t queue_index, VirtQueue<N, Split> const& queue,
                                 Features const& negotiated, DiagnoseOption const& option = {}) {
    return detail::diagnose_queue(source, queue_index, queue, negotiated, option, detail::Notifier::caller);
}

/// Why a device cannot be used, when there is no queue yet: after a `probe` or an `init` that failed.
template <DiagnosisSource Source>
[[nodiscard]] Diagnosis diagnose(Source& source) {
    Diagnosis diagnosis;
    diagnosis.device = take_device_snapshot(source, 0);
    detail::DeviceJudge device{diagnosis};
    if (device.judge_identity() && device.judge_status()) {
        if (diagnosis.findings().empty()) {
            device.judge_life();  // not of a device that was given up: that is why it is not live
        }
        device.judge_need();
    }
    return diagnosis;
}

/// A driver that shows what it is made of, as `BlockDevice` does.
template <class D>
concept DiagnosableDriver = requires(D& driver, uint16_t queue) {
    {*driver.transport()};  // null before init
    driver.ring(queue);
    driver.negotiation().negotiated;
};

namespace detail {

/// What a driver drives, if it says so.
template <class Driver>
[[nodiscard]] constexpr spec::DeviceId device_type_of() {
    if constexpr (requires { Driver::device_type; }) {
        return Driver::device_type;
    } else {
        return spec::DeviceId::none;
    }
}

}  // namespace detail

/// Why a driver does not go on.
template <DiagnosableDriver Driver>
[[nodiscard]] Diagnosis diagnose(Driver& driver, uint16_t queue_index = 0, DiagnoseOption const& option = {}) {
    if (driver.transport() == nullptr) {
        Diagnosis diagnosis;
        diagnosis.add({Cause::driver_not_initialised});
        return diagnosis;
    }
    return detail::diagnose_queue(*driver.transport(), queue_index, driver.ring(queue_index),
                                  driver.negotiation().negotiated, option, detail::Notifier::driver,
                                  detail::device_type_of<Driver>());
}

/// The same of its first queue.
template <DiagnosableDriver Driver>
[[nodiscard]] Diagnosis diagnose(Driver& driver, DiagnoseOption const& option) {
    return diagnose(driver, 0, option);
}

}  // namespace virtq
