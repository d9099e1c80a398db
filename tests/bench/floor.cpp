// SPDX-License-Identifier: MIT
//
// FLOOR, the least that a driver can do: a loop over a batch with its state in locals, and no check. It keeps the token
// of each request, and hands over tokens and lengths in an array: every driver needs that. `Fence` adds the full fence
// and the read of the device's flags, which a correct decision to notify needs. `InOrder` uses the feature IN_ORDER.
#include "buffers.hpp"

namespace bench {

/// The tokens and lengths that a batch hands over.
class Finished {
public:
    void open(unsigned size) { all_ = static_cast<One*>(allocate(sizeof(One) * size, finished_offset)); }
    void put(unsigned place, unsigned long token, uint32_t written) const { all_[place] = {token, written}; }
    [[nodiscard]] unsigned long token_sum(unsigned count) const {
        unsigned long sum = 0;
        for (unsigned i = 0; i < count; ++i) {
            sum += all_[i].token;
        }
        return sum;
    }

private:
    struct One {
        unsigned long token;
        uint32_t written;
    };
    static constexpr size_t finished_offset = 3264;  // other than those of ring and requests, as `tokens_offset`

    One* all_ = nullptr;
};

template <bool Fence, unsigned Segments, bool InOrder>
class FloorSplit {
public:
    Areas open(Case const& which) {
        unsigned const size = which.size;
        mask_ = static_cast<uint16_t>(size - 1);
        unsigned const table_bytes = sizeof(SplitDescriptor) * size;
        unsigned const available_bytes = whole_lines(6 + 2 * size);
        auto* const all = static_cast<char*>(allocate(table_bytes + available_bytes + whole_lines(6 + 8 * size)));
        descriptors_ = reinterpret_cast<SplitDescriptor*>(all);
        available_ = reinterpret_cast<SplitAvailable*>(all + table_bytes);
        used_ = reinterpret_cast<SplitUsed*>(all + table_bytes + available_bytes);
        tokens_ = static_cast<unsigned long*>(allocate((sizeof *tokens_ + 4) * size, tokens_offset));
        behind_ = reinterpret_cast<uint16_t*>(tokens_ + size);
        last_ = behind_ + size;
        for (unsigned i = 0; i < size; ++i) {
            behind_[i] = static_cast<uint16_t>((i + 1) & mask_);
        }
        buffers_.open(which);
        finished_.open(size);
        return {reinterpret_cast<uintptr_t>(descriptors_), reinterpret_cast<uintptr_t>(available_),
                reinterpret_cast<uintptr_t>(used_)};
    }
    void prepare(unsigned slot) { buffers_.prepare(slot); }

    bool submit(unsigned batch) {
        FloorSplit const local = *this;  // a copy, which no store to a ring can change
        uint16_t added = added_;
        unsigned free = free_;
        for (unsigned slot = 0; slot < batch; ++slot, ++added) {
            unsigned const head = free;
            local.available_->ring[added & local.mask_] = static_cast<uint16_t>(head);
            local.tokens_[InOrder ? added & local.mask_ : head] = slot + 1;
            free = local.write_chain(slot, head);
        }
        free_ = free;
        added_ = added;
        __atomic_store_n(&available_->index, added, __ATOMIC_RELEASE);
        if constexpr (Fence) {
            full_fence();
            return (__atomic_load_n(&used_->flags, __ATOMIC_RELAXED) & 1) == 0;
        }
        return false;
    }
    unsigned take(unsigned most, unsigned long& token_sum) {
        FloorSplit const local = *this;
        uint16_t taken = taken_;
        unsigned free = free_;
        unsigned const there = static_cast<uint16_t>(__atomic_load_n(&used_->index, __ATOMIC_ACQUIRE) - taken);
        unsigned const count = there < most ? there : most;
        for (unsigned i = 0; i < count; ++i, ++taken) {
            if constexpr (InOrder) {  // the device writes only the last element of its batch
                local.finished_.put(i, local.tokens_[taken & local.mask_], 0);
            } else {
                SplitUsed::Element const one = local.used_->ring[taken & local.mask_];
                local.finished_.put(i, local.tokens_[one.id], one.len);
                local.behind_[Segments == 1 ? one.id : local.last_[one.id]] = static_cast<uint16_t>(free);
                free = one.id;
            }
        }
        taken_ = taken;
        free_ = free;
        token_sum += finished_.token_sum(count);
        return count;
    }
    [[nodiscard]] unsigned long private_bytes() const { return sizeof *this + 12 * (mask_ + 1ul); }

private:
    /// Writes all descriptors of a chain, and returns the next free one.
    [[gnu::always_inline]] unsigned write_chain(unsigned slot, unsigned head) const {
        unsigned place = head;
        unsigned last = head;
        uint16_t last_flags = 0;
        buffers_.each(slot, [&](Buffer const& buffer, uint16_t direction) INLINED {
            SplitDescriptor& one = descriptors_[place];
            last = place;
            last_flags = direction;
            place = InOrder ? (place + 1) & mask_ : behind_[place];
            one = {buffer.addr, buffer.len, static_cast<uint16_t>(direction | flag_next),
                   static_cast<uint16_t>(place)};
        });
        descriptors_[last].flags = last_flags;
        if constexpr (Segments != 1 && !InOrder) {
            last_[head] = static_cast<uint16_t>(last);
        }
        return place;
    }

