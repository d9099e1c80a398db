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

/// Why the kernel asks.
enum class Symptom : uint8_t {
    hang,  ///< something should have come by now, and did not
    none,  ///< in passing: what is normal for a moment is not reported
};

/// What a queue is for, which decides whether silence is normal.
enum class QueueUse : uint8_t {
    by_device,  ///< as the standard says for the device's type and the queue's number, where it is known
    requests,   ///< the device answers what it is asked
    receive,    ///< the device answers when something arrives: packets, keys, events
};

/// Options of `diagnose`.
struct DiagnoseOption {
    Symptom symptom = Symptom::hang;
    /// The machine's memory as the device sees it; if it is named, addresses outside of it are found. A range of 0
    /// bytes names nothing.
    Span<AddressRange const> ram{};
    /// Of a device on PCI what `take_pci_interrupt_state(function)` says: why no interrupt comes is often seen there.
    PciInterruptState pci{};
    QueueUse use = QueueUse::by_device;
};

/// One cause, and the number that shows it.
struct Finding {
    Cause cause = Cause::none;
    uint64_t value = 0;       ///< what stood there: a register, an index, an address
    uint64_t expected = 0;    ///< what should have stood there, where that is known
    uint16_t descriptor = 0;  ///< of which descriptor, for causes that concern one
};

/// The answer of `diagnose`, most probable cause first, with all that was looked at. A plain value.
class Diagnosis {
public:
    static constexpr unsigned capacity = 4;

    [[__nodiscard__]] constexpr Finding const& first() const { return findings_[0]; }
    [[__nodiscard__]] constexpr Cause cause() const { return first().cause; }
    /// Nothing is wrong that can be seen from the driver's side.
    [[__nodiscard__]] constexpr bool is_healthy() const {
        return cause() == Cause::none || cause() == Cause::nothing_in_flight || cause() == Cause::nothing_asked ||
               cause() == Cause::nothing_arrived;
    }
    /// All that was found, the most probable first; empty if nothing is wrong.
    [[__nodiscard__]] constexpr Span<Finding const> findings() const { return {findings_, count_}; }

    /// One more, if it is one; those that do not fit are less probable.
    constexpr void add(Finding const& finding) {
        if (finding.cause != Cause::none && count_ < capacity) {
            findings_[count_++] = finding;
        }
    }

    bool has_queue = false;  ///< the next four are known
    uint16_t queue_index = 0;
    QueueSnapshot queue;
    Features negotiated;
    Features missing;  ///< of a driver whose `init` failed: required, and not offered
    DeviceSnapshot device;

private:
    Finding findings_[capacity] = {};
    unsigned count_ = 0;
};

namespace detail {

/// Who calls notify() of the transport.
enum class Notifier : uint8_t { caller, driver };

}  // namespace detail

}  // namespace virtq
