// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>
#include <vector>

#include <sim/chain.hpp>
#include <sim/guest_memory.hpp>
#include <sim/rule.hpp>
#include <sim/wire.hpp>

/// The device's side of one split virtqueue (§2.7), written from the device clauses. It fetches available chains,
/// checks what a device can check, returns used chains, and decides about notifications in both directions. It can
/// also write invalid values.
namespace virtq::sim {

/// How the driver configured a queue through the transport.
struct SplitQueueConfig {
    uint16_t size = 0;
    PhysAddr descriptor_area;  ///< descriptor table
    PhysAddr driver_area;      ///< available ring
    PhysAddr device_area;      ///< used ring
    bool event_idx = false;    ///< VIRTIO_F_EVENT_IDX negotiated
    bool indirect = false;     ///< VIRTIO_F_INDIRECT_DESC negotiated
    bool in_order = false;     ///< VIRTIO_F_IN_ORDER negotiated
    ByteOrder order = ByteOrder::little;
    /// Both rings begin here instead of at 0, as in a queue that has been in use for long. The device then also writes
    /// the `idx` words. The driver's private indices must begin at the same number.
    uint16_t start_index = 0;
};

/// **Threading** One thread at a time, which may differ from the driver's. Each access to shared memory is atomic, and
/// ordered where §2.7.13 and §2.7.14 require it.
class SplitQueue {
public:
    SplitQueue(GuestMemory& memory, SplitQueueConfig const& config);

    /// False: an area is misaligned or not in allocated memory, or the size is impossible. That was reported, and the
    /// queue stays empty for ever.
    [[nodiscard]] bool usable() const { return descriptors_ != nullptr; }
    [[nodiscard]] SplitQueueConfig const& config() const { return config_; }

    // What the driver made available.

    /// Chains that are available and not yet fetched.
    [[nodiscard]] uint16_t available();
    /// The next chain in ring order, or nothing. Check `Chain::intact` before using it.
    [[nodiscard]] std::optional<Chain> fetch();

    // What the device has used. These calls throw `std::logic_error` for anything that no correct device does.

    /// Writes a used ring entry; the driver sees it after `flush_used`.
    void put_used(uint16_t head, uint32_t length);
    /// With IN_ORDER (§2.7.9): one entry for a batch of `count` chains. `head` is the last of them.
    void put_used_batch(uint16_t head, uint32_t length, uint16_t count);
    /// Publishes everything that was put.
    void flush_used();
    /// `put_used` and `flush_used` for one chain.
    void use(uint16_t head, uint32_t length);
    /// Whether the driver wants a notification for what was published since the last call (§2.7.7.2).
    [[nodiscard]] bool needs_interrupt();
    /// Chains that were fetched and not used.
    [[nodiscard]] size_t in_flight() const { return chains_.size(); }

    // Whether the device wants notifications (§2.7.10.2).

    /// Without EVENT_IDX sets the used flags. With it, moves `avail_event` out of reach, or to the next chain.
    void set_no_notify(bool on);
    void set_avail_event(uint16_t index);
    /// Requests a notification for the next chain, and checks again. True: a chain is already there, and perhaps no
    /// notification comes for it.
    [[nodiscard]] bool arm_avail_event();

    // What is in memory.

    [[nodiscard]] uint16_t avail_idx() const { return load16(available_ + wire::split::idx_offset); }
    [[nodiscard]] uint16_t avail_flags() const { return load16(available_ + wire::split::flags_offset); }
    [[nodiscard]] uint16_t used_event() const { return load16(available_ + used_event_offset()); }
    [[nodiscard]] uint16_t used_idx() const { return load16(used_ + wire::split::idx_offset); }
    [[nodiscard]] uint16_t used_flags() const { return load16(used_ + wire::split::flags_offset); }
    [[nodiscard]] uint16_t avail_event() const { return load16(used_ + avail_event_offset()); }
    /// The free-running index of the next chain to fetch.
    [[nodiscard]] uint16_t next_available() const { return next_available_; }
    [[nodiscard]] Descriptor descriptor(uint16_t index) const { return load_descriptor(descriptors_, index); }

    // Invalid values, for tests of a misbehaving device.

