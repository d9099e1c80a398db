// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/device/detail/net/net_header.hpp>
#include <virtq/device/net_types.hpp>
#include <virtq/device/posted_queue.hpp>

#include <stdint.h>

namespace virtq::detail {

/// One receive queue: puts the buffers that the device has filled together to packets (§5.1.9.4).
///
/// **Invariant** Each buffer is with the device, a part of the packet that is being put together, or held by the kernel.
template <uint32_t N, class Traits>
class NetReceiver {
    static constexpr uint32_t largest_packet = Traits::large_packets ? 65589 : 1514 + 2 * NetHeader::vlan_bytes;
    static constexpr uint32_t header_max = spec::net::header_bytes_with_hash;

public:
    /// Most buffers of a packet.
    static constexpr uint32_t parts_max =
        (largest_packet + header_max + Traits::buffer_bytes - 1) / Traits::buffer_bytes;

    using Queue = PostedQueue<N, typename Traits::Format, Traits::buffer_bytes>;

    [[__nodiscard__]] Queue& queue() { return queue_; }
    [[__nodiscard__]] Queue const& queue() const { return queue_; }

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

    /// Takes filled buffers until a packet is whole. `lie(reason, value)` is called for what is no packet; its buffers
    /// are posted again. `ready`: `packet()` is it.
    template <class Lie>
    [[__nodiscard__]] CompletionState take(NetHeader const& header, uint32_t mtu, Lie lie) {
        for (;;) {  // ends: each turn takes a buffer, and the ring has no more than N
            FilledBuffer const filled = queue_.take();
            if (!filled) {
                return filled.state;
            }
            if (count_ != 0) {
                add(filled, 0);
            } else if (DriverReason const wrong = begin(filled, header); wrong != DriverReason::none) {
                lie(wrong, filled.bytes);
                queue_.post(filled.number);
                continue;
            }
            if (missing_ != 0) {
                continue;
            }
            DriverReason const wrong = header.check_received(packet_.offload, packet_.bytes, mtu);
            if (wrong == DriverReason::none) {
                packet_.parts = {parts_, count_};
                return CompletionState::ready;
            }
            lie(wrong, packet_.bytes);
            finish(NetUse::done);
        }
    }

    [[__nodiscard__]] NetPacket const& packet() const { return packet_; }

    /// The kernel has looked at the packet.
    void finish(NetUse use) {
        for (uint32_t i = 0; i < count_; ++i) {
            uint16_t const buffer = parts_[i].buffer;
            if (use == NetUse::kept) {
                is_kept_[buffer] = true;
                ++kept_;
            } else {
                queue_.post(buffer);
            }
        }
        count_ = 0;
    }

    /// The kernel has done with a buffer that it held. Any other number changes nothing.
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
    /// The first buffer of a packet, which begins with the header.
    [[__nodiscard__]] DriverReason begin(FilledBuffer const& filled, NetHeader const& header) {
        if (filled.bytes < header.bytes()) {
            return DriverReason::net_header_short;
        }
        spec::net::Header copy{};
        uint32_t const known = header.bytes() < sizeof copy ? header.bytes() : uint32_t{sizeof copy};
        queue_.copy(filled, 0, &copy, known);
        uint16_t const buffers = header.buffers(copy);
        if (buffers == 0 || buffers > parts_max || buffers > queue_.count()) {
            return DriverReason::net_buffer_count;
        }
        packet_.offload = header.decode(copy);
        packet_.bytes = 0;
        missing_ = buffers;
        add(filled, header.bytes());
        return DriverReason::none;
    }
    void add(FilledBuffer const& filled, uint32_t skip) {
        parts_[count_++] = {queue_.data(filled) + skip, filled.bytes - skip, filled.number};
        packet_.bytes += filled.bytes - skip;
        --missing_;
    }

    NetPacket packet_;
    uint32_t count_ = 0;    ///< parts that are there
    uint32_t missing_ = 0;  ///< parts that the device has not used yet
    uint32_t kept_ = 0;     ///< buffers that the kernel holds: those with `is_kept_`
    bool is_kept_[N] = {};
    NetPart parts_[parts_max] = {};
    Queue queue_;
};

}  // namespace virtq::detail
