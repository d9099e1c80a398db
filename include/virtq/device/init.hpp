// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/bit.hpp>
#include <virtq/base/span.hpp>
#include <virtq/device/negotiation.hpp>
#include <virtq/platform/page_allocator.hpp>
#include <virtq/platform/relax.hpp>
#include <virtq/queue/virtqueue.hpp>
#include <virtq/transport/transport.hpp>

#include <stddef.h>
#include <stdint.h>

/// Device initialisation, §3.1.1 (Device Initialization), shared by all drivers and transports.
namespace virtq {

/// The reserved feature bits (§6) that this library implements. It accepts no other ones, whatever a driver wants.
inline constexpr Features implemented_features =
    detail::queue_features | Features::of(spec::Feature::any_layout, spec::Feature::version_1,
                                          spec::Feature::access_platform, spec::Feature::ring_packed,
                                          spec::Feature::notif_config_data, spec::Feature::ring_reset,
                                          spec::Feature::suspend);

namespace detail {

/// §2.2: the bits that belong to a device type, 0 to 23 and 50 to 127. 41 and 42 are shared, but no driver here has
/// them.
[[__nodiscard__]] constexpr Features device_type_features() {
    Features bits;
    bits.set_word(0, 0x00ffffff);
    bits.set_word(1, 0xfffc0000);
    bits.set_word(2, UINT32_MAX);
    bits.set_word(3, UINT32_MAX);
    return bits;
}

/// No other bit is accepted. A constant, because the compiler would make the set anew for each device.
inline constexpr Features known_features = implemented_features | device_type_features();

/// Queues below this number may have been enabled through the transport. 0 if it does not keep count.
template <Transport T>
[[__nodiscard__]] uint32_t enabled_queue_end([[__maybe_unused__]] T const& transport) {
    if constexpr (requires { transport.enabled_queue_end(); }) {
        return transport.enabled_queue_end();
    } else {
        return 0;
    }
}

/// Verifies that queues 0 to `queues` - 1 are disabled, as after every reset (§4.1.4.3.1, §4.2.2.1).
template <Transport T>
[[__nodiscard__]] Status check_queues_disabled(T& transport, uint32_t queues) {
    for (uint32_t queue = 0; queue < queues; ++queue) {
        if (transport.is_queue_in_use(static_cast<uint16_t>(queue))) {
            return transport.status().is_gone() ? Error::device_gone : Error::queue_survived_reset;
        }
    }
    return {};
}

/// How often a device is polled that read FAILED alone before its reset, and still does. A device that a boot loader
/// gave up may need a moment; one that refused an earlier reset never completes.
inline constexpr uint32_t polls_of_failed_device = 1000;

/// Whether the device refuses a reset. FAILED is the driver's bit (§2.1): a device that sets it itself, or clears all
/// other bits, refuses. If FAILED was the only bit before, the device may only be slow.
[[__nodiscard__]] constexpr bool refuses_reset(DeviceStatus before, DeviceStatus now, uint32_t polls) {
    constexpr DeviceStatus failed = DeviceStatus{}.with(spec::StatusBit::failed);
    if (now == failed) {
        return before != failed || polls > polls_of_failed_device;
    }
    return now.has(spec::StatusBit::failed) && !before.has(spec::StatusBit::failed);
}

}  // namespace detail

/// Whether a device may still use its queues' memory after `reset_device` returned this error.
[[__nodiscard__]] constexpr bool is_reset_incomplete(Error error) {
    return error == Error::reset_timed_out || error == Error::reset_refused || error == Error::queue_survived_reset;
}

/// §2.4: resets the device and polls until its status reads 0. Then verifies that queues 0 to `queues` - 1 are
/// disabled. Errors: `reset_timed_out`; `reset_refused`, at once, if the device answers with FAILED, and after 1000
/// polls at most if it read FAILED alone before; `queue_survived_reset`; `device_gone`. After the first three the
/// device may still use the memory of its queues (`is_reset_incomplete`).
template <Transport T, Relax R>
[[__nodiscard__]] Status reset_device(T& transport, PollLimit poll_limit, R& relax, uint32_t queues) {
    DeviceStatus const before = transport.status();
    transport.set_status(DeviceStatus{});
    for (uint32_t polls = 1;; ++polls) {
        DeviceStatus const status = transport.status();
        if (status.is_reset()) {
            return detail::check_queues_disabled(transport, queues);
        }
        if (status.is_gone()) {
            return Error::device_gone;
        }
        if (detail::refuses_reset(before, status, polls)) {
            return Error::reset_refused;
        }
        if (polls >= poll_limit.count) {
            return Error::reset_timed_out;
        }
        relax();
    }
}

/// As above, for the queues that were enabled through this transport since its `probe`.
template <Transport T, Relax R>
[[__nodiscard__]] Status reset_device(T& transport, PollLimit poll_limit, R& relax) {
    return reset_device(transport, poll_limit, relax, detail::enabled_queue_end(transport));
}

namespace detail {

/// The default check of `negotiate`, which accepts every device.
struct AcceptsAnyDevice {
    [[__nodiscard__]] constexpr Error operator()(Features const&) const { return Error::none; }
};

}  // namespace detail

/// The steps of §3.1.1 in order: `negotiate` (1 to 6), `set_up_queue` for each queue (7), `go_live` (8). A step that
/// fails sets FAILED, and no later step may follow.
///
/// A legacy device has no steps 5 and 6 (§3.1.2).
template <class T>
class DeviceInit {
    static_assert(check_transport<T>());

public:
    /// Prepares the initialisation of the device behind `its_transport`, which must outlive it. Accesses no register.
    explicit DeviceInit(T& its_transport) : transport_(its_transport) {}

