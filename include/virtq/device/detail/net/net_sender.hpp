// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/detail/completion_room.hpp>
#include <virtq/device/detail/driver_queue.hpp>
#include <virtq/device/detail/mapped_data.hpp>
#include <virtq/device/detail/net/net_header.hpp>
#include <virtq/device/net_types.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/queue/burst.hpp>
#include <virtq/queue/segment.hpp>

#include <stdint.h>

namespace virtq::detail {

/// One transmit queue (§5.1.9.2). Each packet has a *slot*: its token, and room for a header. It is a leaner `SlotQueue`:
/// nobody waits for a packet, and there is no answer. Packets without an offload share one header, which is all zero.
///
/// **Invariant** A slot is in the list of free ones, or with the device (`next_` is `at_device`).
template <uint32_t N, class Traits>
class NetSender : public DriverQueue<N, typename Traits::Format> {
    using Base = DriverQueue<N, typename Traits::Format>;
    using Mapper = typename Traits::Mapper;
    static constexpr uint32_t slot_max = N / 2;  // a header and a segment
    static constexpr uint32_t header_room = sizeof(spec::net::Header);
    static constexpr uint16_t none = UINT16_MAX;
    static constexpr uint16_t at_device = UINT16_MAX - 1;

public:
    using Base::ring;

    [[__nodiscard__]] static constexpr uint32_t page_count() {
        return Base::Ring::page_count(N) + align_up(memory_bytes(slot_max), page_bytes) / page_bytes;
    }

    // --- for `DriverCore` ---

    void set_mapper(Mapper* mapper) { mapper_ = mapper; }

    template <class T, PageAllocator Allocator>
    [[__nodiscard__]] Status set_up(DeviceInit<T>& init, uint16_t index, Allocator& allocator,
                                    Features const& negotiated, QueueOption const& option) {
        Status const made = init.set_up_queue(index, ring(), allocator, negotiated, option);
        if (!made) {
            return made;
        }
        if (slot_count() == 0) {
            return init.fail(Error::queue_too_small);
        }
        if (Error const error = this->take_memory(allocator, memory_bytes(slot_count())); error != Error::none) {
            return init.fail(error);
        }
        start();
        return {};
    }
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
    [[__nodiscard__]] Notification first_notification() const { return {}; }
    void stop_with(Error error) {
        ring().detach();
        cancelled_ = error;
        for (uint16_t slot = 0; slot < slots_; ++slot) {
            if (next_[slot] == at_device) {
                data_.unmap(mapper_, slot);
            }
        }
    }
    /// Hands the token of each packet back that was with the device.
    template <class Each>
    void hand_back(Each& each) {
        for (uint16_t slot = 0; slot < slots_; ++slot) {
            if (next_[slot] == at_device) {
                give_back(slot);
                each(RequestCompletion{token_[slot], 0, cancelled_, CompletionState::ready});
            }
        }
    }
    template <PageAllocator Allocator>
    void release(Allocator& allocator) {
        Base::release(allocator);
        slots_ = 0;
        in_flight_ = 0;
    }
    [[__nodiscard__]] Error last_error() const { return refused_; }

    // --- packets ---

    [[__nodiscard__]] uint16_t in_flight() const { return in_flight_; }

    /// Adds a packet with a plain header. Errors: `queue_full`, the mapper's, those of `VirtQueue::add`.
    [[__nodiscard__]] Error send(Span<Segment const> packet, Token token, uint32_t header_bytes) {
        return add(packet, token, {this->phys(slots_ * header_room), header_bytes});
    }
    /// Adds a packet with a header of its own.
    [[__nodiscard__]] Error send(Span<Segment const> packet, Token token, uint32_t header_bytes,
                                 spec::net::Header const& header) {
        if (free_ < slots_) {
            platform::copy_in(this->virt(free_ * header_room), &header, sizeof header);
        }
        return add(packet, token, {this->phys(free_ * header_room), header_bytes});
    }

    /// Adds frames with plain headers and publishes them, until one is refused: with the errors of `send`.
    [[__nodiscard__]] SubmittedBurst send_burst(Span<NetFrame const> frames, uint32_t header_bytes) {
        size_t const room = uint32_t{slots_} - in_flight_;
        size_t const count = frames.size() < room ? frames.size() : room;
        Frames chains{*this, frames, {this->phys(slots_ * header_room), header_bytes}, free_};
        SubmittedBurst burst = ring().submit_burst(count, chains);
        if (burst.error != Error::none) {  // the ring did not take the last chain that was made
            next_[chains.last] = chains.free;
            chains.free = chains.last;
        }
        free_ = chains.free;
        in_flight_ = static_cast<uint16_t>(in_flight_ + burst.count);
        if (burst.error == Error::none && count != frames.size()) {
            burst.error = Error::queue_full;
        }
        refused_ = burst.error;
        return burst;
    }

