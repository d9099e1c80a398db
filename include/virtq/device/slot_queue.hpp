// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/detail/driver_queue.hpp>
#include <virtq/device/detail/mapped_data.hpp>
#include <virtq/device/detail/request_pool.hpp>
#include <virtq/device/driver_types.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/queue/segment.hpp>

#include <stdint.h>

namespace virtq {

/// On which side of the data the device writes the answer, if it writes the data, too.
enum class AnswerPlace : uint8_t {
    after_data,   ///< as a disk writes its status
    before_data,  ///< as a 9P transport writes the header of a message
};

/// The most bytes of a command, and of the answer to it; 0: there is none.
template <uint32_t Command, uint32_t Answer, AnswerPlace Place = AnswerPlace::after_data>
struct SlotShape {
    static constexpr uint32_t command_bytes = Command;  ///< the device reads them
    static constexpr uint32_t answer_bytes = Answer;    ///< the device writes them
    static constexpr AnswerPlace answer_place = Place;  ///< where it writes them
    static constexpr uint32_t long_bytes = 0;           ///< of the one long command; see `WithLongCommand`
    /// The fewest descriptors of a chain. A chain of caller's data alone has one, too.
    static constexpr uint32_t descriptors = Command != 0 && Answer != 0 ? 2 : 1;
};

/// A shape with room for one command of `Bytes` bytes, longer than those of the slots, which share it.
template <class Shape, uint32_t Bytes>
struct WithLongCommand : Shape {
    static constexpr uint32_t long_bytes = Bytes;  ///< the device reads them
};

/// The parts of one chain of a `SlotQueue`. The device sees the command first, then the data, then the answer. With
/// `AnswerPlace::before_data` it sees the answer before data that it writes.
struct SlotChain {
    uint32_t command_bytes = 0;                           ///< how many bytes of the slot's command are sent
    Span<Segment const> data{};                           ///< the caller's, at physical addresses
    DmaDirection direction = DmaDirection::device_reads;  ///< of the data
    uint32_t answer_bytes = 0;                            ///< how many bytes of the slot's answer may be written
};

/// A part of a driver: a queue of requests. Each has a *slot*: a record, and room for a command and an answer in pages of
/// the driver's own. Commands are copied in and answers copied out, so that no answer changes after it was looked at.
/// The caller's data stays where it is, mapped if there is a mapper.
///
/// **Use** `take_slot`, `put`, `send`, then `publish` and notify. Then `collect`, which ends requests, and
/// `take_finished` for those that nobody waits for. `DriverCore::perform` does one and waits for it.
/// **Threading** The caller serialises the calls. None waits.
template <uint32_t N, class Traits, class Shape>
class SlotQueue : public detail::DriverQueue<N, typename Traits::Format> {
    using Base = detail::DriverQueue<N, typename Traits::Format>;
    static constexpr uint32_t slot_max = N / Shape::descriptors;
    static_assert(slot_max != 0, "SlotQueue<N, Traits, Shape>: N is too small for a command and its answer.");
    static_assert(uint64_t{slot_max} * (Shape::command_bytes + Shape::answer_bytes) + Shape::long_bytes <= UINT32_MAX,
                  "SlotQueue<N, Traits, Shape>: all slots together are above 4 GiB. Use a smaller N.");

protected:
    /// Which slots are free, in flight and finished.
    using Pool = detail::RequestPool<slot_max>;
    /// Where the mapper put the data of each slot.
    using Data = detail::MappedData<slot_max, typename Traits::Mapper>;

public:
    using Base::ring;
    using Mapper = typename Traits::Mapper;  ///< makes the caller's data visible to the device

    static constexpr uint16_t no_slot = Pool::none;  ///< what `take_slot` returns if all are in use
    /// Most segments of data in one chain.
    static constexpr uint32_t segments_max = Data::segments_max;

    /// The most pages that it takes.
    [[__nodiscard__]] static constexpr uint32_t page_count(IndirectOption const& indirect = {}) {
        return Base::Ring::page_count(N, indirect) + detail::align_up(memory_bytes(slot_max), page_bytes) / page_bytes;
    }

