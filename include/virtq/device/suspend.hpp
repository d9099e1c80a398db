// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/relax.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

/// VIRTIO_F_SUSPEND, §3.4 (Device Suspend): the device pauses and keeps its state, queues included. A driver that
/// wants this adds the bit to `Negotiation::wanted`.
///
/// Between `suspend_device` and `resume_device` no buffer may be made available, no notification sent and no
/// configuration written (§3.4.1). So the caller holds its queues' locks, or has stopped their users. Buffers that the
/// device used before can still be taken.
namespace virtq {

namespace detail {

/// Polls until `bit` is set and `other` is not. Errors: `device_gone`, `reset_needed`, `suspend_timed_out`.
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

/// Suspends a live device and polls until the device confirms it. `negotiated` is what `negotiate` agreed on. Errors:
/// `suspend_not_negotiated`; `not_live` (DRIVER_OK is not set); `device_gone`; `reset_needed` (the device could not
/// suspend); `suspend_timed_out`: it may still become suspended.
template <Transport T, Relax R>
[[__nodiscard__]] Status suspend_device(T& transport, Features const& negotiated, PollLimit poll_limit, R& relax) {
    detail::bring_descriptions<detail::ErrorGroup::further_calls>();
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

/// Resumes a suspended device and polls until the device confirms it. Afterwards publish and notify as usual. Errors:
/// `suspend_not_negotiated`, `device_was_reset` (its queues are gone) and `not_suspended`, with nothing written;
/// `device_gone`; `reset_needed`; `suspend_timed_out`: it may still resume.
template <Transport T, Relax R>
[[__nodiscard__]] Status resume_device(T& transport, Features const& negotiated, PollLimit poll_limit, R& relax) {
    detail::bring_descriptions<detail::ErrorGroup::further_calls>();
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
