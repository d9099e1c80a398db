// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/device/detail/completion_room.hpp>
#include <virtq/device/detail/net/net_header.hpp>
#include <virtq/device/net_types.hpp>
#include <virtq/device/posted_queue.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A packet that announces an invalid number of buffers is dropped, and this many buffers behind its first: those that it
/// announces, at most the ring's. Their bytes are data, in which a peer could have put a header.
[[__nodiscard__]] constexpr uint32_t buffers_to_drop(uint16_t announced, uint16_t ring_size) {
    uint16_t const run = announced < ring_size ? announced : ring_size;
    return run == 0 ? 0u : run - 1u;
}

/// One receive queue: puts the buffers that the device has filled together to packets (§5.1.9.4).
///
/// **Invariant** Each buffer is with the device, a part of the packet that is being put together, or held by the kernel.
template <uint32_t N, class Traits>
class NetReceiver {
    static constexpr size_t burst_max = 16;

public:
    using Packet = NetPacket;
    static constexpr uint32_t parts_max = net_parts_max<Traits>;
    using Queue = PostedQueue<N, typename Traits::Format, Traits::buffer_bytes>;

    [[__nodiscard__]] Queue& receive_queue() { return queue_; }
    [[__nodiscard__]] Queue const& receive_queue() const { return queue_; }

    /// Forgets the packet that was being put together, before the device starts.
    void start() {
        count_ = 0;
        missing_ = 0;
        kept_ = 0;
        for (bool& kept : is_kept_) {
            kept = false;
        }
    }

    /// Buffers that the kernel holds.
    [[__nodiscard__]] uint32_t kept() const { return kept_; }

    /// Calls `handle(packet)` for packets; it returns a `NetUse`. Calls `lie(reason, value)` for what is no packet, whose
    /// buffers are posted again. Stops after `most` of both. The device gets buffers back in bursts; `tell(notification)` is called
    /// after each.
    template <class Handle, class Lie, class Tell>
    CompletionState receive(NetHeader const& header, uint32_t most, Handle handle, Lie lie, Tell tell) {
        CompletionRoom<burst_max> done;
        uint32_t left = most;
        while (left != 0) {  // each buffer is at most one packet, so that no burst has more than are asked for
            TakenBurst const taken = queue_.ring().take_burst(done.first(left));
            for (size_t i = 0; i < taken.count; ++i) {
                left -= missing_ == 0 && show_plain(done[i], header, handle, tell)
                            ? 1
                            : collect(done[i], header, handle, lie, tell);
            }
            post_returned(tell);
            if (taken.state != CompletionState::ready) {
                return taken.state;
            }
        }
        return CompletionState::ready;
    }

    /// The kernel has done with a buffer that it held. Any other number changes nothing. The device gets it with the next
    /// `receive`.
    void give_back(uint16_t buffer) {
        bool const is_its = buffer < N && is_kept_[buffer];
        VIRTQ_ASSERT(is_its,
                     "give_back() got a buffer that the kernel does not hold. Give each part of a packet back once, "
                     "and none from before a reset.");
        if (is_its) {
            is_kept_[buffer] = false;
            --kept_;
            queue_.post(buffer);
        }
    }

private:
    [[__nodiscard__]] static FilledBuffer filled_by(Completion const& done) {
        return {static_cast<uint16_t>(done.token.value()), done.written, CompletionState::ready};
    }

    /// As most packets come: in one buffer, without an offload, of a good length. False: nothing has changed, and
    /// `collect` says what it is.
    template <class Handle, class Tell>
    [[__nodiscard__]] bool show_plain(Completion const& done, NetHeader const& header, Handle& handle, Tell& tell) {
        uint32_t const length = done.written;
        if (!header.is_plain_length(length)) [[__unlikely__]] {
            return false;
        }
        FilledBuffer const filled = filled_by(done);
        spec::net::Header head;
        queue_.copy(filled, 0, &head, sizeof head);
        if (!header.is_plain(head)) {
            return false;
        }
        uint32_t const bytes = length - header.bytes();
        NetPart const part{queue_.data(filled) + header.bytes(), bytes, filled.number};
        put_away(part, handle(NetPacket{{&part, 1}, bytes, {}}), tell);
        return true;
    }

