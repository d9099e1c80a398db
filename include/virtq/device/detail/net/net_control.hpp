// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/device/net_types.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/spec/net.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The control queue of a card (§5.1.9.5): a class and a command, data of up to two pieces, and an answer of one byte.
/// The pieces are descriptors of their own, as a legacy device wants them (§5.1.11). A legacy device fixes the size of this
/// queue too, so it has room for `N`, as all others.
template <uint32_t N, class Traits>
class NetControl {
    struct QueueTraits {
        using Mapper = NoMapper;
        using Format = typename Traits::Format;
    };
    static constexpr uint32_t count_bytes = 4;
    static constexpr uint32_t head_bytes = sizeof(spec::net::Control);
    /// The longest data: two tables of addresses, each behind its count.
    static constexpr uint32_t data_max = 2 * count_bytes + Traits::mac_table_max * spec::net::mac_bytes;
    static constexpr uint32_t queue_size = N < 64 ? N : 64;  ///< a legacy device fixes it, and QEMU's has 64

public:
    static constexpr uint8_t unanswered = 0xff;  ///< an answer that the device has not written

    /// A `SlotQueue` in which a missing answer differs from VIRTIO_NET_OK, which is 0.
    class Queue : public SlotQueue<queue_size, QueueTraits, SlotShape<head_bytes + data_max, 1>> {
        friend NetControl;
        void clear_answer(uint16_t slot) { platform::store_plain(this->answer(slot), unanswered); }
    };

    [[__nodiscard__]] Queue& control_queue() { return queue_; }
    [[__nodiscard__]] Queue const& control_queue() const { return queue_; }

    /// What a command carries, behind its class and number.
    class Data {
    public:
        explicit Data(ByteOrder order) : order_(order) {}

        void put8(uint8_t value) { bytes_[used_++] = value; }
        void put16(uint16_t value) { put_word(in_order(value, order_)); }
        void put32(uint32_t value) { put_word(in_order(value, order_)); }
        void put64(uint64_t value) { put_word(in_order(value, order_)); }
        void put_address(MacAddress const& address) {
            for (uint8_t const octet : address.bytes) {
                put8(octet);
            }
        }
        /// What follows is the second piece.
        void split() { first_ = used_; }

        [[__nodiscard__]] uint8_t const* begin() const { return bytes_; }
        [[__nodiscard__]] uint32_t size() const { return used_; }
        /// Bytes of the first piece; all of them if there is only one.
        [[__nodiscard__]] uint32_t first_size() const { return first_ != 0 ? first_ : used_; }

    private:
        template <class Word>
        void put_word(Word word) {
            __builtin_memcpy(bytes_ + used_, &word, sizeof word);
            used_ += sizeof word;
        }

        uint8_t bytes_[data_max] = {};
        uint32_t used_ = 0;
        uint32_t first_ = 0;
        ByteOrder order_;
    };

    /// Adds a command. Returns its slot. Errors: `queue_full`, those of `SlotQueue::send`.
    [[__nodiscard__]] Result<uint16_t> send(spec::net::Control const& head, Data const& data) {
        uint16_t const slot = queue_.take_slot(Token{});
        if (slot == Queue::no_slot) {
            queue_.note_refusal(Error::queue_full);
            return Error::queue_full;
        }
        queue_.put(slot, 0, &head, head_bytes);
        queue_.put(slot, head_bytes, data.begin(), data.size());
        uint32_t const first = data.first_size();
        uint32_t const second = data.size() - first;
        Segment const pieces[] = {queue_.command_part(slot, head_bytes, first),
                                  queue_.command_part(slot, head_bytes + first, second)};
        size_t const count = size_t{first != 0} + size_t{second != 0};
        Error const error = queue_.send(slot, {head_bytes, {pieces, count}, DmaDirection::device_reads, 1});
        queue_.clear_answer(slot);  // the device does not see the command before `publish`
        return error == Error::none ? Result<uint16_t>{slot} : Result<uint16_t>{error};
    }

    /// The answer of a command that has ended.
    [[__nodiscard__]] uint8_t answer(uint16_t slot) const {
        uint8_t ack = 0;
        queue_.copy_answer(slot, 0, &ack, 1);
        return ack;
    }

private:
    Queue queue_;
};

}  // namespace virtq::detail
