// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/diag/address_range.hpp>
#include <virtq/diag/detail/interrupt_judge.hpp>
#include <virtq/diag/detail/last_chain.hpp>
#include <virtq/diag/detail/packed/packed_judge.hpp>
#include <virtq/diag/detail/split/split_judge.hpp>
#include <virtq/diag/device_snapshot.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/diag/diagnosis_record.hpp>
#include <virtq/diag/take_snapshot.hpp>
#include <virtq/spec/mmio.hpp>
#include <virtq/spec/receive_queue.hpp>

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
    [[__nodiscard__]] bool judge_identity() {
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
    [[__nodiscard__]] bool judge_status() {
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
        bool const failed = has(spec::StatusBit::failed);
        bool const lacks_features = !device_.legacy && !has(spec::StatusBit::features_ok);
        if (!device_.legacy && device_.offered.value_or({}).empty()) {
            add(Cause::registers_are_memory, status.bits());
        } else if (lacks_features) {
            judge_offer(failed);
        }
        if (failed) {
            add(Cause::driver_gave_up, status.bits());
        }
        if (lacks_features && failed && !device_.asked_features_ok.has_value()) {
            add(Cause::features_not_accepted, status.bits());
        }
        return true;
    }

    /// What only a device without other trouble is asked for.
    void judge_life(Cause without_driver_ok) {
        if (has(spec::StatusBit::suspend)) {
            add(Cause::device_suspended, device_.status.bits());
        } else if (!has(spec::StatusBit::driver_ok)) {
            add(without_driver_ok, device_.status.bits());
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
            if (uint32_t const extra = negotiated.word(word) & ~device_.offered.value_or({}).word(word);
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
    /// Of a modern device with DRIVER and without FEATURES_OK. A driver that gave up before it asked did not like what
    /// is offered.
    void judge_offer(bool failed) {
        if (!device_.offered.value_or({}).has(spec::Feature::version_1)) {
            add(Cause::version_1_not_offered);
        }
        if (device_.asked_features_ok.value_or(false)) {
            add(Cause::features_refused, device_.status.bits());
        } else if (!failed) {
            add(Cause::features_not_accepted, device_.status.bits());
        }
    }
    [[__nodiscard__]] bool has(spec::StatusBit bit) const { return device_.status.has(bit); }
    [[__nodiscard__]] static unsigned lowest_bit(uint32_t bits) {
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

/// What a driver says of itself.
struct DriverView {
    spec::DeviceId type = spec::DeviceId::none;  ///< what it was initialised for
    Error refused = Error::none;                 ///< why it did not take its last request
    Features offered;                            ///< when it was initialised
    void const* here = nullptr;                  ///< where it is
    void const* place = nullptr;                 ///< and where it was when it was initialised
};

/// The causes that a queue shows, together with its device. `RingJudge` knows what is particular to the format.
template <class RingJudge>
class QueueJudge {
public:
    QueueJudge(DiagnosisRecord& record, typename RingJudge::Ring const& ring, DiagnoseOption const& option,
               Notifier notifier, DriverView const& driver)
        : diagnosis_(record.diagnosis),
          device_(record.diagnosis.device),
          queue_(record.diagnosis.queue),
          chains_(record.chains),
          ring_(record.diagnosis, ring, option, notifier),
          option_(option),
          notifier_(notifier),
          driver_(driver) {}

    void judge() {
        judge_place();
        if (device_.reach == DeviceSnapshot::Reach::nothing && driver_.place != nullptr) {
            return add(Cause::transport_lost);  // it was probed once
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
            add(chains_.bad_address());  // it explains whatever the ring says now
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

    /// What a device offers is the same after each reset. Of one that knows its driver, so what it offers was read.
    void judge_offered() {
        if (!driver_.offered.empty() && (driver_.offered.word(0) != device_.offered.value_or({}).word(0) ||
                                         driver_.offered.word(1) != device_.offered.value_or({}).word(1))) {
            add(Cause::offered_changed);
        }
    }

    /// Do the negotiated features and the queue's agree?
    void judge_agreement() {
        if (queue_.size == 0) {
            return;
        }
        judge_agreement(spec::Feature::ring_packed, queue_.is_packed());
        judge_agreement(spec::Feature::in_order, queue_.in_order);
        // Negotiated, it need not be used. Pages of an earlier life are held without being used.
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

    /// The device says that it cannot bear something, and the ring is as it should be.
    void judge_complaint() {
        if (is_block()) {
            add(chains_.not_a_block_request());
        }
        if (is_receive()) {
            add(chains_.too_small());
        }
        add(chains_.low_address());
        bool const sound = is_block() && diagnosis_.findings().empty() && queue_.offered() != 0;
        // Without the machine's memory an address may still be wrong.
        bool const knows_addresses = names_memory(option_.ram);
        if (sound && knows_addresses) {
            add(Cause::device_reads_elsewhere);
        }
        DeviceJudge{diagnosis_}.judge_need();
        if (sound && !knows_addresses) {
            add(Cause::device_reads_elsewhere);
        }
    }

    /// All is as it should be: then who waits for whom?
    void judge_waiting() {
        if (queue_.outstanding() == 0) {
            return judge_idle();
        }
        if (notifier_ == Notifier::caller) {  // a driver of the library has a record for each request
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

    /// Whether the device answers when something arrives. A control queue under the same number is known by what the
    /// device reads there.
    [[__nodiscard__]] bool is_receive() const {
        bool const by_device = receive_.is_one && !chains_.has_readable();
        return option_.use == QueueUse::receive || (option_.use == QueueUse::by_device && by_device);
    }

    /// The same of a queue without chains.
    [[__nodiscard__]] bool is_surely_receive() const {
        return is_receive() && (option_.use == QueueUse::receive || !receive_.may_be_control);
    }

    /// Whether the interrupt is raised of a driver that wants interrupts. One that polls need not acknowledge any.
    [[__nodiscard__]] bool is_unacknowledged() const {
        return queue_.notifications_on && device_.interrupt_status != 0;
    }

    /// Whether the driver waits for a reset because a request timed out, and the device is well.
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
            add(Cause::budget_too_small, queue_.offered());
        }
        if (ring_.is_unheard()) {
            judge_unheard();
        }
        if (is_block()) {
            add(chains_.not_a_block_request());
        }
        add(Cause::not_answered, queue_.offered(), queue_.is_first_time() ? 0 : 1);
        if (!queue_.is_first_time() && is_unacknowledged()) {
            add(Cause::interrupt_not_acknowledged, device_.interrupt_status);
        }
        if (!queue_.is_first_time() && !ring_.is_unheard() && !ring_.is_heard()) {
            add(Cause::second_driver, queue_.pages.phys.value);
        }
    }

    /// What a driver of the library published, it also notified of. Addresses above 4 GiB are often given without
    /// their high halves. A device that has answered was given the right ones.
    void judge_unheard() {
        DeviceSnapshot::Notified const last = device_.notified.value_or({});
        bool const by_caller = notifier_ == Notifier::caller;
        // Of a receive queue the last call was most often for the transmit queue.
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
            add(by_caller ? Cause::ring_told_elsewhere : Cause::ring_not_seen, queue_.pages.phys.value);
        }
        if (notified) {
            add(Cause::never_notified, diagnosis_.queue_index);
        }
    }

    [[__nodiscard__]] bool is_block() const { return device_.device_id == spec::DeviceId::block; }
    [[__nodiscard__]] static constexpr uint64_t value_of(spec::DeviceId type) { return static_cast<uint64_t>(type); }

    void add(Cause cause, uint64_t value = 0, uint64_t expected = 0) { diagnosis_.add({cause, value, expected, 0}); }
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

template <DiagnosisSource Source, uint32_t N, class Format>
void diagnose_queue(DiagnosisRecord& record, Source& source, uint16_t queue_index, VirtQueue<N, Format> const& queue,
                    Features const& negotiated, DiagnoseOption const& option, Notifier notifier,
                    DriverView const& driver = {}) {
    record.clear();
    record.diagnosis.has_queue = true;
    record.diagnosis.queue_index = queue_index;
    record.diagnosis.negotiated = negotiated;
    look_at_device(source, queue_index, record.diagnosis.device);
    inspect(queue, [&](auto const& ring) {
        ring.look(record.diagnosis.queue);
        QueueJudge<decltype(judge_of(ring))>{record, ring, option, notifier, driver}.judge();
    });
}

template <DiagnosisSource Source>
void diagnose_device(Diagnosis& diagnosis, Source& source) {
    look_at_device(source, 0, diagnosis.device);
    DeviceJudge device{diagnosis};
    if (device.judge_identity() && device.judge_status()) {
        if (diagnosis.findings().empty()) {
            // Not of a device that was given up: that is why it is not live.
            device.judge_life(Cause::driver_ok_missing);
        }
        device.judge_need();
    }
}

}  // namespace detail

/// Why nothing comes from `queue`, which is number `queue_index` of the device behind `source`: a transport after its
/// `probe`, or a mapped `RegisterSpace`. `negotiated` are the features that were negotiated. Reads each register and
/// each shared word once, so that a device that goes on meanwhile cannot contradict itself. Calls on the queue must be
/// serialised with it. Bounded by the size of the queue. Takes 2 to 3 KiB of stack: with less, give it a record.
template <DiagnosisSource Source, uint32_t N, class Format>
[[__nodiscard__]] Diagnosis diagnose(Source& source, uint16_t queue_index, VirtQueue<N, Format> const& queue,
                                     Features const& negotiated, DiagnoseOption const& option = {}) {
    DiagnosisRecord record;
    detail::diagnose_queue(record, source, queue_index, queue, negotiated, option, detail::Notifier::caller);
    return record.diagnosis;
}

/// As above, in a record that the caller keeps. The answer is `record.diagnosis`, until the next call.
template <DiagnosisSource Source, uint32_t N, class Format>
Diagnosis const& diagnose(DiagnosisRecord& record, Source& source, uint16_t queue_index,
                          VirtQueue<N, Format> const& queue, Features const& negotiated,
                          DiagnoseOption const& option = {}) {
    detail::diagnose_queue(record, source, queue_index, queue, negotiated, option, detail::Notifier::caller);
    return record.diagnosis;
}

/// Why a device cannot be used, when there is no queue yet: after a `probe` or an `init` that failed.
template <DiagnosisSource Source>
[[__nodiscard__]] Diagnosis diagnose(Source& source) {
    Diagnosis diagnosis;
    detail::diagnose_device(diagnosis, source);
    return diagnosis;
}

/// As above, in a record that the caller keeps.
template <DiagnosisSource Source>
Diagnosis const& diagnose(DiagnosisRecord& record, Source& source) {
    record.clear();
    detail::diagnose_device(record.diagnosis, source);
    return record.diagnosis;
}

/// A driver that shows what it is made of, as `BlockDevice` does.
template <class D>
concept DiagnosableDriver = requires(D& driver, uint16_t queue) {
    {*driver.transport()};  // null before init
    driver.ring(queue);
    driver.negotiation().negotiated;
};

namespace detail {

template <class Driver>
[[__nodiscard__]] DriverView view_of(Driver const& driver, [[__maybe_unused__]] uint16_t queue_index) {
    DriverView view;
    if constexpr (requires { Driver::device_type; }) {
        view.type = Driver::device_type;
    }
    if constexpr (requires { Error{driver.last_error(queue_index)}; }) {
        view.refused = driver.last_error(queue_index);
    }
    if constexpr (requires { driver.initialised_at(); }) {
        view.here = &driver;
        view.place = driver.initialised_at();
    }
    if constexpr (requires { Features{driver.negotiation().offered}; }) {
        view.offered = driver.negotiation().offered;
    }
    return view;
}

template <DiagnosableDriver Driver>
void diagnose_driver(DiagnosisRecord& record, Driver& driver, uint16_t queue_index, DiagnoseOption const& option) {
    DriverView const view = view_of(driver, queue_index);
    if (driver.transport() == nullptr) {
        record.clear();
        record.diagnosis.device.device_id = view.type;
        record.diagnosis.missing = driver.negotiation().missing;
        record.diagnosis.add({Cause::driver_not_initialised, static_cast<uint64_t>(view.refused)});
        return;
    }
    diagnose_queue(record, *driver.transport(), queue_index, driver.ring(queue_index), driver.negotiation().negotiated,
                   option, Notifier::driver, view);
}

}  // namespace detail

/// Why a driver does not go on. Takes 2 to 3 KiB of stack: with less, give it a record.
template <DiagnosableDriver Driver>
[[__nodiscard__]] Diagnosis diagnose(Driver& driver, uint16_t queue_index = 0, DiagnoseOption const& option = {}) {
    DiagnosisRecord record;
    detail::diagnose_driver(record, driver, queue_index, option);
    return record.diagnosis;
}

/// As above, of its first queue.
template <DiagnosableDriver Driver>
[[__nodiscard__]] Diagnosis diagnose(Driver& driver, DiagnoseOption const& option) {
    return diagnose(driver, 0, option);
}

/// As above, in a record that the caller keeps. The answer is `record.diagnosis`, until the next call.
///
/// ```
/// static virtq::DiagnosisRecord record;
/// virtq::explain(virtq::diagnose(record, disk), kernel_serial_put);
/// ```
template <DiagnosableDriver Driver>
Diagnosis const& diagnose(DiagnosisRecord& record, Driver& driver, uint16_t queue_index = 0,
                          DiagnoseOption const& option = {}) {
    detail::diagnose_driver(record, driver, queue_index, option);
    return record.diagnosis;
}

/// As above, of its first queue.
template <DiagnosableDriver Driver>
Diagnosis const& diagnose(DiagnosisRecord& record, Driver& driver, DiagnoseOption const& option) {
    return diagnose(record, driver, 0, option);
}

}  // namespace virtq