    /// Steps 1 to 6: reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK. Fills in `offered`, `missing` and
    /// `negotiated`. Calls `check(offered)` before it accepts features: then the configuration may be read but not
    /// written. An error of `check` ends the initialisation. Errors: that, those of `reset_device`, `status_not_kept`,
    /// `init_needs_reset`, `nothing_offered`, `feature_required_not_offered`, `feature_prerequisite_missing`,
    /// `features_refused`.
    template <Relax R, class Check = detail::AcceptsAnyDevice>
    [[__nodiscard__]] Status negotiate(Negotiation& negotiation, PollLimit poll_limit, R& relax,
                                       Check const& check = {}) {
        if constexpr (requires { transport_.is_in_use(); }) {
            VIRTQ_ASSERT(!transport_.is_in_use(),
                         "Another driver uses the device through this transport, and would lose it. Reset or release "
                         "that driver first, or give each device a transport of its own.");
        }
        if (Status const reset = reset_device(transport_, poll_limit, relax); !reset) {
            return reset;
        }
        status_ = DeviceStatus{};  // discards that of an earlier initialisation by this object
        if (Status const begun = announce_driver(); !begun) {
            return begun;
        }
        require_what_the_interface_needs(negotiation);
        read_offered(negotiation);
        if (!negotiation.missing.empty()) {
            bool const is_memory = negotiation.offered.empty() && !transport_.is_legacy();
            return fail(is_memory ? Error::nothing_offered : Error::feature_required_not_offered);
        }
        drop_unmet_needs(negotiation.negotiated, negotiation.needs);
        if (!negotiation.negotiated.contains(negotiation.required)) {
            return fail(Error::feature_prerequisite_missing);
        }
        if (Error const error = check(negotiation.offered); error != Error::none) {
            return fail(error);
        }
        accepted_ = negotiation.negotiated;
        write_accepted(negotiation);
        return transport_.is_legacy() ? check_device() : confirm_features();
    }