    // --- for `DriverCore` ---

    /// Before `set_up`: who maps the data. A queue whose traits have no mapper has no data of the kernel's.
    template <class M>
    void set_mapper([[__maybe_unused__]] M* mapper) {
        if constexpr (detail::SameAs<M, Mapper>) {
            mapper_ = mapper;
        }
    }

    /// Step 7 of §3.1.1, and the pages of the slots.
    template <class T, PageAllocator Allocator>
    [[__nodiscard__]] Status set_up(DeviceInit<T>& init, uint16_t index, Allocator& allocator,
                                    Features const& negotiated, QueueOption const& option) {
        Status const made = init.set_up_queue(index, ring(), allocator, negotiated, option);
        if (!made) {
            return made;
        }
        uint16_t const count = slot_count();
        if (count == 0) {
            return init.fail(Error::queue_too_small);
        }
        if (Error const error = this->take_memory(allocator, memory_bytes(count)); error != Error::none) {
            return init.fail(error);
        }
        start();
        return {};
    }
    /// The same after a reset, in the pages that it has. Requests that ended were handed out before.
    template <class T>
    [[__nodiscard__]] Status resume(DeviceInit<T>& init, uint16_t index, Features const& negotiated,
                                    QueueOption const& option) {
        Status const made = init.resume_queue(index, ring(), negotiated, option);
        if (made) {
            this->zero_memory();
            start();
        }
        return made;
    }
    /// The device has stopped: ends everything in flight with `error`.
    void stop_with(Error error) {
        ring().detach();
        pool_.cancel_all(error, [this](uint16_t slot) {
            data_.unmap(mapper_, slot);
            pool_.set_length(slot, 0);
        });
    }
    /// Calls `each(RequestCompletion)` for every request that has ended and was not handed out.
    template <class Each>
    void hand_back(Each& each) {
        for (RequestCompletion ended = take_finished(); ended.state == CompletionState::ready;
             ended = take_finished()) {
            each(ended);
        }
    }
    /// Gives all pages back. The device must have stopped, or must never have got this queue.
    template <PageAllocator Allocator>
    void release(Allocator& allocator) {
        Base::release(allocator);
        pool_.reset(0);
    }
    /// Nothing is posted before DRIVER_OK.
    [[__nodiscard__]] Notification first_notification() const { return {}; }

    // --- a request ---

    /// Takes a slot for a request; `no_slot` if all are in use. `token` comes back with its completion.
    [[__nodiscard__]] uint16_t take_slot(Token token) { return pool_.take(token, 0); }

    /// Copies `bytes` bytes to the slot's command, from `offset` on.
    void put(uint16_t slot, uint32_t offset, void const* from, uint32_t bytes) {
        check_slot(slot);
        VIRTQ_ASSERT(offset <= Shape::command_bytes && bytes <= Shape::command_bytes - offset,
                     "A driver puts more into a slot than SlotShape::command_bytes. Make the command shorter, or the "
                     "shape larger.");
        platform::copy_in(this->virt(slot * Shape::command_bytes + offset), from, bytes);
    }

    /// Where the device finds a part of the slot's command, for a device that wants it in a descriptor of its own.
    [[__nodiscard__]] Segment command_part(uint16_t slot, uint32_t offset, uint32_t bytes) const {
        return {this->phys(slot * Shape::command_bytes + offset), bytes};
    }

    /// Adds the slot's chain, with the answer zeroed. On an error the slot is free again. Errors: the mapper's, those of
    /// `VirtQueue::add`, and `chain_longer_than_queue` for more segments than `segments_max`.
    [[__nodiscard__]] Error send(uint16_t slot, SlotChain const& chain) {
        check_slot(slot);
        refused_ = chain.data.size() <= segments_max ? map_and_add(slot, chain) : Error::chain_longer_than_queue;
        if (refused_ != Error::none) {
            pool_.give_back(slot);
        }
        return refused_;
    }

    /// As `send`, and returns the slot.
    [[__nodiscard__]] Result<uint16_t> send_from(uint16_t slot, SlotChain const& chain) {
        Error const error = send(slot, chain);
        return error == Error::none ? Result<uint16_t>{slot} : Result<uint16_t>{error};
    }

