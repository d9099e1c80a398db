// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_frame.hpp>
#include <virtq/device/detail/block/block_limit.hpp>
#include <virtq/device/detail/block/block_part.hpp>
#include <virtq/device/detail/block/block_rule.hpp>
#include <virtq/device/detail/mapped_data.hpp>
#include <virtq/device/detail/request_pool.hpp>
#include <virtq/device/negotiation.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

namespace virtq::detail {

/// One request queue of a disk: turns requests into chains, and used chains into completions. It knows no transport:
/// `BlockDevice` notifies the device.
template <uint32_t N, class Traits>
class BlockQueue {
public:
    using Mapper = typename Traits::Mapper;
    using Ring = VirtQueue<N, typename Traits::Format>;

    static constexpr uint32_t request_max = N / 2;  // a request has at least a header and a status

    using Pool = RequestPool<request_max>;
    using Data = MappedData<request_max, Mapper>;

    /// The ring, which `DeviceInit` brings up.
    [[__nodiscard__]] Ring& ring() { return ring_; }
    [[__nodiscard__]] Ring const& ring() const { return ring_; }

    /// Takes pages for headers and status bytes. The ring must be up. Errors: those of `BlockFrames::init`.
    template <PageAllocator Allocator>
    [[__nodiscard__]] Status init(Allocator& allocator, Interface device_interface, UnderReportedLength under_reported,
                                  Mapper* mapper) {
        mapper_ = mapper;
        uint16_t const requests = request_count();
        if (Status const framed = frames_.init(allocator, requests, byte_order(device_interface)); !framed) {
            return framed;
        }
        reset(device_interface, under_reported);
        return {};
    }

    /// Starts again after a reset, in the pages that it has.
    void start(Interface device_interface, UnderReportedLength under_reported) {
        frames_.restart(byte_order(device_interface));
        reset(device_interface, under_reported);
    }

    /// Gives all pages back. The device must have stopped, or must never have got this queue.
    template <PageAllocator Allocator>
    void release(Allocator& allocator) {
        ring_.detach();
        static_cast<void>(ring_.release(allocator));  // cannot fail: the ring is detached
        frames_.release(allocator);
        pool_.reset(0);
    }

    /// Whether this queue shares a page with `other`. With itself: whether two of its runs have a page in common.
    [[__nodiscard__]] bool shares_pages_with(BlockQueue const& other) const {
        for (unsigned own = 0; own < run_count; ++own) {
            for (unsigned one = 0; one < run_count; ++one) {
                bool const is_itself = this == &other && own == one;
                if (!is_itself && share_pages(run(own), other.run(one))) {
                    return true;
                }
            }
        }
        return false;
    }

    /// Records why the last request was rejected or timed out, for `last_error`.
    void note_refusal(Error error) { refused_ = error; }
    [[__nodiscard__]] Error last_error() const { return refused_; }

    [[__nodiscard__]] uint16_t in_flight() const { return pool_.in_flight(); }
    /// Whether a request has ended that was not handed out.
    [[__nodiscard__]] bool has_finished() const { return pool_.has_finished(); }

    /// For a caller that waits for one request: `take_finished` does not hand that out.
    void await(uint16_t number) { pool_.await(number); }
    [[__nodiscard__]] bool is_ready(uint16_t number) const { return pool_.is_ready(number); }
    [[__nodiscard__]] Error take_awaited(uint16_t number) { return pool_.take_awaited(number); }
    void abandon(uint16_t number) {
        pool_.abandon(number);
        refused_ = Error::timed_out;
    }

    /// What one part of a request can carry: the least of what the device accepts, what fits the ring, and what `Data`
    /// can remember.
    [[__nodiscard__]] BlockLimit limit(BlockConfig const& config, BlockOperation operation) const {
        uint32_t const fits = uint32_t{ring_.size()} - 2;
        uint32_t const most = config.segments < fits ? config.segments : fits;
        return block_limit(config, operation, most < Data::segments_max ? most : Data::segments_max);
    }

    /// Checks a request, and adds it in as many parts as it takes: all of them, or none. `number` becomes that of its
    /// record. Errors: those of `BlockDevice::submit`.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Error submit(BlockRequest const& request, BlockConfig const& config,
                                                          Features const& negotiated, uint16_t& number) {
        BlockRule rule{config, negotiated};
        if (Error const error = rule.check(request); error != Error::none) {
            return error;
        }
        if (ring_.fault()) {
            return Error::queue_broken;
        }
        BlockLimit const limit = this->limit(config, request.operation);
        BlockPart part;
        return make_whole(part, request, rule.data_bytes(), limit) ? submit_whole(request.token, part, number)
                                                                   : submit_parts(request, limit, number);
    }

    /// Adds the next part of a request that `submit` has checked, and goes behind it. After an error it is where it was.
    [[__nodiscard__]] Error submit_next(BlockParts& parts, uint16_t& number) {
        BlockParts ahead = parts;
        BlockPart const part = ahead.next(pieces_);
        if (part.length == 0) {
            return Error::device_limits_too_small;
        }
        Error const error = submit_whole(Token{}, part, number);
        if (error == Error::none) {
            parts = ahead;
        }
        return error;
    }

