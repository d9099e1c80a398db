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
#include <virtq/device/negotiation.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/platform/dma_mapper.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// One request queue of a disk: turns requests into chains, and used chains into completions. It knows no transport:
/// `BlockDevice` notifies the device. All headers and ranges are commands of a `SlotQueue`, and the status bytes answers.
template <uint32_t N, class Traits>
class BlockQueue : public SlotQueue<N, Traits, SlotShape<sizeof(BlockFrame), 1>> {
    using Base = SlotQueue<N, Traits, SlotShape<sizeof(BlockFrame), 1>>;
    using typename Base::Data;
    using typename Base::Mapper;
    using typename Base::Pool;

public:
    using Base::ring;

    /// Before `set_up` and `resume`: through which interface the device is driven, and what a short length means.
    void set_manner(Interface device_interface, UnderReportedLength under_reported) {
        interface_ = device_interface;
        under_reported_ = under_reported;
    }

    /// As of `SlotQueue`. Error: `queue_too_small` for fewer descriptors than header, data and status take.
    template <class T, PageAllocator Allocator>
    [[__nodiscard__]] Status set_up(DeviceInit<T>& init, uint16_t index, Allocator& allocator,
                                    Features const& negotiated, QueueOption const& option) {
        constexpr uint16_t descriptors_minimum = 3;
        Status const made = Base::set_up(init, index, allocator, negotiated, option);
        return made && ring().size() < descriptors_minimum ? init.fail(Error::queue_too_small) : made;
    }

    using Base::note_refusal;

    void abandon(uint16_t number) {
        Base::abandon(number);
        note_refusal(Error::timed_out);
    }

    /// What one part of a request can carry: the least of what the device accepts, what fits the ring, and what `Data`
    /// can remember.
    [[__nodiscard__]] BlockLimit limit(BlockConfig const& config, BlockOperation operation) const {
        uint32_t const fits = uint32_t{ring().size()} - 2;
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
        if (ring().fault()) {
            return Error::queue_broken;
        }
        BlockLimit const limit = this->limit(config, request.operation);
        BlockPart part;
        if (make_whole(part, request, rule.data_bytes(), limit)) {
            return submit_whole(request.token, part, number);
        }
        if constexpr (Traits::long_request == LongRequest::split) {
            return submit_parts(request, limit, number);
        } else {
            return Error::device_limits_too_small;
        }
    }

    /// Adds the next part of a request that `submit` has checked, and goes behind it. After an error it is where it was.
    /// Not inlined: a request that is no part does not need its stack.
    [[__nodiscard__]] [[gnu::__noinline__]] Error submit_next(BlockParts& parts, uint16_t& number) {
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
        uint16_t const number = pool().take(token, data.bytes);
        if (number == Pool::none) {
            return false;
        }
        prepare(number, request_type(operation), sector);
        bool const added = add_plain<operation>(number, data).ok();
        if (!added) [[__unlikely__]] {
            pool().give_back(number);
        }
        return added;
    }

    /// Takes the used chains from the ring and ends their requests. Returns `none`, or `broken`.
    CompletionState collect() {
        return Base::collect([this](uint16_t number, uint32_t written) { return outcome(number, written); });
    }

    [[__nodiscard__]] BlockCompletion take_finished() {
        auto const finished = pool().take_finished();
        return finished.found ? BlockCompletion{finished.token, finished.error, CompletionState::ready}
                              : BlockCompletion{};
    }
    /// Calls `each(BlockCompletion)` for every request that has ended and was not handed out.
    template <class Each>
    void hand_back(Each& each) {
        for (BlockCompletion ended = take_finished(); ended.state == CompletionState::ready; ended = take_finished()) {
            each(ended);
        }
    }

private:
    using Base::pool;

    static constexpr char const* own_pages_sentence =
        "The data of a request is in the disk's own pages. Check whether they were handed out twice, or freed, and "
        "whether a segment is longer than its buffer, or Pages::phys is wrong.";

    /// The usual case: one part. `add` fails if the ring has no room.
    [[__nodiscard__]] Error submit_whole(Token token, BlockPart const& part, uint16_t& number) {
        number = pool().take(token, part.length);
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
        add_parts(request, limit, number);
        return Error::none;
    }
    /// Not inlined, as `split`.
    [[gnu::__noinline__]] void add_parts(BlockRequest const& request, BlockLimit const& limit, uint16_t owner) {
        [[__maybe_unused__]] Error const error = each_part(
            owner, BlockParts{request, limit}, [&](uint16_t each, BlockPart const& part) { return add(each, part); });
        VIRTQ_ASSERT(error == Error::none, "A part was refused after split() had found room for all");
    }

