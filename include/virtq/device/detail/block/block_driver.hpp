// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_facts.hpp>
#include <virtq/device/detail/block/block_queue_set.hpp>
#include <virtq/device/detail/stop_mark.hpp>
#include <virtq/device/init.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/platform/relax.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The state of a disk, and the workings behind the calls of `BlockDevice`, which documents them.
template <class T, uint32_t N, class Traits>
class BlockDriver {
protected:
    using Mapper = typename Traits::Mapper;
    using Queues = BlockQueueSet<N, Traits>;

    static constexpr Features wanted = wanted_features<Traits>();
    static constexpr uint16_t descriptors_minimum = 3;  // header, data and status

    [[__nodiscard__]] Interface device_interface() const {
        return transport_->is_legacy() ? Interface::legacy : Interface::modern;
    }

    // --- bring up and release ---

    template <PageAllocator Allocator, Relax R>
    [[__nodiscard__]] Status init_with(T& transport, Allocator& allocator, Mapper* mapper, BlockOption const& option,
                                       R& relax) {
        VIRTQ_ASSERT(transport_ == nullptr,
                     "init() was called on a BlockDevice in use. Call release() first. If it is not in use, check "
                     "that your boot code clears .bss.");
        if (transport.device_id() == spec::DeviceId::none) {
            return Error::transport_not_probed;
        }
        if (transport.device_id() != spec::DeviceId::block) {
            return Error::wrong_device_type;
        }
        transport_ = &transport;
        place_ = this;  // also the address of the `BlockDevice`, which has no other part
        option_ = option;
        required_queue_size_ = 0;
        auto const make = [&](DeviceInit<T>& init, uint16_t index) {
            return make_queue(init, index, allocator, mapper);
        };
        Status const up = bring_up(Traits::queue_count_max, make, relax);
        if (!up && !queues_.any_live()) {
            give_everything_back(allocator);
        } else if (!up) {
            static_cast<void>(
                release_all(allocator, option_.reset_limit, relax));  // on failure the caller calls release()
        }
        return up;
    }

    template <PageAllocator Allocator>
    [[__nodiscard__]] Status make_queue(DeviceInit<T>& init, uint16_t index, Allocator& allocator, Mapper* mapper) {
        auto& queue = queues_[index];
        Status const made = init.set_up_queue(index, queue.ring(), allocator, facts_.negotiated(), option_.queue);
        if (!made) {
            if (made.error() == Error::queue_size_above_capacity) {
                required_queue_size_ = init.required_queue_size();
            }
            return made;
        }
        if (queue.ring().size() < descriptors_minimum) {
            return init.fail(Error::queue_too_small);
        }
        if (Status const framed = queue.init(allocator, device_interface(), option_.under_reported, mapper); !framed) {
            return init.fail(framed.error());
        }
        return queues_.shares_pages(index) ? init.fail(Error::pages_handed_out_twice) : Status{};
    }

    template <PageAllocator Allocator, Relax R>
    [[__nodiscard__]] Status release_all(Allocator& allocator, PollLimit reset_limit, R& relax) {
        if (transport_ == nullptr) {
            return {};
        }
        if (Status const stopped = stop_device(reset_limit, relax);
            is_reset_incomplete(stopped.error()) && queues_.any_live()) {
            return stopped;
        }
        give_everything_back(allocator);
        return {};
    }

    /// Gives everything back. The device must have stopped, or must never have got a queue.
    template <PageAllocator Allocator>
    void give_everything_back(Allocator& allocator) {
        queues_.release(allocator);
        transport_ = nullptr;
        place_ = nullptr;
        queue_count_ = 0;
        facts_.forget_config();
    }

    /// Brings the disk up after a reset, in the pages that it has. If the device offers more queues than before, only
    /// those with pages are used.
    template <Relax R>
    [[__nodiscard__]] Status bring_up_again(R& relax) {
        auto const resume = [&](DeviceInit<T>& init, uint16_t index) { return resume_queue(init, index); };
        return bring_up(queues_.with_pages(), resume, relax);
    }

    [[__nodiscard__]] Status resume_queue(DeviceInit<T>& init, uint16_t index) {
        auto& queue = queues_[index];
        Status const made = init.resume_queue(index, queue.ring(), facts_.negotiated(), option_.queue);
        if (made) {
            queue.start(device_interface(), option_.under_reported);
        }
        return made;
    }

