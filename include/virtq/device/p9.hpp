// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/config.hpp>
#include <virtq/device/detail/p9/p9_message.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/device/p9_types.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/spec/p9.hpp>

#include <stdint.h>

namespace virtq {

/// A 9P transport: carries requests of 9P to a server on the host, which has a file tree, and brings its answers. It
/// knows only the header of a message, so any version of 9P will do. The client is the kernel's:
/// `examples/kernel/files` has one for 9P2000.L.
///
/// **Spec** §5 (Device Types) lists it as type 9 and describes no more. The driver does what the hosts agree on. An
/// identifier cannot begin with a digit, so 9P is P9 here.
/// **Use** Asynchronous: `submit`, `kick_device`, then `take_completed`. Blocking: `call`. Both may be mixed. Requests
/// may end in any order. The kernel chooses the tag of each request. Give those in flight different ones; the driver
/// does not check that.
/// **Reset** `reset` ends the session of 9P, with its fids, its version and its msize. Begin again with Tversion.
/// **Threading** As of `DriverCore`, with its `reset` and `release`. The caller serialises all other calls.
///
/// ```
/// static virtq::P9Device<virtq::MmioTransport<>> server;
/// virtq::Status up = server.init(transport, pages);
/// uint8_t const hello[] = {21, 0, 0, 0, 100, 0xff, 0xff, 0, 0, 1, 0,  // size, Tversion, tag, msize
///                          8, 0, '9', 'P', '2', '0', '0', '0', '.', 'L'};
/// uint8_t answer[32];
/// virtq::Result<uint32_t> size = server.call({hello, answer}, virtq::PollLimit{1'000'000});
/// ```
template <class T, uint32_t N = 128, class Traits = P9Traits>
class P9Device : public DriverCore<P9Device<T, N, Traits>, T> {
    using Core = DriverCore<P9Device, T>;
    friend Core;
    using Shape = SlotShape<Traits::request_bytes, Traits::answer_bytes, AnswerPlace::before_data>;
    using Requests = SlotQueue<N, Traits, Shape>;
    static constexpr uint32_t header_bytes = spec::p9::header::bytes;
    static_assert(Traits::request_bytes >= header_bytes && Traits::answer_bytes >= spec::p9::rlerror_bytes,
                  "P9Traits: request_bytes is at least 7, the header of a message, and answer_bytes 11, an Rlerror.");
    static_assert(Traits::mount_tag_bytes >= 1 && Traits::mount_tag_bytes <= 254,
                  "P9Traits: mount_tag_bytes is 1 to 254, for which each transport has room.");

public:
    static constexpr spec::DeviceId device_type = spec::DeviceId::transport_9p;  ///< `init` rejects every other type
    using Mapper = typename Traits::Mapper;  ///< makes the caller's data visible to the device

    /// The most pages that `init` takes.
    [[__nodiscard__]] static constexpr uint32_t page_count(IndirectOption const& indirect = {}) {
        return Requests::page_count(indirect);
    }

    /// The name of the file tree, as the host calls it. The device may send any bytes, so print them with care. Empty
    /// without MOUNT_TAG. Valid until `reset` or `release`.
    [[__nodiscard__]] Span<char const> mount_tag() const { return {tag_.bytes, tag_size_}; }

    /// Sends a request; `token` comes back with its answer. The data is the device's until the request has ended.
    /// Errors: `message_invalid`, `queue_full`, those of `VirtQueue::add` and of the mapper, `reset_needed`,
    /// `not_initialised`.
    [[__nodiscard__]] Status submit(P9Request const& request, Token token) { return add(request, token).error(); }

    /// Makes all submitted requests visible to the device, and notifies it if it wants that. Returns whether it was
    /// notified.
    bool kick_device() {
        return this->check_usable() == Error::none && this->notify(spec::p9::request_queue, requests_.publish());
    }

    /// Takes the next request that has ended. `bytes` is the size of the whole answer. Its first bytes are in
    /// `P9Request::answer`, and any others in the data. Errors of a request, after which nothing was copied:
    /// - `answer_invalid`: the header of the answer is wrong, and `driver_fault` says what;
    /// - `request_cancelled`: the device wrote nothing. QEMU does so for a request that a Tflush ended.
    [[__nodiscard__]] RequestCompletion take_completed() { return this->next_completed(requests_, collect()); }

    /// Sends a request, waits for its answer, also for room in a full queue, and returns the size of the answer. Errors:
    /// those of `submit` and `take_completed`; `request_cancelled` also if `relax` called `reset` or `release`; and
    /// `timed_out`, `queue_broken`, `device_gone`, `reset_needed`. After these four the data belongs to the device until
    /// `reset`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Result<uint32_t> call(P9Request const& request, PollLimit poll_limit, R&& relax = R{}) {
        uint32_t polls = 0;
        Result<uint16_t> slot = Error::queue_full;
        auto const look = [this] { return collect(); };
        auto const send = [&] { return slot = add(request, Token{}); };
        Result<uint32_t> const size =
            this->perform(requests_, spec::p9::request_queue, send, look, poll_limit, polls, relax);
        if (!size && slot && size.error() != Error::request_cancelled) {
            pending_[*slot].answer = nullptr;  // a late answer is not copied to where its caller no longer waits
        }
        return size;
    }

