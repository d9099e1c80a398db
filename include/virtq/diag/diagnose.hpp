// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/device_judge.hpp>
#include <virtq/diag/detail/driver_ring.hpp>
#include <virtq/diag/detail/inspect.hpp>
#include <virtq/diag/detail/queue_judge.hpp>
#include <virtq/diag/device_snapshot.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/diag/diagnosis_record.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

/// Examines a device and a queue that do not answer, and reports what is probably wrong. Changes nothing: it only
/// reads ring memory and registers, except for the two selectors that must be written to read registers.
namespace virtq {

/// Where the registers are: a transport, or the `RegisterSpace` of a kernel that has a transport of its own.
template <class T>
concept DiagnosisSource = DiagnosableTransport<T> || RegisterSpace<T>;

namespace detail {

template <DiagnosisSource Source, uint32_t N, class Format>
void diagnose_queue(DiagnosisRecord& record, Source& source, uint16_t queue_index, VirtQueue<N, Format> const& queue,
                    Features const& negotiated, DiagnoseOption const& option, Notifier notifier,
                    DriverView const& driver = {}) {
    record.clear();
    record.diagnosis.has_queue = true;
    record.diagnosis.has_ram = names_memory(option.ram);
    record.diagnosis.queue_index = queue_index;
    record.diagnosis.negotiated = negotiated;
    record.diagnosis.violation = driver.violation;
    read_device(source, queue_index, record.diagnosis.device);
    inspect(queue, [&](auto const& ring) {
        ring.read_state(record.diagnosis.queue);
        JudgeMemory const memory{record.diagnosis, record.chains};
        QueueJudge<decltype(judge_of(ring))>{memory, ring, option, notifier, driver}.judge();
    });
}

template <DiagnosisSource Source>
void diagnose_device(Diagnosis& diagnosis, Source& source) {
    read_device(source, 0, diagnosis.device);
    DeviceJudge device{diagnosis};
    if (device.judge_identity() && device.judge_status()) {
        if (diagnosis.findings().empty()) {
            // After an earlier finding, a missing DRIVER_OK is only its consequence.
            device.judge_life(Cause::driver_ok_missing);
        }
        device.judge_need();
    }
}

}  // namespace detail

/// Finds out why nothing comes from `queue`, which is queue number `queue_index` of the device behind `source`.
/// `source` is a transport after its `probe`, or a mapped `RegisterSpace`. `negotiated` holds the negotiated features.
/// Reads each register and each shared word once, so that a device that runs meanwhile cannot cause contradictions.
/// Serialise it with calls on the queue. Its time is bounded by the size of the queue. Takes 2 to 3 KiB of stack: on a
/// smaller stack, pass a record.
template <DiagnosisSource Source, uint32_t N, class Format>
[[__nodiscard__]] Diagnosis diagnose(Source& source, uint16_t queue_index, VirtQueue<N, Format> const& queue,
                                     Features const& negotiated, DiagnoseOption const& option = {}) {
    DiagnosisRecord record;
    detail::diagnose_queue(record, source, queue_index, queue, negotiated, option, detail::Notifier::caller);
    return record.diagnosis;
}

/// As above, in a record that the caller keeps. The result is `record.diagnosis`, valid until the next call.
template <DiagnosisSource Source, uint32_t N, class Format>
Diagnosis const& diagnose(DiagnosisRecord& record, Source& source, uint16_t queue_index,
                          VirtQueue<N, Format> const& queue, Features const& negotiated,
                          DiagnoseOption const& option = {}) {
    detail::diagnose_queue(record, source, queue_index, queue, negotiated, option, detail::Notifier::caller);
    return record.diagnosis;
}

/// Finds out why a device cannot be used when there is no queue yet: after a `probe` or an `init` that failed.
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

/// A driver that exposes its transport, its negotiated features and its rings: by `ring(index)`, as `BlockDevice`
/// does, or, if its queues are of several types, by `visit_ring(index, visit)`. That calls `visit(queue)` with the
/// `VirtQueue` of this index, and does nothing if there is none:
///
/// ```text
/// template <class Visit>
/// void visit_ring(uint16_t index, Visit const& visit) const {
///     index < 2 ? visit(data_[index]) : visit(control_);  // VirtQueue<256>, VirtQueue<8>
/// }
/// ```
template <class D>
concept DiagnosableDriver = detail::HasRings<D> && requires(D& driver) {
    {*driver.transport()};  // null before init
    driver.negotiation().negotiated;
};

namespace detail {

template <class Driver>
[[__nodiscard__]] DriverView view_of(Driver& driver, [[__maybe_unused__]] uint16_t queue_index) {
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
    if constexpr (requires { describe(driver.driver_fault().reason); }) {
        if (auto const fault = driver.driver_fault()) {
            view.violation = {describe(fault.reason), fault.value, fault.queue};
        }
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
        record.diagnosis.violation = view.violation;
        record.diagnosis.add({.cause = Cause::driver_not_initialised, .value = static_cast<uint64_t>(view.refused)});
        return;
    }
    bool visited = false;
    visit_ring_of(driver, queue_index, [&](auto const& ring) {
        visited = true;
        diagnose_queue(record, *driver.transport(), queue_index, ring, driver.negotiation().negotiated, option,
                       Notifier::driver, view);
    });
    if (!visited) {  // without the queue, its device may still show why
        record.clear();
        record.diagnosis.violation = view.violation;
        diagnose_device(record.diagnosis, *driver.transport());
        if (record.diagnosis.findings().empty()) {
            add_violation(record.diagnosis);
        }
    }
}

}  // namespace detail

/// Finds out why a driver hangs. Takes 2 to 3 KiB of stack: on a smaller stack, pass a record.
template <DiagnosableDriver Driver>
[[__nodiscard__]] Diagnosis diagnose(Driver& driver, uint16_t queue_index = 0, DiagnoseOption const& option = {}) {
    DiagnosisRecord record;
    detail::diagnose_driver(record, driver, queue_index, option);
    return record.diagnosis;
}

/// As above, for its first queue.
template <DiagnosableDriver Driver>
[[__nodiscard__]] Diagnosis diagnose(Driver& driver, DiagnoseOption const& option) {
    return diagnose(driver, 0, option);
}

/// As above, in a record that the caller keeps. The result is `record.diagnosis`, valid until the next call.
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

/// As above, for its first queue.
template <DiagnosableDriver Driver>
Diagnosis const& diagnose(DiagnosisRecord& record, Driver& driver, DiagnoseOption const& option) {
    return diagnose(record, driver, 0, option);
}

}  // namespace virtq
