// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
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
        Negotiation const wanted = block_negotiation<Traits>(option_);
        if (Status const agreed = facts_.agree(init, *transport_, wanted, option_, relax); !agreed) {
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

    /// Does a request whose parts all fit the queue. `polls` continues from call to call: several requests share one
    /// limit.
    template <Relax R>
    [[__nodiscard__]] Status perform_at_once(BlockRequest const& request, PollLimit poll_limit, uint32_t& polls,
                                             R& relax, uint16_t queue) {
        Result<uint16_t> number = add(request, queue);
        for (; number.error() == Error::queue_full && polls < poll_limit.count; ++polls) {
            kick_queue(queue);
            queues_[queue].collect();
            number = add(request, queue);
            if (number.error() != Error::queue_full || queues_[queue].in_flight() == 0) {
                break;  // there is room now, or only take_completed() can make room
            }
            if (!relax_keeps_records(relax)) {
                return Error::request_cancelled;
            }
        }
        if (number.error() == Error::queue_full) {
            Status const alive = find_trouble(queue);
            return alive ? Status{Error::queue_full} : alive;  // the device never had the data
        }
        return number ? wait_for(*number, poll_limit, polls, relax, queue) : number.error();
    }

    /// Does the parts of a request one after another. It is a separate function because the parts take stack.
    template <Relax R>
    [[__nodiscard__]] [[gnu::__noinline__]] Status perform_in_turn(BlockRequest const& request, PollLimit poll_limit,
                                                                   R& relax, uint16_t queue) {
        BlockLimit const limit = queues_[queue].limit(facts_.config(), request.operation);
        BlockParts parts{request, limit};
        BlockParts::Pieces pieces;
        uint32_t polls = 0;
        do {  // each turn counts as a poll: otherwise a device that takes little at a time would prolong the call
            BlockParts ahead = parts;
            uint32_t const length = ahead.next().length;
            if (length == 0) {
                return Error::device_limits_too_small;
            }
            BlockPart const part = parts.take(length, pieces);
            BlockRequest const one{request.operation, part.sector, part.length, part.data, {}};
            if (Status const done = perform_at_once(one, poll_limit, polls, relax, queue); !done) {
                return done;
            }
        } while (!parts.at_end() && ++polls < poll_limit.count);
        return parts.at_end() ? Status{} : Error::timed_out;
    }

    template <Relax R>
    [[__nodiscard__]] Error wait_for(uint16_t number, PollLimit poll_limit, uint32_t& polls, R& relax,
                                     uint16_t queue) {
        queues_[queue].await(number);
        kick_queue(queue);
        for (;;) {
            CompletionState const state = queues_[queue].collect();
            if (queues_[queue].is_ready(number)) {
                return queues_[queue].take_awaited(number);
            }
            if (state == CompletionState::broken || ++polls >= poll_limit.count) {
                break;
            }
            if (!relax_keeps_records(relax)) {
                return Error::request_cancelled;
            }
        }
        queues_[queue].abandon(number);
        return give_up(queue);
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

    [[__nodiscard__]] Result<uint16_t> add(BlockRequest const& request, uint16_t queue) {
        if (Error const error = check_exists(queue); error != Error::none) {
            return error;
        }
        auto& target = queues_[queue];
        Result<uint16_t> const added = stopped_.is_set()
                                           ? Result<uint16_t>{Error::reset_needed}
                                           : target.submit(request, facts_.config(), facts_.negotiated());
        target.note_refusal(added.error());
        if (added.error() == Error::queue_broken) {
            stopped_.set();
        }
        return added;
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
