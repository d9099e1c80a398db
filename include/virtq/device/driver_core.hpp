// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/detail/driver_fault_note.hpp>
#include <virtq/device/detail/driver_queue.hpp>
#include <virtq/device/detail/stop_mark.hpp>
#include <virtq/device/driver_types.hpp>
#include <virtq/device/init.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/platform/relax.hpp>

#include <stdint.h>

namespace virtq {

/// What every driver has beside its queues: the way up and down, recovery, waiting, and what `diagnose` asks for. A
/// driver derives from it, names itself as `Driver`, and makes `DriverCore` a friend.
///
/// **A driver has** (private members may do, except for the first two)
/// - `device_type`, a `spec::DeviceId`;
/// - `Mapper`, that of its traits;
/// - `Negotiation wanted_features() const`: which features it wants and requires;
/// - `Status configure()`: reads the configuration, once features are negotiated;
/// - `Status visit_queues(visit)`: returns `visit(index, queue)` for each of its queues, in the order of their indices,
///   as long as that is no error. A queue is a `PostedQueue` or a `SlotQueue`.
///
/// and, if it needs them, members with the name of those below that are marked *may be replaced*.
/// **Recovery** Calls return `reset_needed` after a time-out, and after the device violated the standard, set
/// DEVICE_NEEDS_RESET or disappeared. Then call `reset`: it hands every request back once, and brings the device up.
/// **Threading** `init`, `reset` and `release` must not run concurrently with any other call. No call takes a lock, and
/// only those with a `relax` wait.
/// **Life** The object is all zero at first, so a static one is in `.bss`. It must not be moved. The transport and the
/// mapper must outlive it.
template <class Driver, class T, class Option = DriverOption>
class DriverCore {
    static_assert(check_transport<T>());

public:
    constexpr DriverCore() = default;
    DriverCore(DriverCore const&) = delete;
    DriverCore& operator=(DriverCore const&) = delete;

    /// Initialises the device behind `transport` (§3.1.1) and takes pages. Calls `relax` while it waits for a reset. On
    /// an error it sets FAILED and gives everything back, after a reset if the device had got a queue. If that reset
    /// fails, the pages are kept, and `release` tries again. Errors: those of `DeviceInit`, of the page allocator and of
    /// the device's configuration, `transport_not_probed`, `wrong_device_type`, `queue_too_small`,
    /// `pages_handed_out_twice`.
    template <class Allocator, Relax R = SpinRelax>
    [[__nodiscard__]] Status init(T& transport, Allocator& allocator, Option const& option = {}, R relax = {}) {
        static_assert(detail::SameAs<typename Driver::Mapper, NoMapper>,
                      "The traits of this driver have a Mapper: call init(transport, pages, mapper, …).");
        if constexpr (detail::check_page_allocator<Allocator>()) {
            return init_error_ = init_with(transport, allocator, option, relax).error();
        } else {
            return {};
        }
    }

    /// As above, with the mapper of the driver's traits.
    template <class Allocator, DmaMapper M, Relax R = SpinRelax>
    [[__nodiscard__]] Status init(T& transport, Allocator& allocator, M& mapper, Option const& option = {},
                                  R relax = {}) {
        static_assert(detail::SameAs<typename Driver::Mapper, M>,
                      "This is not the Mapper of the driver's traits: derive traits with `using Mapper = …`.");
        if constexpr (detail::check_page_allocator<Allocator>()) {
            for_each_queue([&](uint16_t, auto& queue) { queue.set_mapper(&mapper); });
            return init_error_ = init_with(transport, allocator, option, relax).error();
        } else {
            return {};
        }
    }

    /// Resets the device, and brings it up again in the pages that it has. Hands back every request that was submitted
    /// and not handed out, each once: calls `each(RequestCompletion)` with `request_cancelled` for those in flight, and
    /// with their result for those that had ended. Requests of blocking calls are not among them. Errors:
    /// - `reset_timed_out`, `reset_refused`, `queue_survived_reset`: the device still has all memory, and nothing was
    ///   handed back. Call again.
    /// - `not_restarted`: everything was handed back, but the device did not complete the second reset, with which its
    ///   initialisation begins (§3.1.1). Call again, or call `release`, which then gives all pages back.
    /// - `device_gone`: everything was handed back, requests in flight with this error. Nothing answers any more.
    /// - `not_initialised`: the driver is not up, for example because `init` failed.
    /// - Others, as of `init`: everything was handed back. Call `release`.
    template <class Each, Relax R = SpinRelax>
    [[__nodiscard__]] Status reset(Each each, R relax = {}) {
        if (!is_up_) {
            return Error::not_initialised;
        }
        Status const stopped = stop_device(option_.reset_limit, relax);
        if (is_reset_incomplete(stopped.error())) {
            return any_live() ? stopped : Status{Error::not_restarted};
        }
        for_each_queue([&](uint16_t, auto& queue) { queue.hand_back(each); });
        Status const up = stopped ? bring_up_again(relax) : stopped;
        // Its first step is a second reset. The device has no queue by then, so nothing is left with it.
        return is_reset_incomplete(up.error()) ? Status{Error::not_restarted} : up;
    }

