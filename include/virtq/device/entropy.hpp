// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/driver_core.hpp>
#include <virtq/device/slot_queue.hpp>

#include <stdint.h>

namespace virtq {

/// A source of random bytes. **Spec** §5.4 (Entropy Device).
///
/// Asynchronous: `submit`, `kick_device`, then `take_completed`. Blocking: `read`. Both may be mixed. `reset`, `release`
/// and the threading rules are those of `DriverCore`; the caller serialises all other calls.
template <class T, uint32_t N = 8, class Traits = DriverTraits>
class EntropyDevice : public DriverCore<EntropyDevice<T, N, Traits>, T> {
    using Core = DriverCore<EntropyDevice, T>;
    friend Core;
    using Requests = SlotQueue<N, Traits, SlotShape<0, 0>>;

public:
    static constexpr spec::DeviceId device_type = spec::DeviceId::entropy;  ///< `init` rejects every other type
    using Mapper = typename Traits::Mapper;  ///< makes the caller's buffers visible to the device

    /// The most pages that `init` takes.
    [[__nodiscard__]] static constexpr uint32_t page_count() { return Requests::page_count(); }

    /// Asks for random bytes in `buffer`, which is the device's until the request has ended. Errors: those of
    /// `VirtQueue::add` and of the mapper, `reset_needed`, `not_initialised`.
    [[__nodiscard__]] Status submit(Segment const& buffer, Token token) { return add(buffer, token).error(); }

    /// Makes all submitted requests visible to the device, and notifies it if it wants that. Returns whether it was
    /// notified.
    bool kick_device() {
        return this->check_usable() == Error::none && this->notify(queue_index, requests_.publish());
    }

    /// Takes the next request that has ended. The first `bytes` bytes of its buffer are random; these may be fewer than
    /// asked for (§5.4.6). Error of a request: `answer_invalid`, if there is not even one byte.
    [[__nodiscard__]] RequestCompletion take_completed() { return this->next_completed(requests_, collect()); }

    /// Asks for an interrupt when the next request ends. Sleep only after `MaySleep::yes`, and only while `in_flight()`
    /// is not 0. Notifications are off after `init` and `reset`.
    [[__nodiscard__]] MaySleep enable_used_notifications() { return this->enable_notifications(requests_); }
    /// Asks for no interrupts, for polling.
    void disable_used_notifications() { requests_.ring().disable_used_notifications(); }
    /// Requests that the device has.
    [[__nodiscard__]] uint16_t in_flight() const { return requests_.in_flight(); }

    /// Fills all of `buffer`, however little the device returns at a time, and waits for it, also for room in a full
    /// queue. Errors: those of `submit`, `answer_invalid`, and `timed_out`, `queue_broken`, `device_gone`,
    /// `reset_needed`, `request_cancelled`. After the first four of these the buffer belongs to the device until
    /// `reset`; `request_cancelled` means that `relax` called `reset`. A host without random bytes does not answer at
    /// all, so that is `timed_out`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status read(Segment const& buffer, PollLimit poll_limit, R&& relax = R{}) {
        Segment rest = buffer;
        uint32_t polls = 0;
        do {  // each turn counts as a poll: otherwise a device that returns a byte at a time would prolong the call
            Result<uint32_t> const got = read_some(rest, poll_limit, polls, relax);
            if (!got) {
                return got.error();
            }
            rest = {rest.addr + *got, rest.bytes - *got};
        } while (rest.bytes != 0 && ++polls < poll_limit.count);
        return rest.bytes == 0 ? Error::none : Error::timed_out;
    }

private:
    static constexpr uint16_t queue_index = 0;  // requestq (§5.4.2)

    // --- for `DriverCore` ---

    [[__nodiscard__]] Negotiation wanted_features() const { return wanted_of<Traits>(); }
    [[__nodiscard__]] Status configure() { return {}; }  // there is no configuration (§5.4.4)
    template <class Visit>
    [[__nodiscard__]] Status visit_queues(Visit visit) {
        return visit(queue_index, requests_);
    }

    // --- requests ---

    [[__nodiscard__]] Result<uint16_t> add(Segment const& buffer, Token token) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        return requests_.send_data(buffer, DmaDirection::device_writes, token);
    }

    CompletionState collect() {
        return this->collect_from(requests_,
                                  [this](uint16_t slot, uint32_t written) { return outcome(slot, written); });
    }
    [[__nodiscard__]] Error outcome(uint16_t slot, uint32_t written) {
        requests_.keep_bytes(slot, written);
        if (written != 0) {
            return Error::none;
        }
        this->blame(DriverReason::entropy_empty, queue_index, written);  // §5.4.6.2
        return Error::answer_invalid;
    }

    /// Returns how many bytes the device wrote: at least one.
    template <Relax R>
    [[__nodiscard__]] Result<uint32_t> read_some(Segment const& buffer, PollLimit poll_limit, uint32_t& polls,
                                                 R& relax) {
        auto const look = [this] { return collect(); };
        auto const send = [&] { return add(buffer, Token{}); };
        return this->perform(requests_, queue_index, send, look, poll_limit, polls, relax);
    }

    Requests requests_;
};

}  // namespace virtq