    /// Step 7 for queue `index`: agrees on a size of at most `N`, takes pages, and gives the device their addresses.
    /// Not after `go_live`. Errors: `queue_absent`, `queue_in_use`, `queue_not_accepted`, `init_needs_reset`,
    /// `queue_size_fixed_no_power_of_two`, and those of `VirtQueue::init`. After `queue_size_above_capacity`,
    /// `required_queue_size` returns the least `N`.
    template <uint32_t N, class Format, PageAllocator Allocator>
    [[__nodiscard__]] Status set_up_queue(uint16_t index, VirtQueue<N, Format>& queue, Allocator& allocator,
                                          Features const& negotiated, QueueOption option = {}) {
        VIRTQ_ASSERT(status_.has(spec::StatusBit::driver) && negotiated == accepted_,
                     "set_up_queue() got other features than the device accepted, or negotiate() was not called "
                     "before it. Give it Negotiation::negotiated.");
        check_not_live();
        Result<uint32_t> const maximum = free_queue_size(index);
        if (!maximum) {
            return fail(maximum.error());
        }
        // If the device's size is fixed, or the device does not accept a smaller one, the queue gets exactly that
        // size. init() rejects a size that does not fit. A clamped size would put the rings where the device does not
        // expect them.
        bool const any_size = !Format::needs_power_of_two || negotiated.has(spec::Feature::ring_packed);
        uint32_t const most = *maximum < N ? *maximum : N;
        required_queue_size_ =
            transport_.is_queue_size_fixed()
                ? *maximum
                : transport_.choose_queue_size(index, any_size ? most : detail::power_of_two_floor(most));
        uint32_t const size = required_queue_size_;
        if (!any_size && size != 0 && size <= spec::queue_size_max && !detail::is_power_of_two(size)) {
            return fail(Error::queue_size_fixed_no_power_of_two);
        }
        Status const made = queue.init(allocator, size, negotiated, option);
        return made ? enable(index, queue) : fail(made.error());
    }

    /// Step 7 after a reset, for a queue that already has its pages: the same size again. Errors: as above, and
    /// `queue_size_not_taken` if the device allows less than before.
    template <uint32_t N, class Format>
    [[__nodiscard__]] Status resume_queue(uint16_t index, VirtQueue<N, Format>& queue, Features const& negotiated,
                                          QueueOption option = {}) {
        check_not_live();
        Result<uint32_t> const maximum = free_queue_size(index);
        if (!maximum) {
            return fail(maximum.error());
        }
        if (queue.size() > *maximum) {
            return fail(Error::queue_size_not_taken);
        }
        Status const made = queue.restart(negotiated, option);
        return made ? enable(index, queue) : fail(made.error());
    }

    /// Step 8: DRIVER_OK. From here on the device is live and may be notified. Errors: `device_gone`,
    /// `init_needs_reset`.
    [[__nodiscard__]] Status go_live() {
        Status const live = take_step(spec::StatusBit::driver_ok);
        return live ? check_device() : live;
    }

    /// The least `N` that the queue of the last `set_up_queue` needs.
    [[__nodiscard__]] uint32_t required_queue_size() const { return required_queue_size_; }

    /// Gives the device up: sets FAILED (§3.1.1) and returns `error`. If the device is gone, that was the reason, and
    /// it returns `device_gone`.
    [[__nodiscard__]] Status fail(Error error) {
        DeviceStatus const now = transport_.status();
        if (now.is_gone()) {
            return Error::device_gone;
        }
        if (now.has(spec::StatusBit::device_needs_reset)) {
            status_ = status_.with(spec::StatusBit::device_needs_reset);  // set by the device: never cleared (§2.1.1)
        }
        add_status(spec::StatusBit::failed);
        return error;
    }

private:
    /// §3.1.1: step 7 comes before step 8.
    void check_not_live() const {
        VIRTQ_ASSERT(!status_.has(spec::StatusBit::driver_ok),
                     "set_up_queue() or resume_queue() was called after go_live(). Set all queues up first, then go "
                     "live.");
    }

    /// Steps 2 and 3.
    [[__nodiscard__]] Status announce_driver() {
        if (Status const step = take_step(spec::StatusBit::acknowledge); !step) {
            return step;
        }
        if (Status const step = take_step(spec::StatusBit::driver); !step) {
            return step;
        }
        if (Status const alive = check_device(); !alive) {
            return alive;
        }
        return transport_.status().has(spec::StatusBit::driver) ? Status{} : fail(Error::status_not_kept);
    }

    /// Steps 5 and 6.
    [[__nodiscard__]] Status confirm_features() {
        DeviceStatus const before = status_;
        if (Status const step = take_step(spec::StatusBit::features_ok); !step) {
            return step;
        }
        if (Status const alive = check_device(); !alive) {
            return alive;
        }
        if (transport_.status().has(spec::StatusBit::features_ok)) {
            return {};
        }
        status_ = before;  // some devices (QEMU) refuse FAILED together with FEATURES_OK
        return fail(Error::features_refused);
    }