    /// Adds a buffer to a packet, and shows the packet if it is whole. Returns how many packets ended: shown or dropped.
    template <class Handle, class Lie, class Tell>
    [[__nodiscard__]] [[gnu::__noinline__]] uint32_t collect(Completion const& done, NetHeader const& header,
                                                             Handle& handle, Lie& lie, Tell& tell) {
        FilledBuffer const filled = filled_by(done);
        if (is_dropping()) {
            --missing_;
            give_up_buffer(filled.number, tell);
            return 0;
        }
        if (DriverReason const wrong = add(filled, header); wrong != DriverReason::none) {
            lie(wrong, filled.bytes);
            give_up_buffer(filled.number, tell);
            return 1;
        }
        return missing_ == 0 ? finish(header, handle, lie, tell) : 0;
    }

    /// Whether the next buffers belong to a packet that was dropped. They have no header.
    [[__nodiscard__]] bool is_dropping() const { return missing_ != 0 && count_ == 0; }

    /// The first buffer of a packet begins with the header.
    [[__nodiscard__]] DriverReason add(FilledBuffer const& filled, NetHeader const& header) {
        uint32_t skip = 0;
        if (count_ == 0) {
            if (filled.bytes < header.bytes()) {
                return DriverReason::net_header_short;
            }
            header_ = spec::net::Header{};
            queue_.copy(filled, 0, &header_, header.wire_bytes());
            uint16_t const buffers = header.buffers(header_);
            if (buffers == 0 || buffers > parts_max || buffers > queue_.count()) {
                missing_ = buffers_to_drop(buffers, queue_.count());
                return DriverReason::net_buffer_count;
            }
            skip = header.bytes();
            bytes_ = 0;
            missing_ = buffers;
        }
        parts_[count_++] = {queue_.data(filled) + skip, filled.bytes - skip, filled.number};
        bytes_ += filled.bytes - skip;
        --missing_;
        return DriverReason::none;
    }

    /// The packet is whole: checks it, and shows it to the kernel. Returns 1: a packet that is dropped counts, too.
    template <class Handle, class Lie, class Tell>
    [[__nodiscard__]] uint32_t finish(NetHeader const& header, Handle& handle, Lie& lie, Tell& tell) {
        NetPacket const packet{{parts_, count_}, bytes_, header.decode(header_, bytes_)};
        DriverReason const wrong = header.check_received(packet.offload, bytes_);
        NetUse use = NetUse::done;
        if (wrong == DriverReason::none) [[__likely__]] {
            use = handle(packet);
        } else {
            lie(wrong, bytes_);
        }
        for (uint32_t i = 0; i < count_; ++i) {
            put_away(parts_[i], use, tell);
        }
        count_ = 0;
        return 1;
    }

    template <class Tell>
    void put_away(NetPart const& part, NetUse use, Tell& tell) {
        if (use == NetUse::kept) {
            is_kept_[part.buffer] = true;
            ++kept_;
        } else {
            give_up_buffer(part.buffer, tell);
        }
    }
    template <class Tell>
    void give_up_buffer(uint16_t buffer, Tell& tell) {
        returned_[returned_count_++] = buffer;
        if (returned_count_ == burst_max) {
            post_returned(tell);
        }
    }
    template <class Tell>
    void post_returned(Tell& tell) {
        tell(queue_.post_burst({returned_, returned_count_}));  // also those that the kernel gave back
        returned_count_ = 0;
    }

    spec::net::Header header_{};
    uint32_t bytes_ = 0;    ///< of the packet that is being put together
    uint32_t count_ = 0;    ///< its parts that are there
    uint32_t missing_ = 0;  ///< its parts that the device has not used yet; without any part: buffers to drop
    uint32_t kept_ = 0;     ///< buffers that the kernel holds: those with `is_kept_`
    size_t returned_count_ = 0;
    uint16_t returned_[burst_max] = {};  ///< buffers that the device gets next
    bool is_kept_[N] = {};
    NetPart parts_[parts_max] = {};
    Queue queue_;
};

}  // namespace virtq::detail