    template <class MakeQueue, Relax R>
    [[__nodiscard__]] Status bring_up(uint16_t queue_count_max, MakeQueue make, R& relax) {
        DeviceInit<T> init{*transport_};
        facts_.want(wanted, Traits::Format::required, option_.unwanted);
        if (Status const agreed = facts_.agree(init, *transport_, option_, relax); !agreed) {
            return agreed;
        }
        uint16_t const count =
            facts_.config().queue_count < queue_count_max ? facts_.config().queue_count : queue_count_max;
        for (uint16_t index = 0; index < count; ++index) {
            if (Status const made = make(init, index); !made) {
                return made;
            }
        }
        Status const live = init.go_live();
        if (live) {
            queue_count_ = count;
            stopped_.clear();
        }
        return live;
    }

    /// Resets the device and ends all requests in flight. A device that is gone has stopped, too.
    template <Relax R>
    [[__nodiscard__]] Status stop_device(PollLimit poll_limit, R& relax) {
        check_place();
        stopped_.set();
        Status const reset = reset_device(*transport_, poll_limit, relax, queues_.with_pages());
        if (is_reset_incomplete(reset.error())) {
            return reset;
        }
        ++stop_count_;
        queues_.stop_all(reset ? Error::request_cancelled : Error::device_gone);
        return reset;
    }

    // --- using ---

    /// Detects a copied or moved object: two copies would count one ring, each by itself.
    void check_place() const {
        VIRTQ_ASSERT(
            place_ == nullptr || place_ == this,
            "This BlockDevice is not where init() left it: it was copied or moved (by memcpy, or in a list), or is "
            "used through another mapping. Make it static.");
    }

    /// `queue_count_` is set when the disk is up: it is 0 before, and after an `init` that failed.
    [[__nodiscard__]] Error check_exists(uint16_t queue) const {
        check_place();
        if (queue < queue_count_) {
            return Error::none;
        }
        return queue_count_ == 0 ? Error::not_initialised : Error::no_such_queue;
    }
    [[__nodiscard__]] Error check_usable(uint16_t queue) const {
        Error const error = check_exists(queue);
        return error == Error::none && stopped_.is_set() ? Error::reset_needed : error;
    }

    bool kick_queue(uint16_t queue) {
        VIRTQ_ASSERT(queue_count_ == 0 || queue < queue_count_,
                     "kick_device() was called for a queue that this disk does not have. Compare it with "
                     "queue_count().");
        if (check_usable(queue) != Error::none) {
            return false;
        }
        Notification const notification = queues_[queue].publish();
        if (notification) {
            transport_->notify(queue, notification.next);
        }
        return notification.needed;
    }

    [[__nodiscard__]] Status find_trouble(uint16_t queue) {
        if (Error const error = check_exists(queue); error != Error::none) {
            return error;
        }
        DeviceStatus const status = transport_->status();
        Error error = Error::none;
        if (status.is_gone()) {
            error = Error::device_gone;
        } else if (queues_[queue].ring().fault()) {
            error = Error::queue_broken;
        } else if (stopped_.is_set() || status.is_reset() || status.has(spec::StatusBit::device_needs_reset)) {
            error = Error::reset_needed;
        }
        if (error != Error::none) {
            stopped_.set();
        }
        return error;
    }

    CompletionState collect(uint16_t queue) {
        CompletionState const state = queues_[queue].collect();
        if (state == CompletionState::broken) {
            stopped_.set();
        }
        return state;
    }

    /// Calls the hook. False if that called `reset` or `release`: then a record may belong to another request.
    template <Relax R>
    [[__nodiscard__]] bool relax_keeps_records(R& relax) {
        uint32_t const before = stop_count_;
        relax();
        return stop_count_ == before;
    }

    /// How long a blocking call waits. All requests of one call share it.
    template <Relax R>
    struct Wait {
        R& relax;
        uint32_t polls_left;
        uint16_t queue;
    };

    /// Does what `add(number)` adds: a request whose parts all fit the queue, or one part.
    template <class Add, Relax R>
    [[__nodiscard__]] Error perform_one(Wait<R>& wait, Add const& add) {
        for (;;) {  // ends: each turn takes a poll
            uint16_t number = 0;
            Error error = add(number);
            if (error == Error::none) {
                return wait_for(number, wait);
            }
            if (error == Error::queue_full) {
                error = wait_for_room(wait);
            }
            if (error != Error::none) {
                return error;
            }
        }
    }

    template <Relax R>
    [[__nodiscard__]] Error perform_request(BlockRequest const& request, PollLimit poll_limit, R& relax,
                                            uint16_t queue) {
        Wait<R> wait{relax, poll_limit.count, queue};
        Error const done = perform_one(wait, [&](uint16_t& number) { return add(request, queue, number); });
        return done == Error::request_above_queue ? perform_in_turn(request, wait) : done;
    }