    /// §2.1.2: a device may fail at any time. Each step checks that first, because its status write would clear
    /// DEVICE_NEEDS_RESET.
    [[__nodiscard__]] Status check_device() {
        return transport_.status().has(spec::StatusBit::device_needs_reset) ? fail(Error::init_needs_reset) : Status{};
    }
    [[__nodiscard__]] Status take_step(spec::StatusBit bit) {
        Status const alive = check_device();
        if (alive) {
            add_status(bit);
        }
        return alive;
    }

    /// The largest size of queue `index`. Errors: `queue_in_use`, `queue_absent`.
    [[__nodiscard__]] Result<uint32_t> free_queue_size(uint16_t index) {
        if (transport_.is_queue_in_use(index)) {  // first: the size may be read only of an idle queue (§4.2.4)
            return Error::queue_in_use;
        }
        uint32_t const maximum = transport_.queue_size_max(index);
        return maximum == 0 ? Result<uint32_t>{Error::queue_absent} : Result<uint32_t>{maximum};
    }

    template <uint32_t N, class Format>
    [[__nodiscard__]] Status enable(uint16_t index, VirtQueue<N, Format>& queue) {
        queue.attach();
        Status const enabled = transport_.enable_queue(index, queue.addresses());
        if (Status const alive = check_device(); !alive) {
            return alive;  // this is the reason, even if the queue was not accepted
        }
        return enabled ? enabled : fail(enabled.error());
    }

    /// §2.1.1: the driver only adds bits. They are stored here and not read back: so a device that misbehaves cannot
    /// make the driver claim a step that it did not take.
    void add_status(spec::StatusBit bit) {
        status_ = status_.with(bit);
        transport_.set_status(status_);
    }

    /// §6.1 and §6.3: a modern device must offer VERSION_1. NOTIF_CONFIG_DATA concerns only the transport, so it is
    /// accepted if offered. A legacy device may offer ANY_LAYOUT, which is accepted, too.
    void require_what_the_interface_needs(Negotiation& negotiation) {
        if (transport_.is_legacy()) {
            negotiation.wanted.set(spec::Feature::any_layout);
        } else {
            negotiation.wanted.set(spec::Feature::notif_config_data);
            negotiation.required.set(spec::Feature::version_1);
        }
    }

    /// §2.2.1: drops each feature whose needs are not accepted. A round that is not the last drops at least one, so
    /// `needs.size()` rounds are enough.
    static void drop_unmet_needs(Features& accepted, Span<FeatureNeed const> needs) {
        for (size_t round = 0; round < needs.size(); ++round) {
            for (FeatureNeed const& need : needs) {
                if (accepted.has_bit(need.bit) && !accepted.has_bit(need.needs)) {
                    accepted.clear(need.bit);
                }
            }
        }
    }

    /// Whether feature word `word` is transferred. A legacy interface has only word 0. Words 2 and 3 are used only if
    /// the driver wants one of their bits: QEMU's virtio-mmio takes every selector above 1 for 1, so that writing word
    /// 2 would overwrite word 1.
    [[__nodiscard__]] bool uses_word(unsigned word, Negotiation const& negotiation) const {
        return word == 0 || (!transport_.is_legacy() && (word == 1 || negotiation.wanted.word(word) != 0));
    }

    /// Reads what is offered, and decides what of it can be accepted. Word by word, as the transports have the features:
    /// operations on whole sets would take twice the code.
    void read_offered(Negotiation& negotiation) {
        Features const possible = transport_.possible_features();
        for (unsigned word = 0; word < Features::word_count; ++word) {
            uint32_t const required = negotiation.required.word(word);
            uint32_t const wanted = (negotiation.wanted.word(word) & ~negotiation.unwanted.word(word)) | required;
            negotiation.wanted.set_word(word, wanted);
            uint32_t const offered = uses_word(word, negotiation) ? transport_.offered_features(word) : 0;
            uint32_t const usable = offered & possible.word(word) & detail::known_features.word(word);
            negotiation.offered.set_word(word, offered);
            negotiation.missing.set_word(word, required & ~usable);
            negotiation.negotiated.set_word(word, usable & wanted);
        }
    }

    void write_accepted(Negotiation const& negotiation) {
        for (unsigned word = 0; word < Features::word_count; ++word) {
            if (uses_word(word, negotiation)) {
                transport_.accept_features(word, negotiation.negotiated.word(word));
            }
        }
    }

    T& transport_;
    DeviceStatus status_;
    Features accepted_;
    uint32_t required_queue_size_ = 0;
};

}  // namespace virtq