    /// Takes a slot and sends the caller's data alone: for a queue without commands and answers. Errors: `queue_full`, and
    /// those of `send`.
    [[__nodiscard__]] Result<uint16_t> send_data(Span<Segment const> data, DmaDirection direction, Token token) {
        uint16_t const slot = take_slot(token);
        if (slot == no_slot) {
            return refused_ = Error::queue_full;  // requests that ended keep their slots until they are handed out
        }
        return send_from(slot, {0, data, direction, 0});
    }

    /// For a caller that waits for one request: `take_finished` does not hand that out.
    void await(uint16_t slot) { pool_.await(slot); }
    /// Whether the device has finished this request.
    [[__nodiscard__]] bool is_ready(uint16_t slot) const { return pool_.is_ready(slot); }
    /// Frees the slot of a request that is ready, and returns how it ended.
    [[__nodiscard__]] Error take_awaited(uint16_t slot) { return pool_.take_awaited(slot); }
    /// Nobody waits for this request: its completion only frees the slot.
    void abandon(uint16_t slot) { pool_.abandon(slot); }

    /// Takes the used chains from the ring and ends their requests, each with the error that `outcome(slot, written)`
    /// returns. `outcome` may read the answer, and `keep_bytes`. Returns `none`, or `broken`.
    template <class Outcome>
    CompletionState collect(Outcome outcome) {
        if (!ring().is_live()) {
            return CompletionState::none;  // the device did not come up again after a reset
        }
        for (;;) {  // ends: each turn takes one of the chains in flight
            Completion const completion = ring().take_used();
            if (!completion) {
                return completion.state;
            }
            auto const slot = static_cast<uint16_t>(completion.token.value());
            data_.unmap(mapper_, slot);
            pool_.finish(slot, outcome(slot, completion.written));
        }
    }

    /// Copies `bytes` bytes of the slot's answer, from `offset` on. Each byte is read once.
    void copy_answer(uint16_t slot, uint32_t offset, void* to, uint32_t bytes) const {
        VIRTQ_ASSERT(offset <= Shape::answer_bytes && bytes <= Shape::answer_bytes - offset,
                     "A driver copies more of an answer than SlotShape::answer_bytes.");
        platform::copy_out(to, this->virt(answer_offset(slot) + offset), bytes);
    }

    /// Keeps a number of bytes for `RequestCompletion`: as a rule, how many bytes of the data the device wrote.
    void keep_bytes(uint16_t slot, uint32_t bytes) { pool_.set_length(slot, bytes); }
    /// What was kept for this slot.
    [[__nodiscard__]] uint32_t bytes(uint16_t slot) const { return pool_.length(slot); }

    /// Hands out the request that ended first.
    [[__nodiscard__]] RequestCompletion take_finished() {
        auto const finished = pool_.take_finished();
        return finished.found
                   ? RequestCompletion{finished.token, finished.length, finished.error, CompletionState::ready}
                   : RequestCompletion{};
    }
    /// Whether a request has ended that was not handed out.
    [[__nodiscard__]] bool has_finished() const { return pool_.has_finished(); }
    /// Requests that the device has.
    [[__nodiscard__]] uint16_t in_flight() const { return pool_.in_flight(); }
    /// Why the last request was refused; no error if it was not.
    [[__nodiscard__]] Error last_error() const { return refused_; }
    /// Records why the last request was rejected or timed out, for `last_error`. `send` and `send_data` do it themselves.
    void note_refusal(Error error) { refused_ = error; }

protected:
    // --- for a queue that derives from this one, because its requests have several chains (a disk's)