    SplitDescriptor* descriptors_ = nullptr;
    SplitAvailable* available_ = nullptr;
    SplitUsed* used_ = nullptr;
    unsigned long* tokens_ = nullptr;  // by head; with IN_ORDER by the number of the request
    uint16_t* behind_ = nullptr;       // the next descriptor of each, in its chain or in the free list
    uint16_t* last_ = nullptr;         // the last descriptor of a chain, by head
    unsigned free_ = 0;
    uint16_t mask_ = 0;
    uint16_t added_ = 0;
    uint16_t taken_ = 0;
    Buffers<Segments> buffers_;
    Finished finished_;
};

/// Uses the position of the head as the buffer id. This is correct because the device completes requests in their order.
/// For any other order a driver needs a list of ids.
template <bool Fence, unsigned Segments, bool InOrder>
class FloorPacked {
public:
    Areas open(Case const& which) {
        size_ = which.size;
        unsigned const ring_bytes = sizeof(PackedDescriptor) * size_;
        auto* const all = static_cast<char*>(allocate(ring_bytes + whole_lines(sizeof(PackedEvent))));
        ring_ = reinterpret_cast<PackedDescriptor*>(all);
        device_event_ = reinterpret_cast<PackedEvent*>(all + ring_bytes);
        tokens_ = static_cast<unsigned long*>(allocate((sizeof *tokens_ + 2) * size_, tokens_offset));
        counts_ = reinterpret_cast<uint16_t*>(tokens_ + size_);
        buffers_.open(which);
        finished_.open(size_);
        return {reinterpret_cast<uintptr_t>(ring_), 0, reinterpret_cast<uintptr_t>(device_event_)};
    }
    void prepare(unsigned slot) { buffers_.prepare(slot); }

    bool submit(unsigned batch) {
        FloorPacked const local = *this;  // a copy, which no store to a ring can change
        Position position{added_place_, added_flags_};
        unsigned number = number_;
        PackedDescriptor& first = local.ring_[position.place];
        uint16_t first_flags = 0;
        for (unsigned slot = 0; slot < batch; ++slot, ++number) {
            PackedDescriptor& head = local.ring_[position.place];
            auto const id = static_cast<uint16_t>(InOrder ? number & (local.size_ - 1) : position.place);
            local.tokens_[id] = slot + 1;
            if constexpr (Segments == 0) {
                local.counts_[id] = static_cast<uint16_t>(local.buffers_.count());
            }
            uint16_t const head_flags = local.write_chain(slot, id, position);
            if (slot == 0) {
                first_flags = head_flags;
            } else {
                head.flags = head_flags;
            }
        }
        added_place_ = position.place;
        added_flags_ = position.flags;
        number_ = number;
        __atomic_store_n(&first.flags, first_flags, __ATOMIC_RELEASE);
        if constexpr (Fence) {
            full_fence();
            return __atomic_load_n(&device_event_->flags, __ATOMIC_RELAXED) != 1;
        }
        return false;
    }
    unsigned take(unsigned most, unsigned long& token_sum) {
        unsigned const count = InOrder ? take_in_order(most) : take_each(most);
        token_sum += finished_.token_sum(count);
        return count;
    }
    [[nodiscard]] unsigned long private_bytes() const { return sizeof *this + 10ul * size_; }

private:
    struct Position {
        unsigned place;
        unsigned flags;  // AVAIL and USED of descriptors in this lap

