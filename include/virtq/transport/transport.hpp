// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/base/result.hpp>
#include <virtq/queue/layout.hpp>
#include <virtq/spec/device_id.hpp>
#include <virtq/spec/device_status.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

/// What a transport offers to device code: registers, never ring contents. `device/` decides the order of the calls.
/// `notify` and `on_interrupt` may run at any time, on any CPU, unless the transport documents otherwise (as
/// `AnyTransport` does for the configuration window). The caller serialises all other calls.
namespace virtq {

/// Why the device interrupted. Both fields can be set at once. A kernel that only wants to acknowledge may ignore
/// them.
struct InterruptCause {
    bool used_buffer = false;    ///< the device has used buffers (§2.3)
    bool config_change = false;  ///< the device has changed its configuration (§2.3)
};

/// One virtio device, as device code sees it. `MmioTransport` is the shortest to read. README.md in this folder
/// explains how to write another one. A transport without registers may begin like this:
///
/// ```text
/// class MailboxTransport : public virtq::TransportDefaults {  // possible_features() … is_queue_reset() are its
/// public:
///     virtq::spec::DeviceId device_id() const { return type_; }  // `none` until a probe has succeeded
///     bool is_legacy() const { return false; }
///     virtq::DeviceStatus status() { return virtq::DeviceStatus{ask8(Message::get_status)}; }
///     void set_status(virtq::DeviceStatus status) { tell(Message::set_status, status.bits()); }
///     …  // the calls that the concept lists
/// };
/// static_assert(virtq::check_transport<MailboxTransport>());
/// ```
template <class T>
concept Transport = requires(T& transport, T const& constant, uint16_t queue, uint16_t next, uint32_t size,
                             unsigned word, uint32_t bits, uint16_t offset, uint8_t octet, DeviceStatus status,
                             QueueAddresses const& addresses) {
    /// Returns the type of the device (§5), `none` until a probe has succeeded. For example `spec::DeviceId::block`.
    { constant.device_id() } -> detail::SameAs<spec::DeviceId>;
    /// Returns whether the interface is the legacy one (§1.3.1): one word of features, and no FEATURES_OK.
    { constant.is_legacy() } -> detail::SameAs<bool>;
    /// Returns the feature bits that this transport can carry (§2.2.1). Default: see `TransportDefaults`.
    { constant.possible_features() } -> detail::SameAs<Features>;

    /// Returns the device status field (§2.1); all ones if nothing answers. A transport may also have a function
    /// `uint32_t enabled_queue_end() const`: one above the highest queue enabled since its probe. With it,
    /// `reset_device` checks that the reset has disabled these queues.
    { transport.status() } -> detail::SameAs<DeviceStatus>;
    /// Writes the device status field. Status 0 requests a reset, without waiting for its end (§2.4).
    { transport.set_status(status) } -> detail::SameAs<void>;

    /// Returns the 32 offered feature bits from `32 * word` on (§2.2). Bit 0 of word 1 is VERSION_1.
    { transport.offered_features(word) } -> detail::SameAs<uint32_t>;
    /// Writes the 32 accepted feature bits from `32 * word` on (§2.2).
    { transport.accept_features(word, bits) } -> detail::SameAs<void>;

    /// Returns the largest size of queue number `queue` (§2.6), in descriptors; 0 if there is no such queue.
    { transport.queue_size_max(queue) } -> detail::SameAs<uint32_t>;
    /// Returns whether the device accepts only its largest size, as on legacy PCI (§4.1.5.1.3.1). Default: false.
    { transport.is_queue_size_fixed() } -> detail::SameAs<bool>;
    /// Requests a smaller size, in descriptors. Returns the size that the device took, which may differ. Default:
    /// returns `size`.
    { transport.choose_queue_size(queue, size) } -> detail::SameAs<uint32_t>;
    /// Returns whether the queue is enabled already.
    { transport.is_queue_in_use(queue) } -> detail::SameAs<bool>;
    /// Enables the queue with the size and addresses in `addresses`, and reads back what can be read back. It writes
    /// the size too: after a reset nobody calls `choose_queue_size` again. Errors: for example `queue_not_accepted`.
    { transport.enable_queue(queue, addresses) } -> detail::SameAs<Status>;

    /// Sends an available buffer notification (§2.3). `next` is `Notification::next`, used if NOTIFICATION_DATA (§2.9)
    /// was negotiated. May be called at any time, on any CPU.
    { transport.notify(queue, next) } -> detail::SameAs<void>;

    /// Requests the reset of one queue (§2.6.1). Default: does nothing.
    { transport.reset_queue(queue) } -> detail::SameAs<void>;
    /// Returns whether the reset is complete and the queue disabled (§2.6.1). Default: false.
    { transport.is_queue_reset(queue) } -> detail::SameAs<bool>;

    /// Acknowledges the interrupt (§2.3) first, then returns its cause, so that a later event raises a new one. A
    /// second call returns no cause. May be called at any time, on any CPU.
    { transport.on_interrupt() } -> detail::SameAs<InterruptCause>;

    /// Each call reads a field of the configuration space (§2.5), in the width of the field, `offset` bytes from its
    /// start. The result is in the byte order of the CPU.
    { transport.read_config8(offset) } -> detail::SameAs<uint8_t>;
    { transport.read_config16(offset) } -> detail::SameAs<uint16_t>;
    { transport.read_config32(offset) } -> detail::SameAs<uint32_t>;
    /// Each call writes a field, in the same way. The value is in the byte order of the CPU.
    { transport.write_config8(offset, octet) } -> detail::SameAs<void>;
    { transport.write_config16(offset, next) } -> detail::SameAs<void>;
    { transport.write_config32(offset, bits) } -> detail::SameAs<void>;
    /// Returns a number that changes whenever a read may have been torn (§2.5.1). A legacy device returns 0; its
    /// readers compare two reads. There is no default: a constant would let torn reads of a modern device pass.
    { transport.config_generation() } -> detail::SameAs<uint32_t>;
};

/// Defaults for the five calls that can have one. A transport with few or no registers derives from it. A queue then
/// has the requested size, and cannot be reset alone.
struct TransportDefaults {
    /// All features except those that need registers or other notification data: RING_RESET, NOTIFICATION_DATA,
    /// ADMIN_VQ, SR_IOV and NOTIF_CONFIG_DATA.
    [[__nodiscard__]] Features possible_features() const {
        Features possible;
        for (unsigned word = 0; word < Features::word_count; ++word) {
            possible.set_word(word, UINT32_MAX);
        }
        possible.clear(spec::Feature::ring_reset);
        possible.clear(spec::Feature::notification_data);
        possible.clear(spec::Feature::admin_vq);
        possible.clear(spec::Feature::sr_iov);
        possible.clear(spec::Feature::notif_config_data);
        return possible;
    }
    /// Queues may be smaller than the largest size.
    [[__nodiscard__]] bool is_queue_size_fixed() const { return false; }
    /// Returns `size`: the queue then has this size.
    [[__nodiscard__]] uint32_t choose_queue_size(uint16_t, uint32_t size) { return size; }
    /// Does nothing: no queue can be reset alone (§2.6.1).
    void reset_queue(uint16_t) {}
    /// Never true: no queue can be reset alone (§2.6.1).
    [[__nodiscard__]] bool is_queue_reset(uint16_t) { return false; }
};

namespace detail {

template <class T>
constexpr void name_missing_device_calls() {
    static_assert(
        requires(T const& transport) {
            { transport.device_id() } -> SameAs<spec::DeviceId>;
        },
        "This transport has no public `virtq::spec::DeviceId device_id() const`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T const& transport) {
            { transport.is_legacy() } -> SameAs<bool>;
        },
        "This transport has no public `bool is_legacy() const`: add it, see virtq/transport/transport.hpp");
    static_assert(
        requires(T const& transport) {
            { transport.possible_features() } -> SameAs<Features>;
        },
        "This transport has no public `virtq::Features possible_features() const`: add it, or derive from "
        "virtq::TransportDefaults; see virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport) {
            { transport.status() } -> SameAs<DeviceStatus>;
        },
        "This transport has no public `virtq::DeviceStatus status()`: add it, see virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, DeviceStatus status) {
            { transport.set_status(status) } -> SameAs<void>;
        },
        "This transport has no public `void set_status(virtq::DeviceStatus status)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, unsigned word) {
            { transport.offered_features(word) } -> SameAs<uint32_t>;
        },
        "This transport has no public `uint32_t offered_features(unsigned word)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, unsigned word, uint32_t bits) {
            { transport.accept_features(word, bits) } -> SameAs<void>;
        },
        "This transport has no public `void accept_features(unsigned word, uint32_t bits)`: add it, see "
        "virtq/transport/transport.hpp");
}

