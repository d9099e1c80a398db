// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// The device of all contenders. It reads each descriptor of each chain and writes a completion. It checks nothing,
/// wants no notification and sends none, so the driver makes the difference.
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

/// The addresses of the three areas of a queue.
struct Areas {
    uint64_t descriptors;
    uint64_t driver;
    uint64_t device;
};

template <class T>
T* at(uint64_t address) {
    return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

/// A chain of a device that reads the descriptors and no data. The used length is the length of the last descriptor.
class PlainChain {
public:
    template <class Descriptor>
    void pass(Descriptor const&) {}
    template <class Descriptor>
    [[nodiscard]] uint32_t finish(Descriptor const& last) const {
        return (last.flags & flag_write) != 0 ? last.len : 0;
    }
};

/// A request of a disk, which succeeds. Its last byte is the status. Its used length is the sum of all writable bytes.
class DiskChain {
public:
    template <class Descriptor>
    void pass(Descriptor const& one) {
        writable_ += (one.flags & flag_write) != 0 ? one.len : 0;
    }
    template <class Descriptor>
    [[nodiscard]] uint32_t finish(Descriptor const& status) const {
        *at<uint8_t>(status.addr) = 0;
        return writable_;
    }

private:
    uint32_t writable_ = 0;
};

template <class Chain>
class SplitDeviceOf {
public:
    void open(Areas const& areas, unsigned size, bool event_idx, bool in_order) {
        descriptors_ = at<SplitDescriptor>(areas.descriptors);
        available_ = at<SplitAvailable>(areas.driver);
        used_ = at<SplitUsed>(areas.device);
        mask_ = static_cast<uint16_t>(size - 1);
        in_order_ = in_order;
        // The device wants no notification: a flag says so without EVENT_IDX. With it, avail_event stays as it is.
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
        Chain chain;
        sum_ += one->addr + one->len;
        chain.pass(*one);
        while ((one->flags & flag_next) != 0) {
            one = &table[one->next];
            sum_ += one->addr + one->len;
            chain.pass(*one);
        }
        return {head, chain.finish(*one)};
    }

    SplitDescriptor const* descriptors_ = nullptr;
    SplitAvailable const* available_ = nullptr;
    SplitUsed* used_ = nullptr;
    uint64_t sum_ = 0;
    uint16_t mask_ = 0;
    uint16_t seen_ = 0;
    bool in_order_ = false;
};

using SplitDevice = SplitDeviceOf<PlainChain>;

template <class Chain>
class PackedDeviceOf {
public:
    void open(Areas const& areas, unsigned size, bool event_idx, bool in_order) {
        ring_ = at<PackedDescriptor>(areas.descriptors);
        size_ = size;
        in_order_ = in_order;
        // The device wants no notification. With EVENT_IDX it gets one in every second lap, for descriptor 0.
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
        Chain chain;
        if ((flags & flag_indirect) != 0) {
            PackedDescriptor const& outer = ring_[at_];
            auto const* const table = at<PackedDescriptor>(outer.addr);
            unsigned const count = outer.len / sizeof(PackedDescriptor);
            for (unsigned i = 0; i < count; ++i) {
                sum_ += table[i].addr + table[i].len;
                chain.pass(table[i]);
            }
            PackedDescriptor const& end = table[count - 1];
            step();
            return {chain.finish(end), outer.id, static_cast<uint16_t>(end.flags & flag_write)};
        }
        for (;;) {
            PackedDescriptor const& one = ring_[at_];
            sum_ += one.addr + one.len;
            chain.pass(one);
            step();
            if ((flags & flag_next) == 0) {
                return {chain.finish(one), one.id, static_cast<uint16_t>(flags & flag_write)};
            }
            flags = ring_[at_].flags;
        }
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
using PackedDevice = PackedDeviceOf<PlainChain>;

}  // namespace bench
