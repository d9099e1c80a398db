// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/device/detail/completion_room.hpp>
#include <virtq/device/detail/driver_queue.hpp>
#include <virtq/device/detail/net/net_header.hpp>
#include <virtq/device/detail/net/net_receiver.hpp>
#include <virtq/device/net_types.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/queue/burst.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A receive queue whose buffers are the kernel's. Each has a *slot* while the device has it: where its bytes are, and its
/// token.
///
/// **Invariant** A slot is in the list of free ones, or with the device (`next_` is `at_device`).
template <uint32_t N, class Format>
class NetBufferQueue : public DriverQueue<N, Format> {
    static constexpr uint16_t none = UINT16_MAX;
    static constexpr uint16_t at_device = UINT16_MAX - 1;

public:
    using DriverQueue<N, Format>::ring;

    [[__nodiscard__]] static constexpr uint32_t page_count() { return VirtQueue<N, Format>::page_count(N); }

    // --- for `DriverCore` ---

    template <class Mapper>
    void set_mapper(Mapper*) {}
    template <class T, PageAllocator Allocator>
    [[__nodiscard__]] Status set_up(DeviceInit<T>& init, uint16_t index, Allocator& allocator,
                                    Features const& negotiated, QueueOption const& option) {
        Status const made = init.set_up_queue(index, ring(), allocator, negotiated, option);
        if (made && slot_count() == 0) {
            return init.fail(Error::queue_too_small);
        }
        return start(made);
    }
    template <class T>
    [[__nodiscard__]] Status resume(DeviceInit<T>& init, uint16_t index, Features const& negotiated,
                                    QueueOption const& option) {
        return start(init.resume_queue(index, ring(), negotiated, option));
    }
    [[__nodiscard__]] Notification first_notification() const { return {}; }
    void stop_with(Error error) {
        ring().detach();
        cancelled_ = error;
    }
    /// Hands the token of each buffer back that was with the device.
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
        DriverQueue<N, Format>::release(allocator);
        slots_ = 0;
        room_ = 0;
    }
    [[__nodiscard__]] Error last_error() const { return Error::none; }

    // --- buffers ---

    /// Before `set_up`; see `PostedQueue`.
    void split_at(uint32_t bytes) { first_bytes_ = bytes; }
    /// How many buffers there can be.
    [[__nodiscard__]] uint16_t count() const { return slots_; }
    /// How many more buffers the device can have.
    [[__nodiscard__]] uint16_t room() const { return room_; }

    /// Gives buffers to the device, each from `skip` bytes on, and publishes them.
    [[__nodiscard__]] SubmittedBurst post(Span<NetBuffer const> buffers, uint32_t skip) {
        size_t const count = buffers.size() < room_ ? buffers.size() : room_;
        uint16_t slot = free_;
        auto const next_slot = [&] {
            uint16_t const own = slot;
            slot = next_[own];
            return Token{uintptr_t{own}};
        };
        SubmittedBurst burst;
        if (first_bytes_ == 0) {
            burst = ring().submit_burst(count, [&](size_t i) {
                return WritableBuffer{{{buffers[i].addr + skip, buffers[i].bytes - skip}}, next_slot()};
            });
        } else {
            burst = ring().submit_burst(count, [&](size_t i) {
                PhysAddr const begin = buffers[i].addr + skip;
                return FixedChain<0, 2>{
                    {{begin, first_bytes_}, {begin + first_bytes_, buffers[i].bytes - skip - first_bytes_}},
                    next_slot()};
            });
        }
        for (size_t i = 0; i < burst.count; ++i) {
            occupy(buffers[i].data + skip, buffers[i].token);
        }
        if (burst.error == Error::none && count != buffers.size()) {
            burst.error = Error::queue_full;
        }
        return burst;
    }

    [[__nodiscard__]] uint8_t const* data(uint16_t slot) const { return data_[slot]; }
    /// The device has used the buffer, which is the kernel's again.
    [[__nodiscard__]] Token take(uint16_t slot) {
        give_back(slot);
        return token_[slot];
    }

private:
    [[__nodiscard__]] uint16_t slot_count() const {
        uint16_t const size = ring().size();
        return first_bytes_ == 0 ? size : static_cast<uint16_t>(size / 2);
    }
    [[__nodiscard__]] Status start(Status made) {
        slots_ = room_ = made ? slot_count() : uint16_t{0};
        for (uint16_t slot = 0; slot < slots_; ++slot) {
            next_[slot] = slot + 1u < slots_ ? static_cast<uint16_t>(slot + 1) : none;
        }
        free_ = 0;
        return made;
    }
    void occupy(uint8_t const* data, Token token) {
        uint16_t const slot = free_;
        free_ = next_[slot];
        next_[slot] = at_device;
        data_[slot] = data;
        token_[slot] = token;
        --room_;
    }
    void give_back(uint16_t slot) {
        next_[slot] = free_;
        free_ = slot;
        ++room_;
    }

    uint32_t first_bytes_ = 0;
    uint16_t slots_ = 0;
    uint16_t room_ = 0;
    uint16_t free_ = 0;
    Error cancelled_ = Error::none;
    uint16_t next_[N] = {};  ///< in the list of free slots, or `at_device`
    uint8_t const* data_[N] = {};
    Token token_[N] = {};
};

/// As `NetReceiver`, for buffers of the kernel's own (`NetTraits::own_buffers`). The device writes the header in front of the
/// packet, into the same buffer. The driver copies only the header.
template <uint32_t N, class Traits>
class NetOwnReceiver {
    static constexpr size_t burst_max = 16;

public:
    using Packet = NetOwnPacket;
    using Queue = NetBufferQueue<N, typename Traits::Format>;
    static constexpr uint32_t parts_max = net_parts_max<Traits>;

