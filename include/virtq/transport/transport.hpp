// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/base/same_as.hpp>
#include <virtq/queue/layout.hpp>
#include <virtq/spec/device_id.hpp>
#include <virtq/spec/device_status.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

/// What a transport offers to device code: registers, never ring contents. The order in which they are used is
/// `device/`'s. `notify` and `on_interrupt` may run at any time, on any CPU; all other calls are serialised.
namespace virtq {

/// Why the device interrupted. Both can be set at once. A kernel that only wants to acknowledge may ignore it.
struct InterruptCause {
    bool used_buffer = false;
    bool config_change = false;
};

template <class T>
concept Transport = requires(T& transport, T const& constant, uint16_t queue, uint16_t next, uint32_t size,
                             unsigned word, uint32_t bits, uint16_t offset, uint8_t octet, DeviceStatus status,
                             QueueAddresses const& addresses) {
    /// What the device is, and whether its interface is the legacy one (§1.3.1).
    { constant.device_id() } -> SameAs<spec::DeviceId>;
    { constant.is_legacy() } -> SameAs<bool>;
    /// Feature bits that this transport can carry (§2.2.1).
    { constant.possible_features() } -> SameAs<Features>;

    /// The device status field (§2.1). Writing 0 asks for a reset.
    { transport.status() } -> SameAs<DeviceStatus>;
    { transport.set_status(status) } -> SameAs<void>;

    /// 32 feature bits, from `32 * word` on (§2.2).
    { transport.offered_features(word) } -> SameAs<uint32_t>;
    { transport.accept_features(word, bits) } -> SameAs<void>;

    /// Queue number `queue`: its largest size, 0 if there is none; whether it is enabled already; enabling it with the
    /// size and the places of `addresses`, read back. After a reset no `choose_queue_size` comes before that.
    { transport.queue_size_max(queue) } -> SameAs<uint32_t>;
    { transport.is_queue_size_fixed() } -> SameAs<bool>;
    /// Tells the device a smaller size where that can be; returns what it took, perhaps another.
    { transport.choose_queue_size(queue, size) } -> SameAs<uint32_t>;
    { transport.is_queue_in_use(queue) } -> SameAs<bool>;
    { transport.enable_queue(queue, addresses) } -> SameAs<Status>;

    /// Sends an available buffer notification (§2.3) of a queue; `next` is where the driver goes on, which a device
    /// with NOTIFICATION_DATA is told (§2.9): `Notification::next`.
    { transport.notify(queue, next) } -> SameAs<void>;

    /// §2.6.1: asks for the reset of one queue; whether that is complete, and the queue not enabled.
    { transport.reset_queue(queue) } -> SameAs<void>;
    { transport.is_queue_reset(queue) } -> SameAs<bool>;

    /// Acknowledges first, then returns the cause, so that an event after it raises a new interrupt. A second call
    /// finds nothing.
    { transport.on_interrupt() } -> SameAs<InterruptCause>;

    /// Configuration space (§2.5), in the width of the field.
    { transport.read_config8(offset) } -> SameAs<uint8_t>;
    { transport.read_config16(offset) } -> SameAs<uint16_t>;
    { transport.read_config32(offset) } -> SameAs<uint32_t>;
    { transport.write_config8(offset, octet) } -> SameAs<void>;
    { transport.config_generation() } -> SameAs<uint32_t>;
};

}  // namespace virtq