    /// Does the parts of a request that `add` has checked, one after another.
    template <Relax R>
    [[__nodiscard__]] [[gnu::__noinline__]] Error perform_in_turn(BlockRequest const& request, Wait<R>& wait) {
        BlockLimit const limit = queues_[wait.queue].limit(facts_.config(), request.operation);
        BlockParts parts{request, limit};
        for (;;) {
            Error const error =
                perform_one(wait, [&](uint16_t& number) { return add_next(parts, wait.queue, number); });
            if (error != Error::none || parts.at_end()) {
                return error;
            }
            // Each turn counts as a poll: otherwise a device that takes little at a time would prolong the call.
            if (wait.polls_left <= 1) {
                return Error::timed_out;
            }
            --wait.polls_left;
        }
    }

    /// Waits once until a full queue may have room. Error: it will get none, or the caller has waited enough.
    template <Relax R>
    [[__nodiscard__]] Error wait_for_room(Wait<R>& wait) {
        auto& queue = queues_[wait.queue];
        uint16_t const before = queue.in_flight();
        if (before == 0 || wait.polls_left == 0) {  // if nothing is in flight, only take_completed() can make room
            Status const alive = find_trouble(wait.queue);
            return alive ? Error::queue_full : alive.error();  // the device never had the data
        }
        --wait.polls_left;
        kick_queue(wait.queue);
        bool const waits = queue.collect() != CompletionState::broken && queue.in_flight() == before;
        return waits && !relax_keeps_records(wait.relax) ? Error::request_cancelled : Error::none;
    }

    template <Relax R>
    [[__nodiscard__]] Error wait_for(uint16_t number, Wait<R>& wait) {
        auto& queue = queues_[wait.queue];
        queue.await(number);
        kick_queue(wait.queue);
        for (;;) {
            CompletionState const state = queue.collect();
            if (queue.is_ready(number)) {
                return queue.take_awaited(number);
            }
            if (state == CompletionState::broken || wait.polls_left <= 1) {
                break;
            }
            --wait.polls_left;
            if (!relax_keeps_records(wait.relax)) {
                return Error::request_cancelled;
            }
        }
        queue.abandon(number);
        return give_up(wait.queue);
    }

    [[__nodiscard__]] Error give_up(uint16_t queue) {
        Status const alive = find_trouble(queue);
        stopped_.set();
        return alive ? Error::timed_out : alive.error();
    }

    /// Adds a read or write of one segment straight to the ring, as most requests go. False: nothing has changed, and
    /// `add` tries again, which also splits, maps, and names every error.
    template <BlockOperation operation>
    [[__nodiscard__]] bool go_straight(uint64_t sector, Span<Segment const> data, Token token, uint16_t queue) {
        if constexpr (SameAs<Mapper, NoMapper>) {
            BlockRule const rule{facts_.config(), facts_.negotiated()};
            if (data.size() == 1 && check_usable(queue) == Error::none && rule.is_plain(operation, sector, data[0]) &&
                queues_[queue].template submit_plain<operation>(sector, data[0], token)) [[__likely__]] {
                queues_[queue].note_refusal(Error::none);
                return true;
            }
        }
        return false;
    }

    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Error add(BlockRequest const& request, uint16_t queue, uint16_t& number) {
        if (Error const error = check_exists(queue); error != Error::none) {
            return error;
        }
        return noted(queue, stopped_.is_set()
                                ? Error::reset_needed
                                : queues_[queue].submit(request, facts_.config(), facts_.negotiated(), number));
    }
    /// For a caller that does not wait.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Error add(BlockRequest const& request, uint16_t queue) {
        uint16_t number = 0;
        return add(request, queue, number);
    }
    [[__nodiscard__]] Error add_next(BlockParts& parts, uint16_t queue, uint16_t& number) {
        return noted(queue, stopped_.is_set() ? Error::reset_needed : queues_[queue].submit_next(parts, number));
    }
    [[__nodiscard__]] Error noted(uint16_t queue, Error error) {
        queues_[queue].note_refusal(error);
        if (error == Error::queue_broken) {
            stopped_.set();
        }
        return error;
    }

    [[__no_unique_address__]] BlockFacts facts_;
    T* transport_ = nullptr;
    void const* place_ = nullptr;  ///< this object's address at `init`
    uint16_t queue_count_ = 0;
    StopMark stopped_;                                 ///< reset() is needed
    uint32_t stop_count_ = 0;                          ///< how often all records were cancelled
    BlockOption option_{.reset_limit = PollLimit{0}};  ///< all zero, so that the object is in .bss
    Error init_error_ = Error::none;
    uint32_t required_queue_size_ = 0;
    Queues queues_;
};

}  // namespace virtq::detail
