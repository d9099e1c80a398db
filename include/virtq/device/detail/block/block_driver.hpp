// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_config.hpp>
#include <virtq/device/detail/block/block_queue_set.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/platform/relax.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The state of a disk, and the workings behind the calls of `BlockDevice`, which documents them.
template <class T, uint32_t N, class Traits>
class BlockDriver : public DriverCore<BlockDriver<T, N, Traits>, T, BlockOption> {
    using Core = DriverCore<BlockDriver, T, BlockOption>;
    friend Core;
    using Bit = spec::block::Feature;

public:
    static constexpr spec::DeviceId device_type = spec::DeviceId::block;
    using Mapper = typename Traits::Mapper;

protected:
    using Queues = BlockQueueSet<N, Traits>;

    // --- what it is ---

    [[__nodiscard__]] bool has(Bit bit) const { return this->negotiated().has(bit); }

    /// Reads the configuration. Returns whether it differs from the one before. Errors: those of `read_block_config`;
    /// then nothing has changed.
    [[__nodiscard__]] Result<bool> read_config_again() {
        BlockConfig read;
        if (Error const error =
                read_block_config(this->device(), this->negotiated(), this->option().data_segments, read);
            error != Error::none) {
            return error;
        }
        bool const differs = read != config_;
        config_ = read;
        return differs;
    }
    /// §5.2.5: the cache mode of a disk that does not report it, or is not up.
    [[__nodiscard__]] BlockCacheMode deduced_cache_mode() const {
        return has(Bit::flush) ? BlockCacheMode::writeback : BlockCacheMode::writethrough;
    }
    [[__nodiscard__]] BlockCacheMode read_cache_mode() const {
        if (queue_count_ == 0 || !has(Bit::config_wce)) {
            return deduced_cache_mode();
        }
        bool const writeback = this->device().read_config8(spec::block::config::writeback.offset) != 0;
        return writeback ? BlockCacheMode::writeback : BlockCacheMode::writethrough;
    }
    [[__nodiscard__]] Status switch_cache_mode(BlockCacheMode mode) const {
        if (!has(Bit::config_wce)) {
            return Error::not_supported;
        }
        this->device().write_config8(spec::block::config::writeback.offset, static_cast<uint8_t>(mode));
        return read_cache_mode() == mode ? Status{} : Status{Error::not_supported};
    }

    // --- using ---

    /// `queue_count_` is set when the disk is up: it is 0 before, and after an `init` that failed.
    [[__nodiscard__]] Error check_exists(uint16_t queue) const {
        this->check_place();
        if (queue < queue_count_) {
            return Error::none;
        }
        return queue_count_ == 0 ? Error::not_initialised : Error::no_such_queue;
    }
    [[__nodiscard__]] Error check_usable(uint16_t queue) const {
        Error const error = check_exists(queue);
        return error == Error::none && this->is_stopped() ? Error::reset_needed : error;
    }

    bool kick_queue(uint16_t queue) {
        VIRTQ_ASSERT(queue_count_ == 0 || queue < queue_count_,
                     "kick_device() was called for a queue that this disk does not have. Compare it with "
                     "queue_count().");
        return check_usable(queue) == Error::none && this->notify(queue, queues_[queue].publish());
    }

    [[__nodiscard__]] Status find_trouble(uint16_t queue) {
        Error const error = check_exists(queue);
        return error == Error::none ? Core::find_trouble(queues_[queue].ring().fault()) : Status{error};
    }

    CompletionState collect(uint16_t queue) {
        CompletionState const state = queues_[queue].collect();
        if (state == CompletionState::broken) {
            this->give_up();
        }
        return state;
    }

    /// How long a blocking call waits. All requests of one call share it.
    template <Relax R>
    struct Wait {
        R& relax;
        uint32_t polls_left;
        uint16_t queue;
    };

    template <Relax R>
    [[__nodiscard__]] Error perform_request(BlockRequest const& request, PollLimit poll_limit, R& relax,
                                            uint16_t queue) {
        Wait<R> wait{relax, poll_limit.count, queue};
        Error const done = perform_at_once(request, wait);
        if constexpr (Traits::long_request == LongRequest::split) {
            if (done == Error::request_above_queue) {
                return perform_in_turn(request, wait);
            }
        }
        return done;
    }

