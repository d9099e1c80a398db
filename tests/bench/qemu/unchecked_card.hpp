// SPDX-License-Identifier: MIT
//
// A driver of a network card as one would write it for a device that never fails: no check, and no state but what the ring
// needs. It relies on packets being sent in order, and on each fitting a buffer. So that both drivers give the device the same
// work, it negotiates the event index and merged buffers, and its descriptors are those of `NetDevice`: one for each receive
// buffer, and two for each packet sent. Only its bring-up uses the library.
#pragma once

#include "network_card.hpp"

#include <virtq/device/init.hpp>

namespace unchecked {

inline constexpr uint16_t flag_next = 1;
inline constexpr uint16_t flag_write = 2;
inline constexpr uint16_t flag_available = 1 << 7;
inline constexpr uint16_t flag_used = 1 << 15;

struct Memory {
    explicit Memory(PagePool& pages, size_t count) : run(pages.allocate_pages(count)) {
        if (run.virt == nullptr) {
            serial::fail("there are no pages for a driver", virtq::Error::no_pages);
        }
        __builtin_memset(run.virt, 0, run.count * virtq::page_bytes);
    }
    template <class T>
    [[nodiscard]] T* at(size_t offset) const {
        return reinterpret_cast<T*>(static_cast<char*>(run.virt) + offset);
    }