    [[__nodiscard__]] Queue& receive_queue() { return queue_; }
    [[__nodiscard__]] Queue const& receive_queue() const { return queue_; }

    void start() {
        count_ = 0;
        missing_ = 0;
        to_drop_ = 0;
    }

    /// Gives buffers to the device. The packet begins `NetTraits::receive_headroom` bytes behind the start of each.
    [[__nodiscard__]] SubmittedBurst post(NetHeader const& header, Span<NetBuffer const> buffers) {
        size_t good = 0;
        while (good < buffers.size() && buffers[good].bytes >= Traits::buffer_bytes) {
            ++good;
        }
        VIRTQ_ASSERT(
            good == buffers.size(),
            "A receive buffer is smaller than NetTraits::buffer_bytes. Give larger ones, or derive traits with a "
            "smaller number.");
        SubmittedBurst burst = queue_.post({buffers.data(), good}, Traits::receive_headroom - header.bytes());
        if (burst.error == Error::none && good != buffers.size()) {
            burst.error = Error::segment_empty;
        }
        return burst;
    }

    /// As `NetReceiver::receive`. The buffers are the kernel's when `handle` is called; those of what is no packet are
    /// given to it, too, in a packet of 0 bytes.
    template <class Handle, class Lie, class Tell>
    CompletionState receive(NetHeader const& header, uint32_t most, Handle handle, Lie lie, Tell) {
        CompletionRoom<burst_max> done;
        uint32_t left = most;
        while (left != 0) {
            TakenBurst const taken = queue_.ring().take_burst(done.first(left));
            for (size_t i = 0; i < taken.count; ++i) {
                left -= collect(done[i], header, handle, lie);
            }
            if (taken.state != CompletionState::ready) {
                return taken.state;
            }
        }
        return CompletionState::ready;
    }

private:
    template <class Handle, class Lie>
    [[__nodiscard__]] uint32_t collect(Completion const& done, NetHeader const& header, Handle& handle, Lie& lie) {
        auto const slot = static_cast<uint16_t>(done.token.value());
        uint32_t const begin_at = Traits::receive_headroom - header.bytes();
        if (to_drop_ != 0) {
            --to_drop_;
            return hand_out_nothing(slot, begin_at, handle);
        }
        uint32_t head = 0;
        if (count_ == 0) {
            if (DriverReason const wrong = begin(slot, done.written, header); wrong != DriverReason::none) {
                lie(wrong, done.written);
                return hand_out_nothing(slot, begin_at, handle);
            }
            head = header.bytes();
        }
        // The slot stays in use until the packet is whole: so a reset hands its token back.
        parts_[count_++] = {Token{uintptr_t{slot}}, begin_at + head, done.written - head};
        bytes_ += done.written - head;
        return --missing_ == 0 ? finish(header, handle, lie) : 0;
    }

    /// The packet is whole: its buffers are the kernel's.
    template <class Handle, class Lie>
    [[__nodiscard__]] uint32_t finish(NetHeader const& header, Handle& handle, Lie& lie) {
        for (uint32_t i = 0; i < count_; ++i) {
            parts_[i].token = queue_.take(static_cast<uint16_t>(parts_[i].token.value()));
        }
        NetOwnPacket packet{{parts_, count_}, bytes_, header.decode(header_, bytes_)};
        count_ = 0;
        if (DriverReason const wrong = header.check_received(packet.offload, bytes_); wrong != DriverReason::none) {
            lie(wrong, bytes_);
            packet.bytes = 0;
        }
        static_cast<void>(handle(packet));
        return 1;
    }

    /// A buffer of no packet, for its token.
    template <class Handle>
    [[__nodiscard__]] uint32_t hand_out_nothing(uint16_t slot, uint32_t offset, Handle& handle) {
        NetOwnPart const part{queue_.take(slot), offset, 0};
        static_cast<void>(handle(NetOwnPacket{{&part, 1}, 0, {}}));
        return 1;
    }

    /// The first buffer of a packet, which begins with the header.
    [[__nodiscard__]] DriverReason begin(uint16_t slot, uint32_t length, NetHeader const& header) {
        bytes_ = 0;
        header_ = {};
        if (length < header.bytes()) {
            return DriverReason::net_header_short;
        }
        platform::copy_out(&header_, queue_.data(slot), sizeof header_);
        uint16_t const buffers = header.buffers(header_);
        if (buffers == 0 || buffers > parts_max || buffers > queue_.count()) {
            to_drop_ = buffers_to_drop(buffers, queue_.count());
            return DriverReason::net_buffer_count;
        }
        missing_ = buffers;
        return DriverReason::none;
    }

    spec::net::Header header_{};
    uint32_t bytes_ = 0;
    uint32_t count_ = 0;
    uint32_t missing_ = 0;
    uint32_t to_drop_ = 0;              ///< buffers of a packet that was dropped; they have no header
    NetOwnPart parts_[parts_max] = {};  ///< until the packet is whole, each token is the number of a slot
    Queue queue_;
};

/// The receiver that the traits ask for.
template <uint32_t N, class Traits, bool own>
struct NetReceiverOf {
    using Type = NetReceiver<N, Traits>;
};
template <uint32_t N, class Traits>
struct NetReceiverOf<N, Traits, true> {
    using Type = NetOwnReceiver<N, Traits>;
};

}  // namespace virtq::detail
