// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/diag/address_range.hpp>
#include <virtq/diag/cause.hpp>
#include <virtq/diag/device_snapshot.hpp>
#include <virtq/diag/pci_interrupt_state.hpp>
#include <virtq/diag/queue_snapshot.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

namespace virtq {

/// What the kernel has observed.
enum class Symptom : uint8_t {
    hang,  ///< something should have come by now and did not
    none,  ///< nothing, this is a routine check: states that are normal for a moment are not reported
};

/// What a queue is for, which decides whether silence is normal.
enum class QueueUse : uint8_t {
    by_device,  ///< taken from the device type and the queue number, if the standard defines it
    requests,   ///< the device answers requests
    receive,    ///< the device answers when something arrives: packets, keys, events
};

/// Options of `diagnose`.
struct DiagnoseOption {
    Symptom symptom = Symptom::hang;  ///< decides whether states that are normal for a moment are reported
    /// The machine's memory as the device sees it. If it is given, addresses outside it are reported. A range of 0
    /// bytes is ignored.
    Span<AddressRange const> ram{};
    /// For a device on PCI: the result of `take_pci_interrupt_state(function)`. It often shows why no interrupt comes.
    PciInterruptState pci{};
    QueueUse use = QueueUse::by_device;  ///< set it if the standard does not define what the queue is for
};

/// What a driver found wrong in a buffer or in the configuration: its `DriverFault`, with the sentence.
struct TypeViolation {
    char const* sentence = nullptr;  ///< what the device did; null: nothing
    uint32_t value = 0;              ///< what the device wrote: a length, a number, a type
    uint16_t queue = 0;              ///< the number of the queue

    /// Whether there was a violation.
    [[__nodiscard__]] constexpr explicit operator bool() const { return sentence != nullptr; }
};

/// One cause, and the number that shows it.
struct Finding {
    Cause cause = Cause::none;  ///< what is wrong; print it with `describe`
    uint16_t descriptor = 0;    ///< index of the descriptor, for causes that concern one
    uint64_t value = 0;         ///< what was read: a register, an index, an address
    uint64_t expected = 0;      ///< what was expected, if that is known
};

/// The result of `diagnose`: the causes, most probable first, and everything that was read. A plain value.
class Diagnosis {
public:
    static constexpr unsigned capacity = 4;  ///< the most findings that are kept

    /// The most probable finding; its cause is `none` if nothing was found.
    [[__nodiscard__]] constexpr Finding const& first() const { return findings_[0]; }
    /// The most probable cause, to compare or to print with `describe`.
    [[__nodiscard__]] constexpr Cause cause() const { return first().cause; }
    /// True if nothing wrong is visible from the driver's side.
    [[__nodiscard__]] constexpr bool is_healthy() const {
        return cause() == Cause::none || cause() == Cause::nothing_in_flight || cause() == Cause::nothing_asked ||
               cause() == Cause::nothing_arrived;
    }
    /// All that was found, the most probable first; empty if nothing is wrong.
    [[__nodiscard__]] constexpr Span<Finding const> findings() const { return {findings_, count_}; }

    /// Adds a finding, unless its cause is `none`. A finding that does not fit is dropped: later ones are less
    /// probable.
    constexpr void add(Finding const& finding) {
        if (finding.cause != Cause::none && count_ < capacity) {
            findings_[count_++] = finding;
        }
    }

    bool has_queue = false;    ///< `queue_index`, `queue` and `negotiated` are known
    bool has_ram = false;      ///< addresses were compared with `DiagnoseOption::ram`
    uint16_t queue_index = 0;  ///< the queue's number at its device
    QueueSnapshot queue;       ///< the driver's state, and the words in shared memory
    Features negotiated;       ///< features that the driver accepted (§2.2)
    Features missing;          ///< after a failed `init` of a driver: required features that the device does not offer
    DeviceSnapshot device;     ///< what its registers report
    TypeViolation violation;   ///< the first that the driver reported, in any of its queues

private:
    Finding findings_[capacity] = {};
    unsigned count_ = 0;
};

namespace detail {

/// Who calls notify() of the transport.
enum class Notifier : uint8_t { caller, driver };

}  // namespace detail

}  // namespace virtq