    /// Resets the device and gives all pages back. Requests in flight end without a completion, and their data is the
    /// caller's again; for completions, call `reset` before. If the device does not complete the reset and has a queue,
    /// nothing is given back, and the error says so (`is_reset_incomplete`): call again.
    template <PageAllocator Allocator, Relax R = SpinRelax>
    [[__nodiscard__]] Status release(Allocator& allocator, PollLimit reset_limit = PollLimit{1'000'000},
                                     R relax = {}) {
        if (transport_ == nullptr) {
            return {};
        }
        if (Status const stopped = stop_device(reset_limit, relax);
            is_reset_incomplete(stopped.error()) && any_live()) {
            return stopped;
        }
        give_everything_back(allocator);
        return {};
    }

    /// Why the device does not answer: `device_gone`, `queue_broken`, `reset_needed`, or no error. Reads a register,
    /// which is slow in a virtual machine.
    [[__nodiscard__]] Status check_alive() {
        check_place();
        Fault fault;
        for_each_queue([&](uint16_t, auto& queue) { fault = fault ? fault : queue.ring().fault(); });
        return is_up_ ? find_trouble(fault) : Error::not_initialised;
    }

    /// The negotiated features, or why negotiation failed; also after `release`.
    [[__nodiscard__]] Negotiation const& negotiation() const { return negotiation_; }
    /// The first thing that the device said and its type does not permit, since `init` or `reset`.
    [[__nodiscard__]] DriverFault driver_fault() const { return fault_.read(); }
    /// Why the last request of a queue was refused; no error if it was not. If the driver is not up, why `init` failed.
    [[__nodiscard__]] Error last_error(uint16_t index = 0) {
        Error error = init_error_;
        if (transport_ != nullptr) {
            for_each_queue([&](uint16_t at, auto& queue) { error = at == index ? queue.last_error() : error; });
        }
        return error;
    }
    /// The least `N` for this device, after `init` failed with `queue_size_above_capacity`; otherwise 0.
    [[__nodiscard__]] uint32_t required_queue_size() const { return required_queue_size_; }
    /// For `diagnose` of diag/: the transport; null before `init`.
    [[__nodiscard__]] T* transport() { return transport_; }
    /// For `diagnose`: the object's address at `init`, to detect that it was moved since; null before `init`.
    [[__nodiscard__]] void const* initialised_at() const { return place_; }
    /// For `diagnose`: calls `visit(ring)` with the ring of queue `index`, if that has pages.
    template <class Visit>
    void visit_ring(uint16_t index, Visit const& visit) {
        for_each_queue([&](uint16_t at, auto& queue) { visit_at(at, queue, index, visit); });
    }

protected:
    // --- may be replaced ---

    /// Whether the driver can use this device. The configuration may be read (§3.1.1).
    [[__nodiscard__]] Error check_offer(Features const&) { return Error::none; }
    /// Whether the device, as it is configured, has this queue. One that it has not is not set up.
    [[__nodiscard__]] bool uses_queue(uint16_t) const { return true; }
    /// The device is live (DRIVER_OK), and its queues may be used.
    void on_live() {}
    /// The device is given up, and all pages are given back.
    void on_release() {}

    // --- for the driver ---

    /// Whether an `init` gave the driver a transport that it still holds.
    [[__nodiscard__]] bool has_transport() const { return transport_ != nullptr; }
    /// How the last `init` ended.
    [[__nodiscard__]] Error init_error() const { return init_error_; }
    /// The features that the device and the driver agreed on in the last `init`.
    [[__nodiscard__]] Features const& negotiated() const { return negotiation_.negotiated; }
    /// What the last `init` was given.
    [[__nodiscard__]] Option const& option() const { return option_; }
    /// Valid while there is a transport: in `configure`, and while the driver is up.
    [[__nodiscard__]] T& device() const { return *transport_; }