    /// Calls `each(token)` for the packets that the device has sent: at most those in flight now, and a burst. Returns
    /// `none`, `broken`, or `ready` if there may be more, because `each` sent some.
    template <class Each>
    CompletionState take_each(Each& each) {
        constexpr size_t burst_max = 16;
        CompletionRoom<burst_max> done;
        TakenBurst taken;
        size_t left = in_flight_;
        do {  // ends: `each` may send more, but `left` does not grow
            taken = ring().take_burst(done.first(burst_max));
            Span<Completion> const sent{done.begin(), taken.count};
            take_slots(sent);
            for (Completion const& one : sent) {
                each(one.token);  // may send: the slots are free already
            }
            left -= taken.count < left ? taken.count : left;
        } while (taken.state == CompletionState::ready && left != 0);
        bool const is_done = taken.state == CompletionState::ready && in_flight_ == 0;
        return is_done ? CompletionState::none : taken.state;
    }

    /// Takes the next packet that the device has sent.
    [[__nodiscard__]] RequestCompletion take() {
        Completion const completion = ring().take_used();
        return completion ? RequestCompletion{take_slot(completion), 0, Error::none, CompletionState::ready}
                          : RequestCompletion{Token{}, 0, Error::none, completion.state};
    }

private:
    /// Makes the chains of a burst; each takes the next free slot. It holds values: a lambda would hold references, and
    /// load each value through one.
    struct Frames {
        FixedChain<2, 0> operator()(size_t i) {
            last = free;
            free = sender.occupy(last, frames[i].token);
            return {{header, frames[i].data}, Token{uintptr_t{last}}};
        }

        NetSender& sender;
        Span<NetFrame const> frames;
        Segment header;
        uint16_t free;
        uint16_t last = 0;
    };

    [[__nodiscard__]] static constexpr uint32_t memory_bytes(uint32_t count) { return (count + 1) * header_room; }
    [[__nodiscard__]] uint16_t slot_count() const { return static_cast<uint16_t>(ring().size() / 2); }

    void start() {
        slots_ = slot_count();
        in_flight_ = 0;
        refused_ = Error::none;
        for (uint16_t slot = 0; slot < slots_; ++slot) {
            next_[slot] = slot + 1u < slots_ ? static_cast<uint16_t>(slot + 1) : none;
        }
        free_ = 0;
    }
    /// Frees the slot of a packet that was sent, and returns the packet's token.
    [[__nodiscard__]] Token take_slot(Completion const& completion) {
        auto const slot = static_cast<uint16_t>(completion.token.value());
        data_.unmap(mapper_, slot);
        give_back(slot);
        return token_[slot];
    }
    /// As above for many; each completion gets the token of its packet.
    void take_slots(Span<Completion> done) {
        uint16_t head = free_;
        for (Completion& one : done) {
            auto const slot = static_cast<uint16_t>(one.token.value());
            data_.unmap(mapper_, slot);
            next_[slot] = head;
            head = slot;
            one.token = token_[slot];
        }
        free_ = head;
        in_flight_ = static_cast<uint16_t>(in_flight_ - done.size());
    }
    /// A packet in this slot, the first free one, is with the device. Returns the next free one.
    [[__nodiscard__]] uint16_t occupy(uint16_t slot, Token token) {
        uint16_t const after = next_[slot];
        next_[slot] = at_device;
        token_[slot] = token;
        return after;
    }
    void give_back(uint16_t slot) {
        next_[slot] = free_;
        free_ = slot;
        --in_flight_;
    }

    [[__nodiscard__]] Error add(Span<Segment const> packet, Token token, Segment const& header) {
        uint16_t const slot = free_;
        if (slot >= slots_) {  // `none`, or there are no slots
            return refused_ = Error::queue_full;
        }
        refused_ = SameAs<Mapper, NoMapper> && packet.size() == 1 ? add_one(slot, header, packet[0])
                                                                  : add_many(slot, header, packet);
        if (refused_ == Error::none) [[__likely__]] {
            free_ = occupy(slot, token);
            ++in_flight_;
        }
        return refused_;
    }
    /// As most packets go. In an array, so that the compiler makes straight-line code of it.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Error add_one(uint16_t slot, Segment const& header, Segment const& data) {
        Segment const readable[] = {header, data};
        return ring().add(readable, NoSegments{}, Token{uintptr_t{slot}}).error();
    }
    [[__nodiscard__]] [[gnu::__noinline__]] Error add_many(uint16_t slot, Segment const& header,
                                                           Span<Segment const> packet) {
        if (packet.size() > Data::segments_max) {
            return Error::chain_longer_than_queue;
        }
        Error error = data_.map(mapper_, slot, packet, DmaDirection::device_reads);
        if (error == Error::none) {
            Gather const readable{{&header, 1}, data_.where(slot, packet)};
            error = ring().add_gathered(readable, Gather{}, Token{uintptr_t{slot}}).error();
            if (error != Error::none) {
                data_.unmap(mapper_, slot);
            }
        }
        return error;
    }

    using Data = MappedData<slot_max, Mapper>;

    uint16_t slots_ = 0;
    uint16_t free_ = 0;
    uint16_t in_flight_ = 0;
    Error refused_ = Error::none;
    Error cancelled_ = Error::none;
    Mapper* mapper_ = nullptr;
    uint16_t next_[slot_max] = {};  ///< in the list of free slots, or `at_device`
    Token token_[slot_max] = {};
    [[__no_unique_address__]] Data data_;
};

}  // namespace virtq::detail