    /// Asks for an interrupt when the next request ends. Sleep only after `MaySleep::yes`, and only while `in_flight()`
    /// is not 0. Notifications are off after `init` and `reset`.
    [[__nodiscard__]] MaySleep enable_used_notifications() { return this->enable_notifications(requests_); }
    /// Asks for no interrupts, for polling.
    void disable_used_notifications() { requests_.ring().disable_used_notifications(); }
    /// Requests that the device has.
    [[__nodiscard__]] uint16_t in_flight() const { return requests_.in_flight(); }

private:
    /// The mount tag, as the configuration has it.
    struct MountTag {
        uint16_t length = 0;  ///< what the device states
        char bytes[Traits::mount_tag_bytes] = {};

        friend constexpr bool operator==(MountTag const&, MountTag const&) = default;
    };

    // --- for `DriverCore` ---

    [[__nodiscard__]] Negotiation wanted_features() const {
        return wanted_of<Traits>(Features::of(spec::p9::Feature::mount_tag));
    }
    [[__nodiscard__]] Status configure() {
        forget_tag();
        if (!this->negotiated().has(spec::p9::Feature::mount_tag)) {
            return {};
        }
        // Without a configuration the kernel probably did not map it. A tag that is wrong does not stop the files.
        Error error = check_config(this->device(), spec::p9::config::tag);
        if (error == Error::none) {
            error = read_config(this->device(), tag_, [this](MountTag& tag) { read_tag(tag); });
        }
        if (error != Error::none) {
            return error;
        }
        tag_size_ = readable_bytes(tag_.length);
        if (tag_size_ == 0) {
            auto const reason =
                tag_.length == 0 ? DriverReason::p9_mount_tag_empty : DriverReason::p9_mount_tag_outside;
            this->blame(reason, spec::p9::request_queue, tag_.length);
        }
        return {};
    }
    void read_tag(MountTag& tag) const {
        namespace field = spec::p9::config;
        tag = {};
        tag.length = this->device().read_config16(field::tag_len.offset);
        uint16_t const bytes = readable_bytes(tag.length);
        for (uint16_t i = 0; i < bytes; ++i) {
            tag.bytes[i] = static_cast<char>(this->device().read_config8(static_cast<uint16_t>(field::tag + i)));
        }
    }
    /// How many bytes of a tag of this length are read: none, if it would end behind the configuration space.
    [[__nodiscard__]] uint16_t readable_bytes(uint16_t length) const {
        bool const is_inside = check_config(this->device(), uint32_t{spec::p9::config::tag} + length) == Error::none;
        uint16_t const most = length < Traits::mount_tag_bytes ? length : uint16_t{Traits::mount_tag_bytes};
        return is_inside ? most : uint16_t{0};
    }
    template <class Visit>
    [[__nodiscard__]] Status visit_queues(Visit visit) {
        return visit(spec::p9::request_queue, requests_);
    }
    void on_release() { forget_tag(); }
    void forget_tag() {
        tag_ = {};
        tag_size_ = 0;
    }

    // --- requests ---

    [[__nodiscard__]] Result<uint16_t> add(P9Request const& request, Token token) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        if (!detail::is_sound(request, Traits::request_bytes, Traits::answer_bytes)) {
            return refuse(Error::message_invalid);
        }
        uint16_t const slot = requests_.take_slot(token);
        if (slot == Requests::no_slot) {
            return refuse(Error::queue_full);
        }
        auto const message_bytes = static_cast<uint32_t>(request.message.size());
        auto const answer_bytes = static_cast<uint32_t>(request.answer.size());
        requests_.put(slot, 0, request.message.data(), message_bytes);
        Error const error = requests_.send(slot, {message_bytes, request.data, request.direction, answer_bytes});
        if (error != Error::none) {
            return error;
        }
        pending_[slot] = detail::P9Pending::of(request);
        return slot;
    }

    /// Keeps the error for `last_error`, and returns it.
    [[__nodiscard__]] Error refuse(Error error) {
        requests_.note_refusal(error);
        return error;
    }

    CompletionState collect() {
        return this->collect_from(requests_,
                                  [this](uint16_t slot, uint32_t written) { return outcome(slot, written); });
    }
    /// The header of the answer is copied once. What was checked is what the kernel gets.
    [[__nodiscard__]] Error outcome(uint16_t slot, uint32_t written) {
        // A Tflush may have ended this request. Then 9P forbids an answer, and QEMU reports a length of 0.
        if (written == 0) {
            return Error::request_cancelled;
        }
        detail::P9Pending const& pending = pending_[slot];
        uint8_t header[header_bytes] = {};
        requests_.copy_answer(slot, 0, header, header_bytes);
        detail::P9Header const answer = detail::P9Header::read(header);
        detail::P9Verdict const verdict = pending.judge(answer, written);
        if (verdict.reason != DriverReason::none) {
            this->blame(verdict.reason, spec::p9::request_queue, verdict.value);
            return Error::answer_invalid;
        }
        requests_.keep_bytes(slot, answer.size);
        if (pending.answer != nullptr) {
            uint32_t const bytes = answer.size < pending.answer_bytes ? answer.size : pending.answer_bytes;
            __builtin_memcpy(pending.answer, header, header_bytes);
            requests_.copy_answer(slot, header_bytes, pending.answer + header_bytes, bytes - header_bytes);
        }
        return Error::none;
    }

    Requests requests_;
    MountTag tag_;
    uint16_t tag_size_ = 0;                              ///< how many of its bytes there are
    detail::P9Pending pending_[N / Shape::descriptors];  ///< of each slot
};

}  // namespace virtq