template <class T>
constexpr void name_missing_queue_calls() {
    static_assert(
        requires(T & transport, uint16_t queue) {
            { transport.queue_size_max(queue) } -> SameAs<uint32_t>;
        },
        "This transport has no public `uint32_t queue_size_max(uint16_t queue)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport) {
            { transport.is_queue_size_fixed() } -> SameAs<bool>;
        },
        "This transport has no public `bool is_queue_size_fixed() const`: add it, or derive from "
        "virtq::TransportDefaults; see virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t queue, uint32_t size) {
            { transport.choose_queue_size(queue, size) } -> SameAs<uint32_t>;
        },
        "This transport has no public `uint32_t choose_queue_size(uint16_t queue, uint32_t size)`: add it, or derive "
        "from virtq::TransportDefaults; see virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t queue) {
            { transport.is_queue_in_use(queue) } -> SameAs<bool>;
        },
        "This transport has no public `bool is_queue_in_use(uint16_t queue)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t queue, QueueAddresses const& addresses) {
            { transport.enable_queue(queue, addresses) } -> SameAs<Status>;
        },
        "This transport has no public `virtq::Status enable_queue(uint16_t queue, virtq::QueueAddresses const& "
        "addresses)`: add it, see virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t queue, uint16_t next) {
            { transport.notify(queue, next) } -> SameAs<void>;
        },
        "This transport has no public `void notify(uint16_t queue, uint16_t next)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t queue) {
            { transport.reset_queue(queue) } -> SameAs<void>;
        },
        "This transport has no public `void reset_queue(uint16_t queue)`: add it, or derive from "
        "virtq::TransportDefaults; see virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t queue) {
            { transport.is_queue_reset(queue) } -> SameAs<bool>;
        },
        "This transport has no public `bool is_queue_reset(uint16_t queue)`: add it, or derive from "
        "virtq::TransportDefaults; see virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport) {
            { transport.on_interrupt() } -> SameAs<InterruptCause>;
        },
        "This transport has no public `virtq::InterruptCause on_interrupt()`: add it, see "
        "virtq/transport/transport.hpp");
}

