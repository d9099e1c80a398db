// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/relax.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

/// VIRTIO_F_SUSPEND, §3.4 (Device Suspend): the device rests and keeps its state, queues included. A driver that wants
/// it adds the bit to `Negotiation::wanted`.
///
/// Between them no buffer may be made available, no notification sent and no configuration written (§3.4.1), so the
/// caller holds its queues' locks or has stopped their users. What the device had used is still there to be taken.
namespace virtq {

namespace detail {

/// Polls until `bit` is set and `other` is not.
template <Transport T, Relax R>
[[__nodiscard__]] Status await_status(T& transport, spec::StatusBit bit, spec::StatusBit other, PollLimit poll_limit,
                                      R& relax) {
    for (uint32_t polls = 1;; ++polls) {
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
        if (polls >= poll_limit.count) {
            return Error::suspend_timed_out;
        }
        relax();
    }
}

}  // namespace detail

/// Suspends a live device, and polls until it reports that it is suspended. `negotiated` is what `negotiate` agreed
/// on. Errors: `suspend_not_negotiated`, `not_live` (DRIVER_OK is not set), `device_gone`, `reset_needed` (it could
/// not), `suspend_timed_out`; after the last it may still become suspended.
template <Transport T, Relax R>
[[__nodiscard__]] Status suspend_device(T& transport, Features const& negotiated, PollLimit poll_limit, R& relax) {
    if (!negotiated.has(spec::Feature::suspend)) {
        return Error::suspend_not_negotiated;
    }
    DeviceStatus const status = transport.status();
    if (status.is_gone()) {
        return Error::device_gone;
    }
    if (!status.has(spec::StatusBit::driver_ok)) {
        return Error::not_live;
    }
    transport.set_status(status.with(spec::StatusBit::suspend));
    return detail::await_status(transport, spec::StatusBit::suspend, spec::StatusBit::driver_ok, poll_limit, relax);
}

/// Lets a suspended device go on, and polls until it does. Then publish and notify as usual. Errors:
/// `suspend_not_negotiated`, `device_gone`, `device_was_reset` (its queues are gone), `reset_needed`, `not_suspended`;
/// then nothing was written. `suspend_timed_out`: it may still resume.
template <Transport T, Relax R>
[[__nodiscard__]] Status resume_device(T& transport, Features const& negotiated, PollLimit poll_limit, R& relax) {
    if (!negotiated.has(spec::Feature::suspend)) {
        return Error::suspend_not_negotiated;
    }
    DeviceStatus const status = transport.status();
    if (status.is_gone()) {
        return Error::device_gone;
    }
    if (status.is_reset()) {
        return Error::device_was_reset;
    }
    if (status.has(spec::StatusBit::device_needs_reset)) {
        return Error::reset_needed;
    }
    if (!status.has(spec::StatusBit::suspend)) {
        return Error::not_suspended;
    }
    transport.set_status(status.with(spec::StatusBit::driver_ok));
    return detail::await_status(transport, spec::StatusBit::driver_ok, spec::StatusBit::suspend, poll_limit, relax);
}

}  // namespace virtq