    /// Does a request whose parts all fit the queue. Not inlined: `perform_in_turn` does not need its stack.
    template <Relax R>
    [[__nodiscard__]] [[gnu::__noinline__]] Error perform_at_once(BlockRequest const& request, Wait<R>& wait) {
        for (;;) {  // ends: each turn takes a poll
            uint16_t number = 0;
            Error error = add(request, wait.queue, number);
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

    /// Does the parts of a request that `add` has checked, one after another.
    template <Relax R>
    [[__nodiscard__]] [[gnu::__noinline__]] Error perform_in_turn(BlockRequest const& request, Wait<R>& wait) {
        BlockLimit const limit = queues_[wait.queue].limit(config_, request.operation);
        BlockParts parts{request, limit};
        for (;;) {  // ends: each turn takes a poll
            uint16_t number = 0;
            Error error = add_next(parts, wait.queue, number);
            bool const is_full = error == Error::queue_full;
            if (is_full) {
                error = wait_for_room(wait);
            } else if (error == Error::none) {
                error = wait_for(number, wait);
            }
            if (error != Error::none || (!is_full && parts.at_end())) {
                return error;
            }
            // Each part counts as a poll: otherwise a device that takes little at a time would prolong the call.
            if (!is_full && wait.polls_left-- <= 1) {
                return Error::timed_out;
            }
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
        return waits && !this->relax_keeps_requests(wait.relax) ? Error::request_cancelled : Error::none;
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
            if (!this->relax_keeps_requests(wait.relax)) {
                return Error::request_cancelled;
            }
        }
        queue.abandon(number);
        return give_up_on(wait.queue);
    }

    [[__nodiscard__]] Error give_up_on(uint16_t queue) {
        Status const alive = find_trouble(queue);
        this->give_up();
        return alive ? Error::timed_out : alive.error();
    }

    /// Adds a read or write of one segment straight to the ring, as most requests go. False: nothing has changed, and
    /// `add` tries again, which also splits, maps, and names every error.
    template <BlockOperation operation>
    [[__nodiscard__]] bool go_straight(uint64_t sector, Span<Segment const> data, Token token, uint16_t queue) {
        if constexpr (SameAs<Mapper, NoMapper>) {
            BlockRule const rule{config_, this->negotiated()};
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
        return noted(queue, this->is_stopped() ? Error::reset_needed
                                               : queues_[queue].submit(request, config_, this->negotiated(), number));
    }
    /// For a caller that does not wait.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Error add(BlockRequest const& request, uint16_t queue) {
        uint16_t number = 0;
        return add(request, queue, number);
    }
    /// A read or write that does not go straight. Not inlined, so that the usual request does not need its stack. The
    /// arguments fit the registers.
    [[__nodiscard__]] [[gnu::__noinline__]] Error add_to_first(BlockOperation operation, uint64_t sector,
                                                               Span<Segment const> data, Token token) {
        return add({operation, sector, 0, data, token}, 0);
    }
    [[__nodiscard__]] Error add_next(BlockParts& parts, uint16_t queue, uint16_t& number) {
        return noted(queue, this->is_stopped() ? Error::reset_needed : queues_[queue].submit_next(parts, number));
    }
    [[__nodiscard__]] Error noted(uint16_t queue, Error error) {
        queues_[queue].note_refusal(error);
        if (error == Error::queue_broken) {
            this->give_up();
        }
        return error;
    }

    // --- for `DriverCore` ---

    [[__nodiscard__]] Negotiation wanted_features() const {
        Negotiation wanted = wanted_of<Traits>(block_features(Traits::queue_count_max));
        wanted.needs = spec::block::feature_needs;
        return wanted;
    }
    [[__nodiscard__]] Error check_offer(Features const& offered) { return check_zones(this->device(), offered); }

    /// After a reset only queues that have pages are used, even if the device offers more.
    [[__nodiscard__]] Status configure() {
        if (Error const error =
                read_block_config(this->device(), this->negotiated(), this->option().data_segments, config_);
            error != Error::none) {
            return error;
        }
        uint16_t const with_pages = queues_.with_pages();
        uint16_t const most = with_pages != 0 ? with_pages : Traits::queue_count_max;
        wanted_queues_ = config_.queue_count < most ? config_.queue_count : most;
        Interface const manner = this->device().is_legacy() ? Interface::legacy : Interface::modern;
        for (uint16_t index = 0; index < wanted_queues_; ++index) {
            queues_[index].set_manner(manner, this->option().under_reported);
        }
        return {};
    }
    template <class Visit>
    [[__nodiscard__]] Status visit_queues(Visit visit) {
        for (uint16_t index = 0; index < Traits::queue_count_max; ++index) {
            if (Status const visited = visit(index, queues_[index]); !visited) {
                return visited;
            }
        }
        return {};
    }
    [[__nodiscard__]] bool uses_queue(uint16_t index) const { return index < wanted_queues_; }
    void on_live() { queue_count_ = wanted_queues_; }
    /// The negotiation stays, so that a failed `init` can be explained.
    void on_release() {
        queue_count_ = 0;
        config_ = BlockConfig{};
    }

    BlockConfig config_;
    uint16_t queue_count_ = 0;
    uint16_t wanted_queues_ = 0;  ///< how many will be in use when the disk is up
    Queues queues_;
};

}  // namespace virtq::detail