        void advance(unsigned count, unsigned size) {
            place += count;
            if (__builtin_expect(place >= size ? 1 : 0, 0) !=
                0) {  // a branch, because a conditional move delays all that follows
                place -= size;
                flags ^= flag_available | flag_used;
            }
        }
    };

    /// Writes a chain except for the flags of its head, which it returns.
    [[gnu::always_inline]] uint16_t write_chain(unsigned slot, uint16_t id, Position& position) const {
        unsigned left = buffers_.count();
        uint16_t head_flags = 0;
        bool is_head = true;
        buffers_.each(slot, [&](Buffer const& buffer, uint16_t direction) INLINED {
            PackedDescriptor& one = ring_[position.place];
            one.addr = buffer.addr;
            one.len = buffer.len;
            one.id = id;
            auto const flags = static_cast<uint16_t>(position.flags | direction | (--left != 0 ? flag_next : 0));
            if (is_head) {
                head_flags = flags;
                is_head = false;
            } else {
                one.flags = flags;
            }
            position.advance(1, size_);
        });
        return head_flags;
    }

    [[nodiscard]] unsigned count_of(unsigned id) const { return Segments == 0 ? counts_[id] : Segments; }
    [[nodiscard]] static bool is_used(PackedDescriptor const& one, Position const& position) {
        unsigned const flags = __atomic_load_n(&one.flags, __ATOMIC_ACQUIRE);
        return (flags & (flag_available | flag_used)) == position.flags;
    }

    unsigned take_each(unsigned most) {
        FloorPacked const local = *this;
        Position position{taken_place_, taken_flags_};
        unsigned count = 0;
        for (; count < most; ++count) {
            PackedDescriptor const& one = local.ring_[position.place];
            if (!is_used(one, position)) {
                break;
            }
            local.finished_.put(count, local.tokens_[one.id], one.len);
            position.advance(local.count_of(one.id), local.size_);
        }
        taken_place_ = position.place;
        taken_flags_ = position.flags;
        return count;
    }
    /// The device writes one used descriptor a batch: the id of the last chain, in the place of the first.
    unsigned take_in_order(unsigned most) {
        FloorPacked const local = *this;
        Position position{taken_place_, taken_flags_};
        unsigned count = 0;
        unsigned done = done_;
        unsigned seen = seen_;
        for (; count < most; ++count, ++done) {
            if (done == seen) {
                PackedDescriptor const& one = local.ring_[position.place];
                if (!is_used(one, position)) {
                    break;
                }
                seen = done + ((one.id - done) & (local.size_ - 1)) + 1;
            }
            unsigned const id = done & (local.size_ - 1);
            local.finished_.put(count, local.tokens_[id], 0);
            position.advance(local.count_of(id), local.size_);
        }
        done_ = done;
        seen_ = seen;
        taken_place_ = position.place;
        taken_flags_ = position.flags;
        return count;
    }

    PackedDescriptor* ring_ = nullptr;
    PackedEvent* device_event_ = nullptr;
    unsigned long* tokens_ = nullptr;  // by id
    uint16_t* counts_ = nullptr;       // numbers of descriptors, by id
    unsigned size_ = 0;
    // Full words: a load of a whole word has to wait if its parts were stored separately.
    unsigned added_place_ = 0;
    unsigned added_flags_ = flag_available;
    unsigned taken_place_ = 0;
    unsigned taken_flags_ = flag_available | flag_used;
    unsigned number_ = 0;  // requests added
    unsigned done_ = 0;    // requests taken
    unsigned seen_ = 0;    // requests that the device has completed, as far as the driver has seen
    Buffers<Segments> buffers_;
    Finished finished_;
};

template <bool Fence, bool InOrder>
struct Floor {
    template <unsigned Segments>
    static Contender* make(Case which) {
        which.event_idx = false;  // it reads the flags
        return which.is_packed() ? make_machine<FloorPacked<Fence, Segments, InOrder>, PackedDevice>(which)
                                 : make_machine<FloorSplit<Fence, Segments, InOrder>, SplitDevice>(which);
    }
};

template <bool Fence>
static Contender* make_of_order(Case const& which) {
    return which.in_order ? make_of_style<Floor<Fence, true>>(which) : make_of_style<Floor<Fence, false>>(which);
}

Contender* make_floor(Case const& which) {
    if (which.indirect || which.notifications) {
        return nullptr;
    }
    return which.who == Case::Who::floor ? make_of_order<false>(which) : make_of_order<true>(which);
}

}  // namespace bench