    /// What a call returns before it does anything: `not_initialised`, `reset_needed`, or no error.
    [[__nodiscard__]] Error check_usable() const {
        check_place();
        if (!is_up_) {
            return Error::not_initialised;
        }
        return stopped_.is_set() ? Error::reset_needed : Error::none;
    }

    /// Whether the device is given up: `reset` is needed.
    [[__nodiscard__]] bool is_stopped() const { return stopped_.is_set(); }
    /// Calls the hook. False if that called `reset` or `release`: then a slot may belong to another request.
    template <Relax R>
    [[__nodiscard__]] bool relax_keeps_requests(R& relax) {
        uint32_t const before = stop_count_;
        relax();
        return stop_count_ == before;
    }
    /// Nothing more is asked of the device before `reset`.
    void give_up() { stopped_.set(); }

    /// Keeps a violation for `driver_fault`, if it is the first.
    void blame(DriverReason reason, uint16_t index, uint32_t value) { fault_.note({reason, index, value}); }

    /// Notifies the device if it wants that. Returns whether it was notified.
    bool notify(uint16_t index, Notification notification) {
        if (notification) {
            transport_->notify(index, notification.next);
        }
        return notification.needed;
    }

    /// Why a queue with this fault does not answer; see `check_alive`. With an error the device is given up.
    [[__nodiscard__]] Status find_trouble(Fault const& fault) {
        DeviceStatus const status = transport_->status();
        Error error = Error::none;
        if (status.is_gone()) {
            error = Error::device_gone;
        } else if (fault) {
            error = Error::queue_broken;
        } else if (stopped_.is_set() || status.is_reset() || status.has(spec::StatusBit::device_needs_reset)) {
            error = Error::reset_needed;
        }
        if (error != Error::none) {
            give_up();
        }
        return error;
    }

    /// Detects a copied or moved object: two copies would count one ring, each by itself.
    void check_place() const {
        VIRTQ_ASSERT(
            place_ == nullptr || place_ == static_cast<Driver const*>(this),
            "This driver is not where init() left it: it was copied or moved (by memcpy, or in a list), or is "
            "used through another mapping. Make it static.");
    }

    /// Asks for an interrupt when the device uses the next buffer of `queue`; see `VirtQueue`.
    template <class Queue>
    [[__nodiscard__]] MaySleep enable_notifications(Queue& queue) {
        MaySleep const pending = queue.ring().enable_used_notifications();
        if constexpr (requires { queue.has_finished(); }) {
            // A blocking call may have collected requests that nobody has taken yet.
            if (queue.has_finished()) {
                return MaySleep::no;
            }
        }
        return stopped_.is_set() ? MaySleep::broken : pending;  // a stopped device does not notify
    }

    /// Polls `look()` until it returns `ready`, and calls `relax` in between. `polls` continues from call to call:
    /// several waits share one limit. Errors: `timed_out`; `queue_broken`, if `look()` returns `broken`; and
    /// `request_cancelled`, if `relax` called `reset` or `release`: then the caller must not touch its request any more.
    template <class Look, Relax R>
    [[__nodiscard__]] Error wait(Look look, PollLimit poll_limit, uint32_t& polls, R& relax) {
        for (;;) {
            CompletionState const state = look();
            if (state == CompletionState::ready) {
                return Error::none;
            }
            if (state == CompletionState::broken) {
                return Error::queue_broken;
            }
            if (++polls >= poll_limit.count) {
                return Error::timed_out;
            }
            if (!relax_keeps_requests(relax)) {
                return Error::request_cancelled;
            }
        }
    }

    /// Does one request of a `SlotQueue` and waits for it, also for a free slot. `send()` adds it and returns its slot;
    /// `look()` collects the queue, whose number is `index`. Returns what `bytes` of the slot was. Errors: those of
    /// `send`, how the request ended, `request_cancelled` as for `wait`, and
    /// - `queue_full`: only taking requests that ended can make room, or there was none within the poll limit;
    /// - `timed_out`, `queue_broken`, `device_gone`, `reset_needed`: the device is given up, and has the data.
    template <class Queue, class Send, class Look, Relax R>
    [[__nodiscard__]] Result<uint32_t> perform(Queue& queue, uint16_t index, Send send, Look look,
                                               PollLimit poll_limit, uint32_t& polls, R& relax) {
        Result<uint16_t> slot = send();
        if (slot.error() == Error::queue_full) {
            auto const finds_room = [&] {
                notify(index, queue.publish());
                look();
                slot = send();
                bool const is_full = slot.error() == Error::queue_full && queue.in_flight() != 0;
                return is_full ? CompletionState::none : CompletionState::ready;
            };
            if (wait(finds_room, poll_limit, polls, relax) == Error::request_cancelled) {
                return Error::request_cancelled;
            }
        }
        if (slot.error() == Error::queue_full) {
            Status const alive = find_trouble(queue.ring().fault());
            return alive ? Error::queue_full : alive.error();  // the device never had the data
        }
        return slot ? wait_for(queue, index, *slot, look, poll_limit, polls, relax) : slot.error();
    }