template <class T>
constexpr void name_missing_configuration_calls() {
    static_assert(
        requires(T & transport, uint16_t offset) {
            { transport.read_config8(offset) } -> SameAs<uint8_t>;
        },
        "This transport has no public `uint8_t read_config8(uint16_t offset)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t offset) {
            { transport.read_config16(offset) } -> SameAs<uint16_t>;
        },
        "This transport has no public `uint16_t read_config16(uint16_t offset)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t offset) {
            { transport.read_config32(offset) } -> SameAs<uint32_t>;
        },
        "This transport has no public `uint32_t read_config32(uint16_t offset)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t offset, uint8_t octet) {
            { transport.write_config8(offset, octet) } -> SameAs<void>;
        },
        "This transport has no public `void write_config8(uint16_t offset, uint8_t value)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t offset, uint16_t value) {
            { transport.write_config16(offset, value) } -> SameAs<void>;
        },
        "This transport has no public `void write_config16(uint16_t offset, uint16_t value)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport, uint16_t offset, uint32_t value) {
            { transport.write_config32(offset, value) } -> SameAs<void>;
        },
        "This transport has no public `void write_config32(uint16_t offset, uint32_t value)`: add it, see "
        "virtq/transport/transport.hpp");
    static_assert(
        requires(T & transport) {
            { transport.config_generation() } -> SameAs<uint32_t>;
        },
        "This transport has no public `uint32_t config_generation()`: add it, see virtq/transport/transport.hpp");
}

}  // namespace detail

/// Whether the type is a `Transport`. If it is not, compilation fails with a sentence for each call that is missing or
/// has other types.
template <class T>
[[__nodiscard__]] constexpr bool check_transport() {
    detail::name_missing_device_calls<T>();
    detail::name_missing_queue_calls<T>();
    detail::name_missing_configuration_calls<T>();
    return Transport<T>;
}

/// Counts the queues of a device without a register for their number: up to the first of size 0.
template <class T>
[[__nodiscard__]] uint16_t count_queues(T& transport) {
    uint16_t count = 0;
    while (count < UINT16_MAX && transport.queue_size_max(count) != 0) {
        ++count;
    }
    return count;
}

}  // namespace virtq