    /// The states of the slots.
    [[__nodiscard__]] Pool& pool() { return pool_; }
    /// The states of the slots.
    [[__nodiscard__]] Pool const& pool() const { return pool_; }
    /// The bytes of the slot's command, for the driver to write.
    [[__nodiscard__]] uint8_t* command(uint16_t slot) const { return this->virt(slot * Shape::command_bytes); }
    /// The bytes of the slot's answer, which the device writes: copy what you decide on.
    [[__nodiscard__]] uint8_t* answer(uint16_t slot) const { return this->virt(answer_offset(slot)); }
    /// The start of the slot's answer, for the device.
    [[__nodiscard__]] Segment answer_part(uint16_t slot, uint32_t bytes) const {
        return {this->phys(answer_offset(slot)), bytes};
    }
    /// Where the one long command is, for the driver to write. One request at a time may use it.
    [[__nodiscard__]] uint8_t* long_command() const { return this->virt(slot_count() * Shape::command_bytes); }
    /// The first `bytes` bytes of the long command, for the device.
    [[__nodiscard__]] Segment long_part(uint32_t bytes) const {
        return {this->phys(slot_count() * Shape::command_bytes), bytes};
    }
    /// Makes the data of a request visible to the device. Errors: the mapper's.
    [[__nodiscard__]] Error map(uint16_t slot, Span<Segment const> data, DmaDirection direction) {
        return data_.map(mapper_, slot, data, direction);
    }
    /// Undoes `map`, once.
    void unmap(uint16_t slot) { data_.unmap(mapper_, slot); }
    /// The data as the device sees it.
    [[__nodiscard__]] Span<Segment const> mapped(uint16_t slot, Span<Segment const> data) const {
        return data_.where(slot, data);
    }

private:
    [[__nodiscard__]] static constexpr uint32_t memory_bytes(uint32_t count) {
        return count * (Shape::command_bytes + Shape::answer_bytes) + Shape::long_bytes;
    }
    [[__nodiscard__]] uint16_t slot_count() const { return static_cast<uint16_t>(ring().size() / Shape::descriptors); }
    /// All answers are behind all commands: the device only reads the one area and only writes the other.
    [[__nodiscard__]] uint32_t answer_offset(uint16_t slot) const { return answers_ + slot * Shape::answer_bytes; }
    void check_slot([[__maybe_unused__]] uint16_t slot) const {
        VIRTQ_ASSERT(slot < slot_count(),
                     "A driver uses a slot that it does not have. If take_slot() returns no_slot, "
                     "return queue_full: the kernel tries again later.");
    }
    void start() {
        refused_ = Error::none;
        answers_ = slot_count() * Shape::command_bytes + Shape::long_bytes;
        pool_.reset(slot_count());
    }

    [[__nodiscard__]] Error map_and_add(uint16_t slot, SlotChain const& chain) {
        Error error = data_.map(mapper_, slot, chain.data, chain.direction);
        if (error == Error::none) {
            error = add(slot, chain);
            if (error != Error::none) {
                data_.unmap(mapper_, slot);
            }
        }
        return error;
    }

    [[__nodiscard__]] Error add(uint16_t slot, SlotChain const& chain) {
        Segment const command{this->phys(slot * Shape::command_bytes), chain.command_bytes};
        Segment const answer{this->phys(answer_offset(slot)), chain.answer_bytes};
        Span<Segment const> const data = data_.where(slot, chain.data);
        bool const reads = chain.direction == DmaDirection::device_reads;
        if (chain.answer_bytes != 0) {
            platform::zero(this->virt(answer_offset(slot)), chain.answer_bytes);
        }
        Gather const readable{only_if_any(command), reads ? data : Span<Segment const>{}};
        Span<Segment const> const written = reads ? Span<Segment const>{} : data;
        bool const answers_first = Shape::answer_place == AnswerPlace::before_data;
        Gather const writable{answers_first ? only_if_any(answer) : written,
                              answers_first ? written : only_if_any(answer)};
        return ring().add_gathered(readable, writable, Token{uintptr_t{slot}}).error();
    }
    [[__nodiscard__]] static Span<Segment const> only_if_any(Segment const& segment) {
        return {&segment, segment.bytes != 0 ? size_t{1} : size_t{0}};
    }

    Error refused_ = Error::none;
    uint32_t answers_ = 0;  ///< where the answers begin
    Mapper* mapper_ = nullptr;
    Pool pool_;
    [[__no_unique_address__]] Data data_;
};

}  // namespace virtq