    /// The usual way to collect a `SlotQueue`; see there. A broken queue gives the device up.
    template <class Queue, class Outcome>
    CompletionState collect_from(Queue& queue, Outcome outcome) {
        CompletionState const state = queue.collect(outcome);
        if (state == CompletionState::broken) {
            give_up();
        }
        return state;
    }

    /// The next request of a `SlotQueue` that has ended. If there is none: `state`, which collecting it returned, or
    /// `broken` with the reason in `error`, if nothing more will end: `queue_broken`, `reset_needed`, or after `release`
    /// and a failed `init` `not_initialised`.
    template <class Queue>
    [[__nodiscard__]] RequestCompletion next_completed(Queue& queue, CompletionState state) {
        RequestCompletion const ended = queue.take_finished();
        if (ended.state == CompletionState::ready) {
            return ended;
        }
        if (state == CompletionState::broken) {
            return {Token{}, 0, Error::queue_broken, state};
        }
        Error const unusable = check_usable();
        return unusable == Error::none ? ended : RequestCompletion{Token{}, 0, unusable, CompletionState::broken};
    }

    /// Calls `each(index, queue)` for each queue of the driver.
    template <class Each>
    void for_each_queue(Each each) {
        static_cast<void>(driver().visit_queues([&](uint16_t index, auto& queue) {
            each(index, queue);
            return Status{};
        }));
    }

private:
    template <class Queue, class Look, Relax R>
    [[__nodiscard__]] Result<uint32_t> wait_for(Queue& queue, uint16_t index, uint16_t slot, Look look,
                                                PollLimit poll_limit, uint32_t& polls, R& relax) {
        auto const is_done = [&] {
            CompletionState const state = look();
            return queue.is_ready(slot) ? CompletionState::ready : state;
        };
        queue.await(slot);
        notify(index, queue.publish());
        Error const error = wait(is_done, poll_limit, polls, relax);
        if (error == Error::none) {
            uint32_t const bytes = queue.bytes(slot);
            Error const ended = queue.take_awaited(slot);
            return ended == Error::none ? Result<uint32_t>{bytes} : Result<uint32_t>{ended};
        }
        if (error == Error::request_cancelled) {
            return error;
        }
        queue.abandon(slot);
        Status const alive = find_trouble(queue.ring().fault());
        give_up();
        return alive ? Error::timed_out : alive.error();
    }

    [[__nodiscard__]] Driver& driver() { return static_cast<Driver&>(*this); }

    template <class Allocator, Relax R>
    [[__nodiscard__]] Status init_with(T& transport, Allocator& allocator, Option const& option, R& relax) {
        VIRTQ_ASSERT(
            transport_ == nullptr,
            "init() was called on a driver in use. Call release() first. If it is not in use, check that your "
            "boot code clears .bss.");
        detail::bring_descriptions_of<Driver::device_type>();
        if (transport.device_id() == spec::DeviceId::none) {
            return Error::transport_not_probed;
        }
        if (transport.device_id() != Driver::device_type) {
            return Error::wrong_device_type;
        }
        transport_ = &transport;
        place_ = &driver();
        option_ = option;
        required_queue_size_ = 0;
        auto const set_up = [&](DeviceInit<T>& init, uint16_t index, auto& queue) {
            return set_up_queue(init, index, queue, allocator);
        };
        Status const up = bring_up(set_up, relax);
        if (!up && !any_live()) {
            give_everything_back(allocator);
        } else if (!up) {
            static_cast<void>(
                release(allocator, option_.reset_limit, relax));  // on failure the caller calls release()
        }
        return up;
    }

    template <class Queue, PageAllocator Allocator>
    [[__nodiscard__]] Status set_up_queue(DeviceInit<T>& init, uint16_t index, Queue& queue, Allocator& allocator) {
        if (!driver().uses_queue(index)) {
            return {};
        }
        Status const made = queue.set_up(init, index, allocator, negotiated(), option_.queue);
        if (!made) {
            if (made.error() == Error::queue_size_above_capacity) {
                required_queue_size_ = init.required_queue_size();
            }
            return made;
        }
        bool shares = false;
        for_each_queue([&](uint16_t, auto& other) { shares = shares || queue.shares_pages_with(other); });
        return shares ? init.fail(Error::pages_handed_out_twice) : Status{};
    }

