// SPDX-License-Identifier: MIT
//
// A driver for one request at a time without checks, tokens and event index. A chain comes back as the number of its
// head. The driver reads the device's index only when it has taken all that it saw, and reads no descriptor back.
// `Fence` adds the full fence and the read of the device's flags, which a correct decision to notify needs.
#include "buffers.hpp"

namespace bench {

template <bool Fence, unsigned Segments>
class UncheckedSplit {
public:
    Areas open(Case const& which) {
        unsigned const size = which.size;
        mask_ = static_cast<uint16_t>(size - 1);
        // The areas follow each other, each on cache lines of its own.
        unsigned const table_bytes = sizeof(SplitDescriptor) * size;
        unsigned const available_bytes = whole_lines(6 + 2 * size);
        unsigned const used_bytes = whole_lines(6 + 8 * size);
        auto* const all = static_cast<char*>(allocate(table_bytes + available_bytes + used_bytes + 4 * size));
        descriptors_ = reinterpret_cast<SplitDescriptor*>(all);
        available_ = reinterpret_cast<SplitAvailable*>(all + table_bytes);
        used_ = reinterpret_cast<SplitUsed*>(all + table_bytes + available_bytes);
        next_ = reinterpret_cast<uint16_t*>(all + table_bytes + available_bytes + used_bytes);
        tail_ = next_ + size;
        for (unsigned i = 0; i < size; ++i) {
            next_[i] = static_cast<uint16_t>(i + 1);
        }
        buffers_.open(which);
        private_bytes_ = sizeof *this + 4 * size;
        return {reinterpret_cast<uintptr_t>(descriptors_), reinterpret_cast<uintptr_t>(available_),
                reinterpret_cast<uintptr_t>(used_)};
    }
    void prepare(unsigned slot) { buffers_.prepare(slot); }

    bool add(unsigned slot) {
        uint16_t const head = free_;
        uint16_t one = head;
        uint16_t last = head;
        uint16_t last_flags = 0;
        buffers_.each(slot, [&](Buffer const& buffer, uint16_t direction) INLINED {
            SplitDescriptor& descriptor = descriptors_[one];
            descriptor.addr = buffer.addr;
            descriptor.len = buffer.len;
            descriptor.flags = static_cast<uint16_t>(direction | flag_next);
            last = one;
            last_flags = direction;
            one = next_[one];
            descriptor.next = one;
        });
        descriptors_[last].flags = last_flags;
        tail_[head] = last;
        free_ = one;
        available_->ring[added_ & mask_] = head;
        ++added_;
        return true;
    }
    bool publish() {
        __atomic_store_n(&available_->index, added_, __ATOMIC_RELEASE);
        if constexpr (Fence) {
            full_fence();
            return (__atomic_load_n(&used_->flags, __ATOMIC_RELAXED) & 1) == 0;
        }
        return false;
    }
    unsigned long take() {
        if (taken_ == seen_) {
            seen_ = __atomic_load_n(&used_->index, __ATOMIC_ACQUIRE);
            if (taken_ == seen_) {
                return 0;
            }
        }
        auto const head = static_cast<uint16_t>(used_->ring[taken_ & mask_].id);
        ++taken_;
        next_[tail_[head]] = free_;
        free_ = head;
        return head + 1ul;
    }
    [[nodiscard]] unsigned long private_bytes() const { return private_bytes_; }

private:
    SplitDescriptor* descriptors_ = nullptr;
    SplitAvailable* available_ = nullptr;
    SplitUsed* used_ = nullptr;
    uint16_t* next_ = nullptr;
    uint16_t* tail_ = nullptr;
    uint16_t mask_ = 0;
    uint16_t free_ = 0;
    uint16_t added_ = 0;
    uint16_t taken_ = 0;
    uint16_t seen_ = 0;
    unsigned long private_bytes_ = 0;
    Buffers<Segments> buffers_;
};

template <bool Fence, unsigned Segments>
class UncheckedPacked {
public:
    Areas open(Case const& which) {
        size_ = static_cast<uint16_t>(which.size);
        unsigned const ring_bytes = sizeof(PackedDescriptor) * which.size;
        unsigned const event_bytes = whole_lines(sizeof(PackedEvent));
        auto* const all = static_cast<char*>(allocate(ring_bytes + event_bytes + 4 * which.size));
        ring_ = reinterpret_cast<PackedDescriptor*>(all);
        device_event_ = reinterpret_cast<PackedEvent*>(all + ring_bytes);
        next_ = reinterpret_cast<uint16_t*>(all + ring_bytes + event_bytes);
        count_ = next_ + which.size;
        for (unsigned i = 0; i < which.size; ++i) {
            next_[i] = static_cast<uint16_t>(i + 1);
        }
        first_ = ring_;
        buffers_.open(which);
        private_bytes_ = sizeof *this + 4 * which.size;
        return {reinterpret_cast<uintptr_t>(ring_), 0, reinterpret_cast<uintptr_t>(device_event_)};
    }
    void prepare(unsigned slot) { buffers_.prepare(slot); }