    virtq::Pages run;
};

inline void full_fence() {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/// §2.7.10.1: whether the position of an event is among those from `before` on, up to `now`.
inline bool has_passed(uint16_t event, uint16_t now, uint16_t before) {
    return static_cast<uint16_t>(now - event - 1) < static_cast<uint16_t>(now - before);
}

/// What the device has used.
struct Used {
    uint16_t chain;
    uint32_t bytes;
};

/// A split ring. All chains have `Length` descriptors, and chain `c` has those from `c * Length` on.
template <unsigned Length, uint16_t Direction>
class SplitRing {
public:
    virtq::QueueAddresses open(PagePool& pages) {
        Memory const memory{pages, 3};
        descriptors_ = memory.at<Descriptor>(0);
        available_ = memory.at<Available>(virtq::page_bytes);
        used_ = memory.at<UsedRing>(2 * virtq::page_bytes);
        for (uint16_t i = 0; i < card_queue_size; ++i) {
            bool const is_last = i % Length == Length - 1;
            descriptors_[i].flags = is_last ? Direction : Direction | flag_next;
            descriptors_[i].next = static_cast<uint16_t>(i + 1);
        }
        available_->used_event = UINT16_MAX;  // practically no interrupts
        virtq::PhysAddr const first = memory.run.phys;
        return {card_queue_size, first, first + virtq::page_bytes, first + 2 * virtq::page_bytes};
    }

    void add(uint16_t chain, virtq::Segment const (&segments)[Length]) {
        auto const head = static_cast<uint16_t>(chain * Length);
        for (unsigned i = 0; i < Length; ++i) {
            descriptors_[head + i].addr = segments[i].addr.value;
            descriptors_[head + i].bytes = segments[i].bytes;
        }
        available_->ring[added_++ % card_queue_size] = head;
    }
    /// Returns whether to notify the device.
    bool publish() {
        if (added_ == published_) {
            return false;
        }
        uint16_t const before = published_;
        published_ = added_;
        __atomic_store_n(&available_->index, added_, __ATOMIC_RELEASE);
        full_fence();
        return has_passed(__atomic_load_n(&used_->available_event, __ATOMIC_RELAXED), added_, before);
    }
    bool take(Used& used) {
        if (taken_ == seen_) {
            seen_ = __atomic_load_n(&used_->index, __ATOMIC_ACQUIRE);
            if (taken_ == seen_) {
                return false;
            }
        }
        auto const& element = used_->ring[taken_++ % card_queue_size];
        used = {static_cast<uint16_t>(element.head / Length), element.bytes};
        return true;
    }

private:
    struct Descriptor {
        uint64_t addr;
        uint32_t bytes;
        uint16_t flags;
        uint16_t next;
    };
    struct Available {
        uint16_t flags;
        uint16_t index;
        uint16_t ring[card_queue_size];
        uint16_t used_event;
    };
    struct UsedRing {
        uint16_t flags;
        uint16_t index;
        struct {
            uint32_t head;
            uint32_t bytes;
        } ring[card_queue_size];
        uint16_t available_event;
    };

    Descriptor* descriptors_ = nullptr;
    Available* available_ = nullptr;
    UsedRing* used_ = nullptr;
    uint16_t added_ = 0;
    uint16_t published_ = 0;
    uint16_t taken_ = 0;
    uint16_t seen_ = 0;
};

/// A packed ring. All chains have `Length` descriptors, so that none goes over the end of the ring.
template <unsigned Length, uint16_t Direction>
class PackedRing {
public:
    virtq::QueueAddresses open(PagePool& pages) {
        Memory const memory{pages, 3};
        ring_ = memory.at<Descriptor>(0);
        device_event_ = memory.at<uint32_t>(2 * virtq::page_bytes);
        *memory.at<uint32_t>(virtq::page_bytes) = event_never << 16;  // no interrupts
        virtq::PhysAddr const first = memory.run.phys;
        return {card_queue_size, first, first + virtq::page_bytes, first + 2 * virtq::page_bytes};
    }

    /// The first descriptor since the last `publish` gets its flags there. Before that the device goes no further.
    void add(uint16_t chain, virtq::Segment const (&segments)[Length]) {
        for (unsigned i = 0; i < Length; ++i) {
            Descriptor& one = ring_[at_ + i];
            one.addr = segments[i].addr.value;
            one.bytes = segments[i].bytes;
            one.id = chain;
            auto const flags = static_cast<uint16_t>(lap_ | Direction | (i == Length - 1 ? 0 : flag_next));
            if (first_ == nullptr) {
                first_ = &one;
                first_flags_ = flags;
            } else {
                one.flags = flags;
            }
        }
        at_ = static_cast<uint16_t>(at_ + Length);
        if (at_ == card_queue_size) {
            at_ = 0;
            lap_ ^= flag_available | flag_used;
        }
        added_ = static_cast<uint16_t>(added_ + Length);
    }
    /// Returns whether to notify the device.
    bool publish() {
        if (first_ == nullptr) {
            return false;
        }
        __atomic_store_n(&first_->flags, first_flags_, __ATOMIC_RELEASE);
        first_ = nullptr;
        auto const before = static_cast<uint16_t>(at_ - added_);
        added_ = 0;
        full_fence();
        uint32_t const word = __atomic_load_n(device_event_, __ATOMIC_RELAXED);
        if (word >> 16 != event_at_position) {
            return word >> 16 == event_always;
        }
        bool const is_this_lap = (word >> 15 & 1) == ((lap_ & flag_available) != 0 ? 1 : 0);
        auto const event = static_cast<uint16_t>((word & 0x7fff) - (is_this_lap ? 0 : card_queue_size));
        return has_passed(event, at_, before);
    }
    bool take(Used& used) {
        Descriptor const& one = ring_[taken_];
        uint16_t const flags = __atomic_load_n(&one.flags, __ATOMIC_ACQUIRE);
        if ((flags & (flag_available | flag_used)) != used_lap_) {
            return false;
        }
        used = {one.id, one.bytes};
        taken_ = static_cast<uint16_t>(taken_ + Length);
        if (taken_ == card_queue_size) {
            taken_ = 0;
            used_lap_ ^= flag_available | flag_used;
        }
        return true;
    }

private:
    struct Descriptor {
        uint64_t addr;
        uint32_t bytes;
        uint16_t id;
        uint16_t flags;
    };
    // The upper half of the word of an event; the lower half is a position, with its lap above it.
    static constexpr uint32_t event_always = 0;
    static constexpr uint32_t event_never = 1;
    static constexpr uint32_t event_at_position = 2;

    Descriptor* ring_ = nullptr;
    uint32_t* device_event_ = nullptr;
    Descriptor* first_ = nullptr;
    uint16_t first_flags_ = 0;
    uint16_t added_ = 0;  ///< descriptors since the last `publish`
    uint16_t at_ = 0;
    uint16_t lap_ = flag_available;
    uint16_t taken_ = 0;
    uint16_t used_lap_ = flag_available | flag_used;
};

template <template <unsigned, uint16_t> class Ring>
class Card {
public:
    void bring_up(Device::Transport& transport, PagePool& pages, bool packed) {
        transport_ = &transport;
        virtq::DeviceInit<Device::Transport> init{transport};
        virtq::Negotiation negotiation;
        negotiation.required.set(virtq::spec::Feature::event_idx);
        negotiation.required.set(virtq::spec::net::Feature::mrg_rxbuf);
        if (packed) {
            negotiation.required.set(virtq::spec::Feature::ring_packed);
        }
        virtq::SpinRelax relax;
        expect(init.negotiate(negotiation, virtq::PollLimit{1'000'000}, relax));
        expect(transport.enable_queue(receive_index, received_.open(pages)));
        expect(transport.enable_queue(send_index, sent_.open(pages)));
        Memory const headers{pages, 1};  // one suffices: it is never written to
        header_ = {headers.run.phys, header_bytes};
        Memory const buffers{pages, card_queue_size * buffer_bytes / virtq::page_bytes};
        buffers_ = buffers.at<uint8_t>(0);
        buffers_phys_ = buffers.run.phys;
        expect(init.go_live());
        for (uint16_t buffer = 0; buffer < card_queue_size; ++buffer) {
            give_back(buffer);
        }
        notify_if(received_.publish(), receive_index);
    }

    /// Calls `each(virtq::NetPart)`, which returns a `virtq::NetUse`, for at most `most` packets.
    template <class Each>
    void receive(Each each, uint32_t most) {
        Used used;
        for (uint32_t i = 0; i < most && received_.take(used); ++i) {
            uint8_t const* const data = buffers_ + used.chain * buffer_bytes + header_bytes;
            if (each(virtq::NetPart{data, used.bytes - header_bytes, used.chain}) == virtq::NetUse::done) {
                give_back(used.chain);
            }
        }
        notify_if(received_.publish(), receive_index);
    }
    void give_back(uint16_t buffer) { received_.add(buffer, {{buffers_phys_ + buffer * buffer_bytes, buffer_bytes}}); }

    /// The caller knows that there is room.
    void send(virtq::Span<virtq::NetFrame const> frames) {
        for (virtq::NetFrame const& frame : frames) {
            auto const chain = static_cast<uint16_t>(added_++ % packets_in_flight_max);
            tokens_[chain] = frame.token;
            sent_.add(chain, {header_, frame.data});
        }
        notify_if(sent_.publish(), send_index);
    }
    template <class Each>
    void take_sent(Each each) {
        for (Used used; sent_.take(used);) {
            each(tokens_[used.chain]);
        }
    }

private:
    static constexpr uint16_t receive_index = 0;
    static constexpr uint16_t send_index = 1;
    static constexpr uint32_t header_bytes = 12;
    static constexpr uint32_t buffer_bytes = 2048;

    static void expect(virtq::Status status) {
        if (!status) {
            serial::fail("the driver without checks cannot be initialised", status.error());
        }
    }
    void notify_if(bool wanted, uint16_t queue) {
        if (wanted) {
            transport_->notify(queue);
        }
    }

    Device::Transport* transport_ = nullptr;
    Ring<1, flag_write> received_;
    Ring<2, 0> sent_;
    virtq::Segment header_;
    uint8_t* buffers_ = nullptr;
    virtq::PhysAddr buffers_phys_;
    uint32_t added_ = 0;
    virtq::Token tokens_[packets_in_flight_max];
};

}  // namespace unchecked