    /// Takes a record for each part, if all of them fit now. `owner` becomes the first one, also after an error. Not
    /// inlined: what comes next does not need its stack.
    [[__nodiscard__]] [[gnu::__noinline__]] Error split(BlockRequest const& request, BlockLimit const& limit,
                                                        uint16_t& owner) {
        BlockParts parts{request, limit};
        uint16_t last = owner = Pool::none;
        uint32_t descriptors = 0;
        do {  // ends: each turn adds at least three descriptors, and more than `size()` are an error
            BlockPart const part = parts.next(pieces_);
            if (part.length == 0) {
                return Error::device_limits_too_small;
            }
            descriptors += part.descriptors();
            if (descriptors > ring().size()) {
                return Error::request_above_queue;
            }
            if (owner == Pool::none) {
                last = owner = pool().take(request.token, part.length);
            } else if (last != Pool::none) {
                last = pool().take_part(owner, last, part.length);
            }
        } while (!parts.at_end());
        return last == Pool::none || descriptors > ring().num_free() ? Error::queue_full : Error::none;
    }

    /// Calls `each(number, part)` for each record of `split`, until one fails.
    template <class Each>
    [[__nodiscard__]] Error each_part(uint16_t owner, BlockParts&& parts, Each each) {
        Error error = Error::none;
        for (uint16_t number = owner; number != Pool::none && error == Error::none;) {
            uint16_t const after = pool().next_part(number);
            error = each(number, parts.next(pieces_));
            number = after;
        }
        return error;
    }

    void undo(uint16_t owner) {
        for (uint16_t number = owner; number != Pool::none;) {
            uint16_t const after = pool().next_part(number);
            this->unmap(number);
            pool().give_back(number);
            number = after;
        }
    }

    /// Whether data overlaps the pages of the ring or of the headers. Always false with a mapper: then the pages have
    /// device addresses, but `data` has not.
    [[__nodiscard__]] bool has_pages_of([[__maybe_unused__]] Span<Segment const> data) const {
        bool found = false;
        if constexpr (SameAs<Mapper, NoMapper>) {
            for (Segment const& segment : data) {
                for (unsigned own = 0; own < Base::run_count; ++own) {
                    found = found || overlaps(segment, this->run(own));
                }
            }
        }
        return found;
    }
    [[__nodiscard__]] static bool overlaps(Segment const& segment, Pages const& pages) {
        return segment.addr.value < pages.phys.value + pages.count * uint64_t{page_bytes} &&
               pages.phys.value < segment.addr.value + segment.bytes;
    }

    [[__nodiscard__]] Error map(uint16_t number, BlockPart const& part) {
        return Base::map(number, part.data,
                         part.device_writes() ? DmaDirection::device_writes : DmaDirection::device_reads);
    }

    [[__nodiscard__]] Error add(uint16_t number, BlockPart const& part) {
        VIRTQ_ASSERT(!has_pages_of(part.data), own_pages_sentence);
        prepare(number, part.type, part.has_range() ? 0 : part.sector);  // §5.2.6: a range has its own
        Segment const header = this->header(number);
        Segment const status = this->status(number);
        Span<Segment const> data = this->mapped(number, part.data);
        Segment range;
        if (part.has_range()) {
            frame(number)->put_range({part.sector, part.length, part.range_flags}, byte_order(interface_));
            range = this->command_part(number, offsetof(BlockFrame, range), sizeof(spec::block::Range));
            data = {&range, 1};
        }
        size_t const read_by_device = part.device_writes() ? 0 : data.size();
        Gather const readable{{&header, 1}, {data.data(), read_by_device}};
        Gather const writable{{data.data(), data.size() - read_by_device}, {&status, 1}};
        return ring().add_gathered(readable, writable, Token{uintptr_t{number}}).error();
    }

    [[__nodiscard__]] BlockFrame* frame(uint16_t number) const {
        return reinterpret_cast<BlockFrame*>(this->command(number));
    }
    [[__nodiscard__]] Segment header(uint16_t number) const {
        return this->command_part(number, 0, sizeof(spec::block::RequestHeader));
    }
    [[__nodiscard__]] Segment status(uint16_t number) const { return this->answer_part(number, 1); }
    /// Fills in the header, and marks the status byte as unwritten.
    void prepare(uint16_t number, spec::block::RequestType type, uint64_t sector) {
        frame(number)->put_header(type, sector, byte_order(interface_));
        platform::store_plain(this->answer(number), block_status_unwritten);
    }

    /// In arrays, so that the compiler makes straight-line code of it.
    template <BlockOperation operation>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add_plain(uint16_t number, Segment const& data) {
        Token const token{uintptr_t{number}};
        if constexpr (operation == BlockOperation::read) {
            Segment const readable[] = {header(number)};
            Segment const writable[] = {data, status(number)};
            return ring().add(readable, writable, token);
        } else {
            Segment const readable[] = {header(number), data};
            Segment const writable[] = {status(number)};
            return ring().add(readable, writable, token);
        }
    }

    [[__nodiscard__]] Error outcome(uint16_t number, uint32_t written) const {
        auto const status = static_cast<spec::block::RequestStatus>(platform::load_relaxed(this->answer(number)));
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
        return written < pool().length(number) && written > status_bytes && interface_ == Interface::modern &&
               under_reported_ == UnderReportedLength::fail_request;
    }

    Interface interface_ = Interface::modern;
    UnderReportedLength under_reported_ = UnderReportedLength::fail_request;
    BlockParts::Pieces pieces_ = {};  ///< of the part that is being added; not on the stack of a kernel
};

}  // namespace virtq::detail
