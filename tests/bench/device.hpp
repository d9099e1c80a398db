// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// The device of all contenders: it reads each descriptor of each chain and writes a completion, and nothing else. It
/// checks nothing, wants no notification and sends none, so that what remains is the driver's.
namespace bench {

struct SplitDescriptor {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};
struct SplitAvailable {
    uint16_t flags;
    uint16_t index;
    uint16_t ring[];
};
struct SplitUsed {
    uint16_t flags;
    uint16_t index;
    struct Element {
        uint32_t id;
        uint32_t len;
    } ring[];
};
struct PackedDescriptor {
    uint64_t addr;
    uint32_t len;
    uint16_t id;
    uint16_t flags;
};
struct PackedEvent {
    uint16_t offset_and_wrap;
    uint16_t flags;
};

inline constexpr uint16_t flag_next = 1;
inline constexpr uint16_t flag_write = 2;
inline constexpr uint16_t flag_indirect = 4;
inline constexpr uint16_t flag_available = 1 << 7;
inline constexpr uint16_t flag_used = 1 << 15;

/// Where the three areas of a queue lie.
struct Areas {
    uint64_t descriptors;
    uint64_t driver;
    uint64_t device;
};

template <class T>
T* at(uint64_t address) {
    return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

class SplitDevice {
public:
    void open(Areas const& areas, unsigned size, bool event_idx, bool in_order) {
        descriptors_ = at<SplitDescriptor>(areas.descriptors);
        available_ = at<SplitAvailable>(areas.driver);
        used_ = at<SplitUsed>(areas.device);
        mask_ = static_cast<uint16_t>(size - 1);
        in_order_ = in_order;
        // Without the event index a flag says that no notification is wanted. With it avail_event stays where it is.
        used_->flags = event_idx ? 0 : 1;
    }

    [[gnu::noinline]] unsigned serve() {
        uint16_t const there = __atomic_load_n(&available_->index, __ATOMIC_ACQUIRE);
        auto const chains = static_cast<uint16_t>(there - seen_);
        if (chains == 0) {
            return 0;
        }
        SplitUsed::Element last{};
        for (; seen_ != there; ++seen_) {
            last = walk(available_->ring[seen_ & mask_]);
            if (!in_order_) {
                used_->ring[seen_ & mask_] = last;
            }
        }
        if (in_order_) {
            used_->ring[static_cast<uint16_t>(there - chains) & mask_] = last;
        }
        __atomic_store_n(&used_->index, there, __ATOMIC_RELEASE);
        return chains;
    }

private:
    SplitUsed::Element walk(uint16_t head) {
        SplitDescriptor const* table = descriptors_;
        SplitDescriptor const* one = &table[head];
        if ((one->flags & flag_indirect) != 0) {
            table = one = at<SplitDescriptor>(one->addr);
        }
        sum_ += one->addr + one->len;
        while ((one->flags & flag_next) != 0) {
            one = &table[one->next];
            sum_ += one->addr + one->len;
        }
        return {head, (one->flags & flag_write) != 0 ? one->len : 0};
    }

    SplitDescriptor const* descriptors_ = nullptr;
    SplitAvailable const* available_ = nullptr;
    SplitUsed* used_ = nullptr;
    uint64_t sum_ = 0;
    uint16_t mask_ = 0;
    uint16_t seen_ = 0;
    bool in_order_ = false;
};

class PackedDevice {
public:
    void open(Areas const& areas, unsigned size, bool event_idx, bool in_order) {
        ring_ = at<PackedDescriptor>(areas.descriptors);
        size_ = size;
        in_order_ = in_order;
        // Wants none; with the event index, one when descriptor 0 of every other lap is exposed.
        auto* const event = at<PackedEvent>(areas.device);
        event->offset_and_wrap = 1 << 15;
        event->flags = event_idx ? 2 : 1;
    }

    [[gnu::noinline]] unsigned serve() {
        unsigned chains = 0;
        unsigned first = at_;
        auto const first_flags = used_flags_;
        Last last{};
        for (;; ++chains) {
            uint16_t const flags = __atomic_load_n(&ring_[at_].flags, __ATOMIC_ACQUIRE);
            if ((flags & (flag_available | flag_used)) != available_flags_) {
                break;
            }
            unsigned const head = at_;
            auto const flags_there = used_flags_;
            last = walk(flags);
            if (!in_order_) {
                write(head, last, flags_there);
            }
        }
        if (in_order_ && chains != 0) {
            write(first, last, first_flags);
        }
        return chains;
    }

private:
    struct Last {
        uint32_t len;
        uint16_t id;
        uint16_t flags;
    };

    void write(unsigned place, Last const& last, uint16_t flags) {
        PackedDescriptor& one = ring_[place];
        one.id = last.id;
        one.len = last.len;
        __atomic_store_n(&one.flags, static_cast<uint16_t>(flags | last.flags), __ATOMIC_RELEASE);
    }

    Last walk(uint16_t flags) {
        if ((flags & flag_indirect) != 0) {
            PackedDescriptor const& outer = ring_[at_];
            auto const* const table = at<PackedDescriptor>(outer.addr);
            unsigned const count = outer.len / sizeof(PackedDescriptor);
            for (unsigned i = 0; i < count; ++i) {
                sum_ += table[i].addr + table[i].len;
            }
            PackedDescriptor const& end = table[count - 1];
            step();
            return made(end.flags, end.len, outer.id);
        }
        for (;;) {
            PackedDescriptor const& one = ring_[at_];
            sum_ += one.addr + one.len;
            step();
            if ((flags & flag_next) == 0) {
                return made(flags, one.len, one.id);
            }
            flags = ring_[at_].flags;
        }
    }
    static Last made(uint16_t flags, uint32_t len, uint16_t id) {
        auto const write = static_cast<uint16_t>(flags & flag_write);
        return {write != 0 ? len : 0, id, write};
    }
    void step() {
        if (++at_ == size_) {
            at_ = 0;
            available_flags_ ^= flag_available | flag_used;
            used_flags_ ^= flag_available | flag_used;
        }
    }

    PackedDescriptor* ring_ = nullptr;
    uint64_t sum_ = 0;
    unsigned size_ = 0;
    unsigned at_ = 0;
    uint16_t available_flags_ = flag_available;
    uint16_t used_flags_ = flag_available | flag_used;
    bool in_order_ = false;
};

}  // namespace bench