    /// Brings the device up after a reset, in the pages that it has. A queue without pages is not used.
    template <Relax R>
    [[__nodiscard__]] Status bring_up_again(R& relax) {
        auto const resume = [&](DeviceInit<T>& init, uint16_t index, auto& queue) {
            return resume_queue(init, index, queue);
        };
        return bring_up(resume, relax);
    }
    template <class Queue>
    [[__nodiscard__]] Status resume_queue(DeviceInit<T>& init, uint16_t index, Queue& queue) {
        bool const is_used = queue.ring().size() != 0 && driver().uses_queue(index);
        return is_used ? queue.resume(init, index, negotiated(), option_.queue) : Status{};
    }

    template <class MakeQueue, Relax R>
    [[__nodiscard__]] Status bring_up(MakeQueue make, R& relax) {
        DeviceInit<T> init{*transport_};
        negotiation_ = driver().wanted_features();
        negotiation_.unwanted = option_.unwanted;
        auto const check = [&](Features const& offered) { return driver().check_offer(offered); };
        if (Status const agreed = init.negotiate(negotiation_, option_.reset_limit, relax, check); !agreed) {
            return agreed;
        }
        fault_.clear();
        if (Status const configured = driver().configure(); !configured) {
            return init.fail(configured.error());
        }
        Status const made =
            driver().visit_queues([&](uint16_t index, auto& queue) { return make(init, index, queue); });
        if (!made) {
            return made;
        }
        Status const live = init.go_live();
        if (live) {
            is_up_ = true;
            stopped_.clear();
            for_each_queue([&](uint16_t index, auto& queue) { notify(index, queue.first_notification()); });
            driver().on_live();
        }
        return live;
    }

    template <class Queue, class Visit>
    static void visit_at(uint16_t at, Queue& queue, uint16_t index, Visit const& visit) {
        if (at == index && queue.ring().size() != 0) {
            visit(queue.ring());
        }
    }

    /// One above the highest number of a queue that is used so far: this queue's, because they come in order, or `end`.
    template <class Queue>
    [[__nodiscard__]] uint32_t end_with(uint16_t index, Queue& queue, uint32_t end) {
        bool const is_used = queue.ring().size() != 0 && driver().uses_queue(index);
        return is_used ? index + 1u : end;
    }

    /// Resets the device and ends all requests in flight. A device that is gone has stopped, too.
    template <Relax R>
    [[__nodiscard__]] Status stop_device(PollLimit poll_limit, R& relax) {
        check_place();
        stopped_.set();
        uint32_t end = 0;
        for_each_queue([&](uint16_t index, auto& queue) { end = end_with(index, queue, end); });
        Status const reset = reset_device(*transport_, poll_limit, relax, end);
        if (is_reset_incomplete(reset.error())) {
            return reset;
        }
        ++stop_count_;
        Error const error = reset ? Error::request_cancelled : Error::device_gone;
        for_each_queue([&](uint16_t, auto& queue) { queue.stop_with(error); });
        return reset;
    }

    /// Gives everything back. The device must have stopped, or must never have got a queue.
    template <PageAllocator Allocator>
    void give_everything_back(Allocator& allocator) {
        for_each_queue([&](uint16_t, auto& queue) { queue.release(allocator); });
        transport_ = nullptr;
        place_ = nullptr;
        is_up_ = false;
        driver().on_release();
    }

    /// Whether the device may write to the pages of any queue.
    [[__nodiscard__]] bool any_live() {
        bool found = false;
        for_each_queue([&](uint16_t, auto& queue) { found = found || queue.ring().is_live(); });
        return found;
    }

    T* transport_ = nullptr;
    void const* place_ = nullptr;  ///< the driver's address at `init`
    Negotiation negotiation_;
    Option option_{.reset_limit = PollLimit{0}};  ///< all zero, so that the object is in .bss
    detail::StopMark stopped_;                    ///< reset() is needed
    bool is_up_ = false;
    Error init_error_ = Error::none;
    uint32_t stop_count_ = 0;  ///< how often all requests were cancelled
    uint32_t required_queue_size_ = 0;
    detail::DriverFaultNote fault_;
};

}  // namespace virtq