    /// Writes this as the next used entry, whatever was fetched. `flush_used` publishes it.
    void put_used_raw(uint32_t id, uint32_t length);
    void write_used_raw(uint16_t slot, uint32_t id, uint32_t length);
    void write_used_idx_raw(uint16_t idx);
    void write_used_flags_raw(uint16_t flags) { store16(used_ + wire::split::flags_offset, flags); }
    void write_avail_event_raw(uint16_t index) { store16(used_ + avail_event_offset(), index); }
    /// Writes where only the driver may write (§2.7.5.1).
    void scribble_descriptor(uint16_t index, Descriptor const& descriptor);
    void scribble_available(uint16_t slot, uint16_t head);
    void scribble_available_idx(uint16_t idx) { store16(available_ + wire::split::idx_offset, idx); }
    void scribble_available_flags(uint16_t flags) { store16(available_ + wire::split::flags_offset, flags); }
    void scribble_used_event(uint16_t index) { store16(available_ + used_event_offset(), index); }

private:
    /// A chain in flight: the table entries it occupies, and their content when it was fetched.
    struct InFlight {
        std::vector<uint16_t> indices;
        std::vector<Descriptor> descriptors;
    };
    /// The walk over one chain, which may continue in an indirect table.
    struct Walk {
        Chain chain;
        InFlight occupied;
        uint64_t bytes = 0;
        size_t length = 0;
        bool reported = false;
    };

    [[nodiscard]] bool check_config();
    void start_at(uint16_t index);
    void check_avail_flags();

    [[nodiscard]] bool walk_table(Walk& walk, uint16_t head);
    [[nodiscard]] bool walk_indirect(Walk& walk, Descriptor const& outer);
    [[nodiscard]] bool claim(Walk& walk, uint16_t index, Descriptor const& descriptor);
    [[nodiscard]] bool check_flags(Descriptor const& descriptor, bool inside_indirect);
    [[nodiscard]] bool add_segment(Walk& walk, Descriptor const& descriptor);
    void check_unaltered(InFlight const& occupied);
    void release(uint16_t head);
    [[nodiscard]] bool refuse(Rule const& broken, uint64_t value);

    [[nodiscard]] size_t used_event_offset() const { return wire::split::used_event_offset(config_.size); }
    [[nodiscard]] size_t avail_event_offset() const { return wire::split::avail_event_offset(config_.size); }
    [[nodiscard]] size_t slot(uint16_t index) const { return index & (config_.size - 1u); }

    [[nodiscard]] Descriptor load_descriptor(uint8_t const* table, size_t index) const;
    [[nodiscard]] uint16_t load16(uint8_t const* at, int memory_order = __ATOMIC_RELAXED) const;
    void store16(uint8_t* at, uint16_t value, int memory_order = __ATOMIC_RELAXED);
    [[nodiscard]] bool swapped() const { return config_.order != host_order; }
    void store_used_element(size_t slot, uint32_t id, uint32_t length);

    static constexpr ByteOrder host_order =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ByteOrder::little : ByteOrder::big;

    GuestMemory& memory_;
    SplitQueueConfig config_;
    uint8_t* descriptors_ = nullptr;
    uint8_t* available_ = nullptr;
    uint8_t* used_ = nullptr;