    /// Adds a read or write of one segment that `BlockRule::is_plain` has accepted. False: nothing has changed, and
    /// `submit` names the error. Not with a mapper, whose mappings and errors only `submit` handles.
    template <BlockOperation operation>
    [[__nodiscard__]] bool submit_plain(uint64_t sector, Segment const& data, Token token) {
        VIRTQ_ASSERT(!has_pages_of({&data, 1}), own_pages_sentence);
        uint16_t const number = pool_.take(token, data.bytes);
        if (number == Pool::none) {
            return false;
        }
        frames_.prepare(number, request_type(operation), sector);
        bool const added = add_plain<operation>(number, data).ok();
        if (!added) [[__unlikely__]] {
            pool_.give_back(number);
        }
        return added;
    }

    Notification publish() { return ring_.publish(); }

    /// Takes the used chains from the ring and ends their requests. Returns `none`, or `broken`.
    CompletionState collect() {
        if (!ring_.is_live()) {  // the device did not come up again after a reset; its requests were handed back
            return CompletionState::none;
        }
        for (;;) {  // ends: each turn takes one of the parts in flight
            Completion const completion = ring_.take_used();
            if (!completion) {
                return completion.state;
            }
            auto const number = static_cast<uint16_t>(completion.token.value());
            data_.unmap(mapper_, number);
            pool_.finish(number, outcome(number, completion.written));
        }
    }

    [[__nodiscard__]] BlockCompletion take_finished() {
        auto const finished = pool_.take_finished();
        return finished.found ? BlockCompletion{finished.token, finished.error, CompletionState::ready}
                              : BlockCompletion{};
    }

    /// After a reset of the device: ends everything in flight with `error`.
    void cancel(Error error) {
        pool_.cancel_all(error, [this](uint16_t number) { data_.unmap(mapper_, number); });
    }

private:
    static constexpr char const* own_pages_sentence =
        "The data of a request is in the disk's own pages. Check whether they were handed out twice, or freed, and "
        "whether a segment is longer than its buffer, or Pages::phys is wrong.";

    void reset(Interface device_interface, UnderReportedLength under_reported) {
        interface_ = device_interface;
        under_reported_ = under_reported;
        refused_ = Error::none;
        pool_.reset(request_count());
    }

    static constexpr unsigned run_count = 3;

    /// Each run of pages that the queue has taken.
    [[__nodiscard__]] Pages run(unsigned index) const {
        return index == 0 ? ring_.pages() : index == 1 ? ring_.table_pages() : frames_.pages();
    }

    [[__nodiscard__]] uint16_t request_count() const { return static_cast<uint16_t>(ring_.size() / 2); }

    /// The usual case: one part. `add` fails if the ring has no room.
    [[__nodiscard__]] Error submit_whole(Token token, BlockPart const& part, uint16_t& number) {
        number = pool_.take(token, part.length);
        if (number == Pool::none) {
            return Error::queue_full;  // no record is free: requests that ended keep theirs until they are handed out
        }
        Error error = map(number, part);
        if (error == Error::none) {
            error = add(number, part);
        }
        if (error != Error::none) {
            undo(number);
        }
        return error;
    }

    /// Takes a record for each part. Then maps all parts before it adds one, because what was added cannot be taken
    /// back. It is a separate function because few requests have several parts.
    [[__nodiscard__]] [[gnu::__noinline__]] Error submit_parts(BlockRequest const& request, BlockLimit const& limit,
                                                               uint16_t& number) {
        Error error = split(request, limit, number);
        if constexpr (!SameAs<Mapper, NoMapper>) {
            if (error == Error::none) {
                error = each_part(number, BlockParts{request, limit},
                                  [&](uint16_t each, BlockPart const& part) { return map(each, part); });
            }
        }
        if (error != Error::none) {
            undo(number);
            return error;
        }
        error = each_part(number, BlockParts{request, limit},
                          [&](uint16_t each, BlockPart const& part) { return add(each, part); });
        VIRTQ_ASSERT(error == Error::none, "A part was refused after split() had found room for all");
        return Error::none;
    }

    /// Takes a record for each part, if all of them fit now. `owner` becomes the first one, also after an error.
    [[__nodiscard__]] Error split(BlockRequest const& request, BlockLimit const& limit, uint16_t& owner) {
        BlockParts parts{request, limit};
        uint16_t last = owner = Pool::none;
        uint32_t descriptors = 0;
        do {  // ends: each turn adds at least three descriptors, and more than `size()` are an error
            BlockPart const part = parts.next(pieces_);
            if (part.length == 0) {
                return Error::device_limits_too_small;
            }
            descriptors += part.descriptors();
            if (descriptors > ring_.size()) {
                return Error::request_above_queue;
            }
            if (owner == Pool::none) {
                last = owner = pool_.take(request.token, part.length);
            } else if (last != Pool::none) {
                last = pool_.take_part(owner, last, part.length);
            }
        } while (!parts.at_end());
        return last == Pool::none || descriptors > ring_.num_free() ? Error::queue_full : Error::none;
    }