    bool add(unsigned slot) {
        uint16_t const id = free_;
        free_ = next_[id];
        PackedDescriptor* const head = &ring_[at_];
        PackedDescriptor* last = head;
        uint16_t head_flags = static_cast<uint16_t>(flags_ | flag_next);
        uint16_t last_flags = 0;
        buffers_.each(slot, [&](Buffer const& buffer, uint16_t direction) INLINED {
            last = &ring_[at_];
            last->addr = buffer.addr;
            last->len = buffer.len;
            last->id = id;
            last_flags = static_cast<uint16_t>(flags_ | direction);
            if (last != head) {
                last->flags = static_cast<uint16_t>(last_flags | flag_next);
            }
            if (++at_ == size_) {
                at_ = 0;
                flags_ ^= flag_available | flag_used;
            }
        });
        if (last == head) {
            head_flags = last_flags;
        } else {
            last->flags = last_flags;
        }
        count_[id] = static_cast<uint16_t>(buffers_.count());
        if (!pending_) {
            pending_ = true;
            first_ = head;
            first_flags_ = head_flags;
        } else {
            head->flags = head_flags;
        }
        return true;
    }
    bool publish() {
        __atomic_store_n(&first_->flags, first_flags_, __ATOMIC_RELEASE);
        pending_ = false;
        if constexpr (Fence) {
            full_fence();
            return __atomic_load_n(&device_event_->flags, __ATOMIC_RELAXED) != 1;
        }
        return false;
    }
    unsigned long take() {
        PackedDescriptor const& one = ring_[taken_];
        uint16_t const flags = __atomic_load_n(&one.flags, __ATOMIC_ACQUIRE);
        if ((flags & (flag_available | flag_used)) != used_flags_) {
            return 0;
        }
        uint16_t const id = one.id;
        taken_ = static_cast<uint16_t>(taken_ + count_[id]);
        if (taken_ >= size_) {
            taken_ = static_cast<uint16_t>(taken_ - size_);
            used_flags_ ^= flag_available | flag_used;
        }
        next_[id] = free_;
        free_ = id;
        return id + 1ul;
    }
    [[nodiscard]] unsigned long private_bytes() const { return private_bytes_; }

private:
    PackedDescriptor* ring_ = nullptr;
    PackedEvent* device_event_ = nullptr;
    uint16_t* next_ = nullptr;
    uint16_t* count_ = nullptr;
    PackedDescriptor* first_ = nullptr;
    uint16_t first_flags_ = 0;
    bool pending_ = false;
    uint16_t size_ = 0;
    uint16_t at_ = 0;
    uint16_t flags_ = flag_available;
    uint16_t free_ = 0;
    uint16_t taken_ = 0;
    uint16_t used_flags_ = flag_available | flag_used;
    unsigned long private_bytes_ = 0;
    Buffers<Segments> buffers_;
};

template <bool Fence>
struct Unchecked {
    template <unsigned Segments>
    static Contender* make(Case which) {
        which.event_idx = false;  // it reads the flags
        return which.is_packed() ? make_machine<UncheckedPacked<Fence, Segments>, PackedDevice>(which)
                                 : make_machine<UncheckedSplit<Fence, Segments>, SplitDevice>(which);
    }
};

Contender* make_unchecked(Case const& which) {
    if (which.indirect || which.in_order || which.notifications) {
        return nullptr;
    }
    return which.who == Case::Who::unchecked ? make_of_style<Unchecked<false>>(which)
                                             : make_of_style<Unchecked<true>>(which);
}

}  // namespace bench
