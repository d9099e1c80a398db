// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/relax.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

/// VIRTIO_F_SUSPEND, §3.4 (Device Suspend): the device rests and keeps its state, queues included. A driver that wants
/// it adds the bit to `Negotiation::wanted`, and calls these only if it was negotiated.
///
/// Between them no buffer may be made available, no notification sent and no configuration written (§3.4.1), so the
/// caller holds its queues' locks or has stopped their users. What the device had used is still there to be taken.
namespace virtq {

/// Looks until `bit` is set and `other` is not.
template <Transport T, Relax R>
[[__nodiscard__]] Status await_status(T& transport, spec::StatusBit bit, spec::StatusBit other, Looks looks,
                                      R& relax) {
    for (uint32_t look = 1;; ++look) {
        DeviceStatus const status = transport.status();
        if (status.is_gone()) {
            return Error::device_gone;
        }
        if (status.has(spec::StatusBit::device_needs_reset)) {
            return Error::reset_needed;
        }
        if (status.has(bit) && !status.has(other)) {
            return {};
        }
        if (look >= looks.count) {
            return Error::suspend_timed_out;
        }
        relax();
    }
}

/// Suspends a live device, and waits until it says so. Errors: `not_live` (DRIVER_OK is not set), `device_gone`,
/// `reset_needed` (it could not), `suspend_timed_out`; after the last it may still become suspended.
template <Transport T, Relax R>
[[__nodiscard__]] Status suspend_device(T& transport, Looks looks, R& relax) {
    DeviceStatus const status = transport.status();
    if (status.is_gone()) {
        return Error::device_gone;
    }
    if (!status.has(spec::StatusBit::driver_ok)) {
        return Error::not_live;
    }
    transport.set_status(status.with(spec::StatusBit::suspend));
    return await_status(transport, spec::StatusBit::suspend, spec::StatusBit::driver_ok, looks, relax);
}

/// Lets a suspended device go on, and waits until it does. Then publish and notify as usual. Errors: as above.
template <Transport T, Relax R>
[[__nodiscard__]] Status resume_device(T& transport, Looks looks, R& relax) {
    DeviceStatus const status = transport.status();
    if (status.is_gone()) {
        return Error::device_gone;
    }
    transport.set_status(status.with(spec::StatusBit::driver_ok));
    return await_status(transport, spec::StatusBit::driver_ok, spec::StatusBit::suspend, looks, relax);
}

}  // namespace virtq