    /// Calls `each(number, part)` for each record of `split`, until one fails.
    template <class Each>
    [[__nodiscard__]] Error each_part(uint16_t owner, BlockParts&& parts, Each each) {
        Error error = Error::none;
        for (uint16_t number = owner; number != Pool::none && error == Error::none;) {
            uint16_t const after = pool_.next_part(number);
            error = each(number, parts.next(pieces_));
            number = after;
        }
        return error;
    }

    void undo(uint16_t owner) {
        for (uint16_t number = owner; number != Pool::none;) {
            uint16_t const after = pool_.next_part(number);
            data_.unmap(mapper_, number);
            pool_.give_back(number);
            number = after;
        }
    }

    /// Whether data overlaps the pages of the ring or of the headers. Always false with a mapper: then the pages have
    /// device addresses, but `data` has not.
    [[__nodiscard__]] bool has_pages_of([[__maybe_unused__]] Span<Segment const> data) const {
        bool found = false;
        if constexpr (SameAs<Mapper, NoMapper>) {
            for (Segment const& segment : data) {
                found = found || overlaps(segment, ring_.pages()) || overlaps(segment, ring_.table_pages()) ||
                        overlaps(segment, frames_.pages());
            }
        }
        return found;
    }
    [[__nodiscard__]] static bool overlaps(Segment const& segment, Pages const& pages) {
        return segment.addr.value < pages.phys.value + pages.count * uint64_t{page_bytes} &&
               pages.phys.value < segment.addr.value + segment.bytes;
    }

    [[__nodiscard__]] Error map(uint16_t number, BlockPart const& part) {
        return data_.map(mapper_, number, part.data,
                         part.device_writes() ? DmaDirection::device_writes : DmaDirection::device_reads);
    }

    [[__nodiscard__]] Error add(uint16_t number, BlockPart const& part) {
        VIRTQ_ASSERT(!has_pages_of(part.data), own_pages_sentence);
        frames_.prepare(number, part.type, part.has_range() ? 0 : part.sector);  // §5.2.6: a range has its own
        Segment const header = frames_.header(number);
        Segment const status = frames_.status(number);
        Span<Segment const> data = data_.where(number, part.data);
        Segment range;
        if (part.has_range()) {
            frames_.prepare_range(number, {part.sector, part.length, part.range_flags});
            range = frames_.range(number);
            data = {&range, 1};
        }
        size_t const read_by_device = part.device_writes() ? 0 : data.size();
        Gather const readable{{&header, 1}, {data.data(), read_by_device}};
        Gather const writable{{data.data(), data.size() - read_by_device}, {&status, 1}};
        return ring_.add_gathered(readable, writable, Token{uintptr_t{number}}).error();
    }

    /// In arrays, so that the compiler makes straight-line code of it.
    template <BlockOperation operation>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add_plain(uint16_t number, Segment const& data) {
        Token const token{uintptr_t{number}};
        if constexpr (operation == BlockOperation::read) {
            Segment const readable[] = {frames_.header(number)};
            Segment const writable[] = {data, frames_.status(number)};
            return ring_.add(readable, writable, token);
        } else {
            Segment const readable[] = {frames_.header(number), data};
            Segment const writable[] = {frames_.status(number)};
            return ring_.add(readable, writable, token);
        }
    }

    [[__nodiscard__]] Error outcome(uint16_t number, uint32_t written) const {
        auto const status = static_cast<spec::block::RequestStatus>(frames_.load_status(number));
        if (status == spec::block::RequestStatus::ok) [[__likely__]] {
            return is_short(number, written) ? Error::short_read : Error::none;
        }
        switch (status) {
            case spec::block::RequestStatus::ioerr: return Error::io_error;
            case spec::block::RequestStatus::unsupp: return Error::not_supported;
            default: return Error::status_invalid;
        }
    }

    /// Whether the device wrote less than all data of a read: then nothing may be assumed of the bytes beyond `written`
    /// (§2.7.8.3). The length means nothing if it covers at most the status byte, or if the device is legacy. Only the
    /// chain of a read has more writable bytes, and the ring returns no length above them.
    [[__nodiscard__]] bool is_short(uint16_t number, uint32_t written) const {
        constexpr uint32_t status_bytes = 1;
        return written < pool_.length(number) && written > status_bytes && interface_ == Interface::modern &&
               under_reported_ == UnderReportedLength::fail_request;
    }

    Interface interface_ = Interface::modern;
    UnderReportedLength under_reported_ = UnderReportedLength::fail_request;
    Error refused_ = Error::none;
    Mapper* mapper_ = nullptr;
    BlockFrames frames_;
    Pool pool_;
    [[__no_unique_address__]] Data data_;
    Ring ring_;
    BlockParts::Pieces pieces_ = {};  ///< of the part that is being added; not on the stack of a kernel
};

}  // namespace virtq::detail