    uint16_t next_available_ = 0;          ///< free-running: next to fetch
    uint16_t seen_available_ = 0;          ///< the highest available idx seen
    uint16_t next_used_ = 0;               ///< free-running: next to write, ahead of what is published
    uint16_t published_ = 0;               ///< the used idx in memory
    uint16_t notified_ = 0;                ///< the used idx up to which a notification was decided
    uint16_t reported_flags_ = 0;          ///< the last bad available flags, reported once
    std::map<uint16_t, InFlight> chains_;  ///< by head
    std::vector<bool> busy_;               ///< descriptors of chains in flight
    std::vector<bool> scribbled_;          ///< descriptors that the device itself overwrote
    std::vector<uint64_t> visited_;        ///< number of the last walk that visited each descriptor
    uint64_t walk_number_ = 0;
};

inline SplitQueue::SplitQueue(GuestMemory& memory, SplitQueueConfig const& config) : memory_(memory), config_(config) {
    if (!check_config()) {
        return;
    }
    size_t const size = config_.size;
    uint8_t* const descriptors = memory_.virt(config_.descriptor_area, wire::split::descriptor_area_bytes(size));
    available_ = memory_.virt(config_.driver_area, wire::split::available_area_bytes(size));
    used_ = memory_.virt(config_.device_area, wire::split::used_area_bytes(size));
    if (descriptors == nullptr || available_ == nullptr || used_ == nullptr) {
        PhysAddr const where = descriptors == nullptr  ? config_.descriptor_area
                               : available_ == nullptr ? config_.driver_area
                                                       : config_.device_area;
        memory_.violations().report(rule::area_outside_ram, where.value);
        return;
    }
    descriptors_ = descriptors;
    busy_.assign(size, false);
    scribbled_.assign(size, false);
    visited_.assign(size, 0);
    start_at(config_.start_index);
    if (used_flags() != 0) {
        memory_.violations().report(rule::used_flags_init, used_flags());
    }
}

inline bool SplitQueue::check_config() {
    uint16_t const size = config_.size;
    if (size == 0 || size > wire::split::max_queue_size || (size & (size - 1u)) != 0) {
        return refuse(rule::queue_size_invalid, size);
    }
    if (config_.descriptor_area.value % wire::split::descriptor_alignment != 0) {
        return refuse(rule::area_alignment, config_.descriptor_area.value);
    }
    if (config_.driver_area.value % wire::split::available_alignment != 0) {
        return refuse(rule::area_alignment, config_.driver_area.value);
    }
    if (config_.device_area.value % wire::split::used_alignment != 0) {
        return refuse(rule::area_alignment, config_.device_area.value);
    }
    return true;
}

inline void SplitQueue::start_at(uint16_t index) {
    next_available_ = seen_available_ = next_used_ = published_ = notified_ = index;
    if (index == 0) {
        return;  // §2.7.6, §2.7.8: idx starts at 0, and the driver has zeroed the rings
    }
    store16(used_ + wire::split::idx_offset, index);
    if (config_.event_idx) {
        store16(used_ + avail_event_offset(), index);
    }
    if (avail_idx() == 0) {  // the driver has made nothing available yet
        store16(available_ + wire::split::idx_offset, index);
    }
}

inline uint16_t SplitQueue::available() {
    if (!usable()) {
        return 0;
    }
    // Pairs with the driver's barrier before it updates idx (§2.7.13.3.1): what idx exposes is read after it.
    uint16_t const idx = load16(available_ + wire::split::idx_offset, __ATOMIC_ACQUIRE);
    auto const offered = static_cast<uint16_t>(idx - next_available_);
    auto const seen = static_cast<uint16_t>(seen_available_ - next_available_);
    if (offered <= config_.size && offered >= seen) {
        seen_available_ = idx;
        return offered;
    }
    if (idx != seen_available_) {  // report it once, not at every poll
        bool const back = static_cast<uint16_t>(seen_available_ - idx) < 0x8000;
        memory_.violations().report(back ? rule::available_back : rule::available_jump, idx);
        seen_available_ = idx;
    }
    return offered <= config_.size ? offered : uint16_t{0};
}

inline std::optional<Chain> SplitQueue::fetch() {
    if (available() == 0) {
        return std::nullopt;
    }
    check_avail_flags();
    uint16_t const head = load16(available_ + wire::split::ring_offset + 2 * slot(next_available_));
    ++next_available_;
    Walk walk;
    walk.chain.head = head;
    walk.chain.order = config_.order;
    if (head >= config_.size) {
        memory_.violations().report(rule::head_range, head);
        walk.chain.intact = false;
        return walk.chain;
    }
    ++walk_number_;
    walk.chain.intact = walk_table(walk, head);
    if (chains_.count(head) == 0) {
        for (uint16_t const index : walk.occupied.indices) {
            busy_[index] = true;
            scribbled_[index] = false;
        }
        chains_.emplace(head, std::move(walk.occupied));
    }
    return std::move(walk.chain);
}

/// Follows NEXT in the descriptor table (§2.7.5). Stops at the first entry that cannot be followed.
inline bool SplitQueue::walk_table(Walk& walk, uint16_t head) {
    bool intact = true;
    for (uint16_t index = head;;) {
        Descriptor const descriptor = load_descriptor(descriptors_, index);
        if (!claim(walk, index, descriptor)) {
            return false;
        }
        intact = check_flags(descriptor, false) && intact;
        if ((descriptor.flags & wire::split::flag_indirect) != 0) {
            return walk_indirect(walk, descriptor) && intact;
        }
        intact = add_segment(walk, descriptor) && intact;
        if ((descriptor.flags & wire::split::flag_next) == 0) {
            return intact;
        }
        if (descriptor.next >= config_.size) {
            return refuse(rule::next_range, descriptor.next);
        }
        if (config_.in_order && descriptor.next != (index + 1u) % config_.size) {
            intact = refuse(rule::in_order_next, descriptor.next);
        }
        index = descriptor.next;
    }
}

/// A descriptor belongs to at most one chain in flight, and occurs once in it.
inline bool SplitQueue::claim(Walk& walk, uint16_t index, Descriptor const& descriptor) {
    if (visited_[index] == walk_number_) {
        return refuse(rule::chain_too_large, index);  // a loop
    }
    if (busy_[index]) {
        return refuse(rule::descriptor_busy, index);
    }
    visited_[index] = walk_number_;
    walk.occupied.indices.push_back(index);
    walk.occupied.descriptors.push_back(descriptor);
    ++walk.length;
    return true;
}

/// Follows an indirect table (§2.7.5.3). Its own WRITE flag is ignored (§2.7.5.3.2).
inline bool SplitQueue::walk_indirect(Walk& walk, Descriptor const& outer) {
    if (outer.bytes == 0 || outer.bytes % wire::split::descriptor_bytes != 0) {
        return refuse(rule::indirect_length, outer.bytes);
    }
    uint8_t const* const table = memory_.virt(PhysAddr{outer.addr}, outer.bytes);
    if (table == nullptr) {
        return refuse(rule::buffer_outside_ram, outer.addr);
    }
    size_t const entries = outer.bytes / wire::split::descriptor_bytes;
    --walk.length;  // the entry that refers to the table is not an element
    bool intact = true;
    for (uint16_t index = 0;;) {
        if (++walk.length > config_.size) {
            return refuse(rule::chain_too_long, walk.length);
        }
        Descriptor const descriptor = load_descriptor(table, index);
        if (!check_flags(descriptor, true)) {
            return false;
        }
        intact = add_segment(walk, descriptor) && intact;
        if ((descriptor.flags & wire::split::flag_next) == 0) {
            return intact;
        }
        if (descriptor.next >= entries) {
            return refuse(rule::next_range, descriptor.next);
        }
        if (config_.in_order && descriptor.next != index + 1u) {
            intact = refuse(rule::in_order_indirect, descriptor.next);
        }
        index = descriptor.next;
    }
}

inline bool SplitQueue::check_flags(Descriptor const& descriptor, bool inside_indirect) {
    uint16_t const flags = descriptor.flags;
    uint16_t const known = wire::split::flag_next | wire::split::flag_write | wire::split::flag_indirect;
    if ((flags & ~unsigned{known}) != 0) {
        memory_.violations().report(rule::flags_unknown, flags);  // a device ignores them
    }
    if ((flags & wire::split::flag_indirect) == 0) {
        return true;
    }
    if (inside_indirect) {
        return refuse(rule::indirect_nested, flags);
    }
    if (!config_.indirect) {
        return refuse(rule::indirect_unwanted, flags);
    }
    if ((flags & wire::split::flag_next) != 0) {
        return refuse(rule::indirect_with_next, flags);
    }
    return true;
}

inline bool SplitQueue::add_segment(Walk& walk, Descriptor const& descriptor) {
    bool const writable = (descriptor.flags & wire::split::flag_write) != 0;
    bool intact = true;
    if (!writable && !walk.chain.writable.empty() && !walk.reported) {
        intact = refuse(rule::writable_first, descriptor.addr);
        walk.reported = true;
    }
    if (descriptor.bytes == 0) {
        memory_.violations().report(rule::length_zero, descriptor.addr);
    }
    walk.bytes += descriptor.bytes;
    if (walk.bytes > uint64_t{1} << 32 && walk.bytes - descriptor.bytes <= uint64_t{1} << 32) {
        intact = refuse(rule::chain_too_large, walk.bytes);
    }
    uint8_t* const data = memory_.virt(PhysAddr{descriptor.addr}, descriptor.bytes);
    if (data == nullptr && descriptor.bytes != 0) {
        return refuse(rule::buffer_outside_ram, descriptor.addr);
    }
    auto& segments = writable ? walk.chain.writable : walk.chain.readable;
    segments.push_back({PhysAddr{descriptor.addr}, descriptor.bytes, data});
    return intact;
}

inline void SplitQueue::put_used(uint16_t head, uint32_t length) {
    if (chains_.count(head) == 0) {
        throw std::logic_error("put_used: this chain is not in flight; for an invalid one, use put_used_raw");
    }
    release(head);
    put_used_raw(head, length);
}

inline void SplitQueue::put_used_batch(uint16_t head, uint32_t length, uint16_t count) {
    if (!config_.in_order || count == 0 || count > chains_.size()) {
        throw std::logic_error("put_used_batch: needs IN_ORDER, and that many chains in flight");
    }
    uint16_t const first = next_used_;
    for (uint16_t i = 0; i < count; ++i) {  // IN_ORDER: used slot i answers the chain of available slot i
        auto const index = static_cast<uint16_t>(first + i);
        release(load16(available_ + wire::split::ring_offset + 2 * slot(index)));
    }
    store_used_element(slot(first), head, length);
    next_used_ = static_cast<uint16_t>(next_used_ + count);
}

inline void SplitQueue::release(uint16_t head) {
    auto const found = chains_.find(head);
    if (found == chains_.end()) {
        return;
    }
    check_unaltered(found->second);
    for (uint16_t const index : found->second.indices) {
        busy_[index] = false;
    }
    chains_.erase(found);
}

/// §3.3.1: descriptors do not change until their buffer is used.
inline void SplitQueue::check_unaltered(InFlight const& occupied) {
    for (size_t i = 0; i < occupied.indices.size(); ++i) {
        uint16_t const index = occupied.indices[i];
        if (!scribbled_[index] && !(load_descriptor(descriptors_, index) == occupied.descriptors[i])) {
            memory_.violations().report(rule::chain_altered, index);
        }
    }
}

inline void SplitQueue::put_used_raw(uint32_t id, uint32_t length) {
    store_used_element(slot(next_used_), id, length);
    ++next_used_;
}

inline void SplitQueue::flush_used() {
    if (next_used_ == published_) {
        return;
    }
    // §2.7.8.2: the entries are written before idx. Pairs with the driver's acquire of the used idx.
    store16(used_ + wire::split::idx_offset, next_used_, __ATOMIC_RELEASE);
    published_ = next_used_;
}

inline void SplitQueue::use(uint16_t head, uint32_t length) {
    put_used(head, length);
    flush_used();
}

inline bool SplitQueue::needs_interrupt() {
    uint16_t const old = notified_;
    notified_ = published_;
    if (!usable() || old == published_) {
        return false;
    }
    // Orders publishing the used idx before reading what the driver wants. Otherwise the driver could see no entry,
    // request a notification and sleep, while we still read its old setting. Pairs with the driver's fence after its
    // request.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    check_avail_flags();
    if (!config_.event_idx) {
        return (avail_flags() & wire::split::no_interrupt) == 0;
    }
    // §2.7.7.2: notify if an entry was written while idx equalled used_event: used_event is in [old, published).
    auto const distance = static_cast<uint16_t>(used_event() - old);
    auto const batch = static_cast<uint16_t>(published_ - old);
    return distance < batch;
}

inline void SplitQueue::check_avail_flags() {
    uint16_t const flags = avail_flags();
    bool const bad = config_.event_idx ? flags != 0 : flags > 1;
    if (bad && flags != reported_flags_) {
        memory_.violations().report(config_.event_idx ? rule::available_flags_event : rule::available_flags, flags);
    }
    reported_flags_ = bad ? flags : uint16_t{0};
}

inline void SplitQueue::set_no_notify(bool on) {
    if (!usable()) {
        return;
    }
    if (!config_.event_idx) {
        store16(used_ + wire::split::flags_offset, on ? wire::split::no_notify : uint16_t{0});
        return;
    }
    // §2.7.10.2: with EVENT_IDX the flags stay 0. An index that was just passed is reached again only after 65535
    // chains.
    set_avail_event(static_cast<uint16_t>(on ? next_available_ - 1 : next_available_));
}

inline void SplitQueue::set_avail_event(uint16_t index) {
    if (usable()) {
        store16(used_ + avail_event_offset(), index);
    }
}

inline bool SplitQueue::arm_avail_event() {
    if (!usable()) {
        return false;
    }
    set_no_notify(false);
    // Orders the request for a notification before the second check. Pairs with the driver's fence between publishing
    // the available idx and reading our request (§2.7.13.4.1). At least one of the two sees the other's store.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return available() != 0;
}

inline void SplitQueue::write_used_raw(uint16_t slot, uint32_t id, uint32_t length) {
    store_used_element(slot, id, length);
}

inline void SplitQueue::write_used_idx_raw(uint16_t idx) {
    store16(used_ + wire::split::idx_offset, idx, __ATOMIC_RELEASE);
    next_used_ = published_ = idx;
}

inline bool SplitQueue::refuse(Rule const& broken, uint64_t value) {
    memory_.violations().report(broken, value);
    return false;
}

inline void SplitQueue::scribble_descriptor(uint16_t index, Descriptor const& descriptor) {
    uint8_t* const entry = descriptors_ + wire::split::descriptor_bytes * index;
    encode(entry, 8, descriptor.addr, config_.order);
    encode(entry + 8, 4, descriptor.bytes, config_.order);
    encode(entry + 12, 2, descriptor.flags, config_.order);
    encode(entry + 14, 2, descriptor.next, config_.order);
    scribbled_[index] = true;
}

inline void SplitQueue::scribble_available(uint16_t slot, uint16_t head) {
    store16(available_ + wire::split::ring_offset + 2 * size_t{slot}, head);
}

inline Descriptor SplitQueue::load_descriptor(uint8_t const* table, size_t index) const {
    uint8_t const* const entry = table + wire::split::descriptor_bytes * index;
    Descriptor descriptor;
    descriptor.addr = decode(entry, 8, config_.order);
    descriptor.bytes = static_cast<uint32_t>(decode(entry + 8, 4, config_.order));
    descriptor.flags = static_cast<uint16_t>(decode(entry + 12, 2, config_.order));
    descriptor.next = static_cast<uint16_t>(decode(entry + 14, 2, config_.order));
    return descriptor;
}

inline uint16_t SplitQueue::load16(uint8_t const* at, int memory_order) const {
    auto const* const word = reinterpret_cast<uint16_t const*>(at);
    uint16_t const value = memory_order == __ATOMIC_ACQUIRE ? __atomic_load_n(word, __ATOMIC_ACQUIRE)
                                                            : __atomic_load_n(word, __ATOMIC_RELAXED);
    return swapped() ? __builtin_bswap16(value) : value;
}

inline void SplitQueue::store16(uint8_t* at, uint16_t value, int memory_order) {
    auto* const word = reinterpret_cast<uint16_t*>(at);
    uint16_t const stored = swapped() ? __builtin_bswap16(value) : value;
    if (memory_order == __ATOMIC_RELEASE) {
        __atomic_store_n(word, stored, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n(word, stored, __ATOMIC_RELAXED);
    }
}

inline void SplitQueue::store_used_element(size_t slot, uint32_t id, uint32_t length) {
    uint8_t* const element = used_ + wire::split::ring_offset + wire::split::used_element_bytes * slot;
    __atomic_store_n(reinterpret_cast<uint32_t*>(element), swapped() ? __builtin_bswap32(id) : id, __ATOMIC_RELAXED);
    __atomic_store_n(reinterpret_cast<uint32_t*>(element + 4), swapped() ? __builtin_bswap32(length) : length,
                     __ATOMIC_RELAXED);
}

}  // namespace virtq::sim
