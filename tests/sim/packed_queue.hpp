// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <vector>

#include <sim/chain.hpp>
#include <sim/guest_memory.hpp>
#include <sim/rule.hpp>
#include <sim/wire.hpp>

/// The device's side of one packed virtqueue (§2.8), written from the device clauses. It fetches available buffers,
/// checks what a device can check, returns used buffers, and decides about notifications in both directions. It can
/// also write invalid values.
namespace virtq::sim {

/// An entry of the descriptor ring (§2.8.13), in the host's byte order.
struct PackedDescriptor {
    uint64_t addr = 0;
    uint32_t bytes = 0;
    uint16_t id = 0;
    uint16_t flags = 0;

    friend bool operator==(PackedDescriptor const&, PackedDescriptor const&) = default;
};

/// A position in the ring: offset and the wrap counter that belongs to it (§2.8.1).
struct PackedPosition {
    uint16_t offset = 0;
    bool wrap = true;

    [[nodiscard]] PackedPosition after(size_t count, uint16_t size) const {
        size_t const linear = offset + count;
        return {static_cast<uint16_t>(linear % size), (linear / size) % 2 == 0 ? wrap : !wrap};
    }
    friend bool operator==(PackedPosition const&, PackedPosition const&) = default;
};

/// The two words of an event suppression structure (§2.8.14).
struct EventSuppression {
    uint16_t descriptor = 0;  ///< 15 bits of offset, then the wrap counter
    uint16_t flags = 0;

    /// Requests a notification once the descriptor at this position is made available or used.
    [[nodiscard]] static EventSuppression at(PackedPosition position) {
        return {static_cast<uint16_t>(position.offset | (position.wrap ? wire::packed::event_wrap : 0)),
                wire::packed::event_descriptor};
    }
    [[nodiscard]] PackedPosition position() const {
        return {static_cast<uint16_t>(descriptor & ~unsigned{wire::packed::event_wrap}),
                (descriptor & wire::packed::event_wrap) != 0};
    }
    friend bool operator==(EventSuppression const&, EventSuppression const&) = default;
};

/// The bits AVAIL and USED of a descriptor, relative to the wrap counter of its position (§2.8.1).
enum class Marks : uint8_t {
    available,      ///< AVAIL only: as the driver writes it
    used,           ///< both: the correct mark of the device
    stale,          ///< neither: used in the previous lap; also the result of flipping only AVAIL
    available_next  ///< USED only: available in the previous or next lap; also the result of flipping both bits
};

[[nodiscard]] constexpr uint16_t flags_of(Marks marks, bool wrap) {
    bool const avail = (marks == Marks::available || marks == Marks::used) == wrap;
    bool const used = (marks == Marks::used || marks == Marks::available_next) == wrap;
    return static_cast<uint16_t>((avail ? wire::packed::flag_avail : 0) | (used ? wire::packed::flag_used : 0));
}

[[nodiscard]] constexpr Marks marks_of(uint16_t flags, bool wrap) {
    bool const avail = ((flags & wire::packed::flag_avail) != 0) == wrap;
    bool const used = ((flags & wire::packed::flag_used) != 0) == wrap;
    return avail ? (used ? Marks::used : Marks::available) : (used ? Marks::available_next : Marks::stale);
}

/// What the device writes to a used descriptor besides the id. Without WRITE the length is reserved (§2.8.4). So for a
/// buffer without data both garbage variants are allowed.
enum class UsedLength : uint8_t {
    honest,                 ///< WRITE and the number of bytes if any were written
    garbage_without_write,  ///< as above, with a garbage length if nothing was written
    never_write             ///< always a garbage length without WRITE; invalid if something was written
};

/// How the driver configured a queue through the transport.
struct PackedQueueConfig {
    uint16_t size = 0;         ///< 1 to 32768, any number
    PhysAddr descriptor_area;  ///< descriptor ring
    PhysAddr driver_area;      ///< driver event suppression
    PhysAddr device_area;      ///< device event suppression
    bool event_idx = false;    ///< VIRTIO_F_EVENT_IDX negotiated
    bool indirect = false;     ///< VIRTIO_F_INDIRECT_DESC negotiated
    bool in_order = false;     ///< VIRTIO_F_IN_ORDER negotiated
    /// Driver and device begin here instead of at offset 0 with wrap counter 1, as in a queue that has been in use for
    /// long. The device then marks the whole ring as used. The driver's private positions and counters must begin here
    /// too.
    PackedPosition start = {};
};

/// **Threading** One thread at a time, which may differ from the driver's. Each access to shared memory is atomic, and
/// ordered where §2.8.21 and §2.8.22 require it.
class PackedQueue {
public:
    /// The length in used descriptors without a valid length.
    static constexpr uint32_t garbage_length = 0xdeadbeefu;

    PackedQueue(GuestMemory& memory, PackedQueueConfig const& config);

    /// False: an area is misaligned or not in allocated memory, or the size is impossible. That was reported, and the
    /// queue stays empty for ever.
    [[nodiscard]] bool usable() const { return ring_ != nullptr; }
    [[nodiscard]] PackedQueueConfig const& config() const { return config_; }

    // What the driver made available.

    /// Buffers that are available and not yet fetched.
    [[nodiscard]] uint16_t available();
    /// The next buffer in ring order, or nothing. `Chain::head` is its buffer id. Check `Chain::intact` before using
    /// it.
    [[nodiscard]] std::optional<Chain> fetch();

    // What the device has used. These calls throw `std::logic_error` for anything that no correct device does.

    /// Writes a used descriptor except its flags; the driver sees it after `flush_used`. With IN_ORDER `id` must be
    /// the oldest in flight.
    void put_used(uint16_t id, uint32_t length);
    /// With IN_ORDER (§2.8.8): one used descriptor for the `count` oldest buffers. `id` is the last of them.
    void put_used_batch(uint16_t id, uint32_t length, uint16_t count);
    /// Publishes everything that was put, the flags of the first descriptor last, as for a request of several buffers
    /// (§2.8.9).
    void flush_used();
    /// `put_used` and `flush_used` for one buffer.
    void use(uint16_t id, uint32_t length);
    /// Whether the driver wants a notification for what was published since the last call (§2.8.10).
    [[nodiscard]] bool needs_interrupt();
    /// Buffers that were fetched and not used.
    [[nodiscard]] size_t in_flight() const { return buffers_.size(); }
    void set_used_length(UsedLength how) { used_length_ = how; }

    // Whether the device wants notifications (§2.8.10).

    /// DISABLE or ENABLE.
    void set_no_notify(bool on);
    /// DESC with this position; for EVENT_IDX.
    void set_avail_event(PackedPosition position) { write_device_event(EventSuppression::at(position)); }
    /// Requests a notification for the next buffer, with DESC if EVENT_IDX was negotiated, and checks again. True: a
    /// buffer is already there, and perhaps no notification comes for it.
    [[nodiscard]] bool arm_avail_event();

    // What is in memory.

    [[nodiscard]] EventSuppression driver_event() const { return load_event(driver_event_); }
    [[nodiscard]] EventSuppression device_event() const { return load_event(device_event_); }
    [[nodiscard]] PackedDescriptor descriptor(uint16_t slot) const;

    /// Where the next buffer is fetched.
    [[nodiscard]] PackedPosition next_available() const { return next_available_; }
    /// Where the next used descriptor is written.
    [[nodiscard]] PackedPosition next_used() const { return next_used_; }
    /// The first position that the driver has not made available. With NOTIFICATION_DATA the driver must send it
    /// (§2.9).
    [[nodiscard]] PackedPosition end_of_available();

    // Invalid values, for tests of a misbehaving device.

    /// AVAIL and USED with these marks at `next_used`; for `put_used_raw`.
    [[nodiscard]] uint16_t flags_here(Marks marks) const { return flags_of(marks, next_used_.wrap); }
    /// Writes this as the next used descriptor, whatever was fetched. `flush_used` publishes it.
    void put_used_raw(uint16_t id, uint32_t length);
    /// As above with all flags as given; the device then moves `skip` descriptors on.
    void put_used_raw(uint16_t id, uint32_t length, uint16_t flags, uint16_t skip = 1);
    /// Overwrites any descriptor, or only its flags, at once. The driver is not blamed for it.
    void write_flags_raw(uint16_t slot, uint16_t flags);
    void scribble_descriptor(uint16_t slot, PackedDescriptor const& descriptor);
    void write_device_event_raw(EventSuppression event) { write_device_event(event); }
    /// Writes where only the driver may write.
    void scribble_driver_event(EventSuppression event) { store_event(driver_event_, event); }

private:
    /// What the device remembers of a descriptor of the ring.
    struct Slot {
        std::optional<PackedDescriptor> fetched;  ///< as it was made available, until used descriptors have passed it
        std::optional<uint16_t> own_flags;        ///< what the device wrote last, unless the driver has written since
    };
    struct Pending {
        uint16_t slot;
        uint16_t flags;
        size_t skip;
    };
    /// The walk over one list. The list may be a single descriptor with an indirect table.
    struct Walk {
        Chain chain;
        std::vector<PackedDescriptor> descriptors;
        bool complete = false;  ///< the walk reached the end of the list, where the buffer id is
        bool reported = false;
    };

    [[nodiscard]] bool check_config();
    void check_zeroed();
    void start_at(PackedPosition position);
    void check_driver_event(EventSuppression event);
    [[nodiscard]] bool asks_for_interrupt(EventSuppression event, size_t batch) const;

    [[nodiscard]] bool is_available(PackedPosition position, uint16_t flags) const;
    [[nodiscard]] bool look_at_next();
    [[nodiscard]] size_t list_length(PackedPosition first, size_t limit) const;
    [[nodiscard]] bool walk_list(Walk& walk);
    [[nodiscard]] bool check_place(PackedPosition place, uint16_t flags, size_t index);
    [[nodiscard]] bool check_flags(PackedDescriptor const& descriptor, size_t index);
    [[nodiscard]] bool walk_indirect(Walk& walk, PackedDescriptor const& outer);
    [[nodiscard]] bool add_segment(Walk& walk, PackedDescriptor const& descriptor);
    [[nodiscard]] bool remember(Walk const& walk);
    [[nodiscard]] bool refuse(Rule const& broken, uint64_t value);

    [[nodiscard]] size_t release(uint16_t id);
    void put(uint16_t id, uint32_t length, uint16_t flags, size_t skip);
    void put_honest(uint16_t id, uint32_t length, size_t skip);
    void pass(size_t count);

    [[nodiscard]] size_t linear(PackedPosition position) const {
        return position.offset + (position.wrap ? size_t{0} : config_.size);
    }
    [[nodiscard]] uint8_t* entry(size_t slot) const { return ring_ + wire::packed::descriptor_bytes * slot; }
    [[nodiscard]] uint16_t load_flags(size_t slot, int memory_order = __ATOMIC_RELAXED) const {
        return load16(entry(slot) + wire::packed::flags_offset, memory_order);
    }
    void store_flags(size_t slot, uint16_t flags);
    void write_device_event(EventSuppression event);

    [[nodiscard]] static PackedDescriptor load_descriptor(uint8_t const* at);
    [[nodiscard]] static EventSuppression load_event(uint8_t const* at);
    static void store_event(uint8_t* at, EventSuppression event);
    [[nodiscard]] static uint16_t load16(uint8_t const* at, int memory_order = __ATOMIC_RELAXED);
    static void store16(uint8_t* at, uint16_t value, int memory_order = __ATOMIC_RELAXED);
    [[nodiscard]] static constexpr bool swapped() { return __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__; }

    GuestMemory& memory_;
    PackedQueueConfig config_;
    uint8_t* ring_ = nullptr;
    uint8_t* driver_event_ = nullptr;
    uint8_t* device_event_ = nullptr;

    PackedPosition next_available_;  ///< next to fetch
    PackedPosition next_used_;       ///< next to write, ahead of what is published
    size_t occupied_ = 0;            ///< descriptors fetched and not yet passed by published used descriptors
    size_t unannounced_ = 0;         ///< descriptors passed since a notification was decided
    PackedPosition announced_;       ///< end of the range for which a notification was decided
    std::vector<Pending> pending_;   ///< put and not published
    std::vector<Slot> slots_;
    std::map<uint16_t, size_t> buffers_;  ///< number of descriptors of each buffer in flight, by id
    std::deque<uint16_t> order_;          ///< with IN_ORDER: the same ids, in the order of fetching
    UsedLength used_length_ = UsedLength::honest;
    std::optional<PackedPosition> reported_marks_;    ///< a position with impossible marks, reported once
    std::optional<EventSuppression> reported_event_;  ///< the last bad driver event structure, reported once
};

inline PackedQueue::PackedQueue(GuestMemory& memory, PackedQueueConfig const& config)
    : memory_(memory), config_(config) {
    if (!check_config()) {
        return;
    }
    uint8_t* const ring = memory_.virt(config_.descriptor_area, wire::packed::descriptor_area_bytes(config_.size));
    driver_event_ = memory_.virt(config_.driver_area, wire::packed::event_bytes);
    device_event_ = memory_.virt(config_.device_area, wire::packed::event_bytes);
    if (ring == nullptr || driver_event_ == nullptr || device_event_ == nullptr) {
        PhysAddr const where = ring == nullptr            ? config_.descriptor_area
                               : driver_event_ == nullptr ? config_.driver_area
                                                          : config_.device_area;
        memory_.violations().report(rule::packed_area_outside_ram, where.value);
        return;
    }
    ring_ = ring;
    slots_.resize(config_.size);
    check_zeroed();
    start_at(config_.start);
}

inline bool PackedQueue::check_config() {
    uint16_t const size = config_.size;
    if (size == 0 || size > wire::packed::max_queue_size) {
        return refuse(rule::packed_size_invalid, size);
    }
    if (config_.start.offset >= size) {
        throw std::logic_error("PackedQueue: the start position lies behind the end of the ring");
    }
    if (config_.descriptor_area.value % wire::packed::descriptor_alignment != 0) {
        return refuse(rule::packed_area_alignment, config_.descriptor_area.value);
    }
    if (config_.driver_area.value % wire::packed::event_alignment != 0) {
        return refuse(rule::packed_area_alignment, config_.driver_area.value);
    }
    if (config_.device_area.value % wire::packed::event_alignment != 0) {
        return refuse(rule::packed_area_alignment, config_.device_area.value);
    }
    return true;
}

/// §2.8.13: a driver may make descriptors available before the queue starts, but USED must be 0 everywhere. Only the
/// device writes the device event structure. It need not write it, so at first the structure reads as ENABLE.
inline void PackedQueue::check_zeroed() {
    for (size_t slot = 0; config_.start == PackedPosition{} && slot < config_.size; ++slot) {
        if ((load_flags(slot) & wire::packed::flag_used) != 0) {
            memory_.violations().report(rule::packed_ring_init, slot);
            break;
        }
    }
    EventSuppression const event = device_event();
    if (!(event == EventSuppression{})) {
        memory_.violations().report(rule::packed_event_init, uint64_t{event.flags} << 16 | event.descriptor);
    }
}

inline void PackedQueue::start_at(PackedPosition position) {
    next_available_ = next_used_ = announced_ = position;
    if (position == PackedPosition{}) {
        return;
    }
    for (uint16_t slot = 0; slot < config_.size; ++slot) {
        bool const lap = slot < position.offset ? position.wrap : !position.wrap;
        if ((load_flags(slot) & (wire::packed::flag_avail | wire::packed::flag_used)) == 0) {
            store_flags(slot, flags_of(Marks::used, lap));
        }
    }
}

// What the driver made available.

/// A descriptor that the device itself wrote is never taken for the driver's.
inline bool PackedQueue::is_available(PackedPosition position, uint16_t flags) const {
    return marks_of(flags, position.wrap) == Marks::available && slots_[position.offset].own_flags != flags;
}

/// Whether the first descriptor of a list is at the next position.
inline bool PackedQueue::look_at_next() {
    if (!usable()) {
        return false;
    }
    PackedPosition const next = next_available_;
    // Pairs with the driver's barrier before it updates these flags (§2.8.21.1.1): what they expose is read after
    // them.
    uint16_t const flags = load_flags(next.offset, __ATOMIC_ACQUIRE);
    if (is_available(next, flags)) {
        return true;
    }
    // AVAIL of this lap together with USED: only the device may write that, and it has not written here yet.
    bool const own = slots_[next.offset].own_flags == flags;
    if (marks_of(flags, next.wrap) == Marks::used && !own && reported_marks_ != next) {
        reported_marks_ = next;
        memory_.violations().report(rule::packed_marks, flags);
    }
    return false;
}

/// Number of descriptors of the list at `first`: follows NEXT, at most up to `limit`.
inline size_t PackedQueue::list_length(PackedPosition first, size_t limit) const {
    size_t length = 1;
    while (length < limit &&
           (load_flags(first.after(length - 1, config_.size).offset) & wire::packed::flag_next) != 0) {
        ++length;
    }
    return length;
}

inline uint16_t PackedQueue::available() {
    if (!look_at_next()) {
        return 0;
    }
    uint16_t count = 1;  // also if it overwrites a descriptor in flight: fetch reports that
    size_t const room = config_.size - std::min<size_t>(occupied_, config_.size);
    size_t seen = list_length(next_available_, room);
    while (seen < room) {
        PackedPosition const first = next_available_.after(seen, config_.size);
        if (!is_available(first, load_flags(first.offset, __ATOMIC_ACQUIRE))) {
            break;
        }
        ++count;
        seen += list_length(first, room - seen);
    }
    return count;
}

inline PackedPosition PackedQueue::end_of_available() {
    PackedPosition end = next_available_;
    size_t const room = usable() ? config_.size - std::min<size_t>(occupied_, config_.size) : 0;
    for (size_t seen = 0; seen < room && is_available(end, load_flags(end.offset, __ATOMIC_ACQUIRE)); ++seen) {
        end = end.after(1, config_.size);
    }
    return end;
}

inline std::optional<Chain> PackedQueue::fetch() {
    if (!look_at_next()) {
        return std::nullopt;
    }
    check_driver_event(driver_event());
    Walk walk;
    bool const walked = walk_list(walk);
    bool const remembered = remember(walk);
    walk.chain.intact = walked && remembered;
    size_t const length = walk.descriptors.size();  // 0 if a descriptor in flight was overwritten: skip it
    next_available_ = next_available_.after(std::max<size_t>(length, 1), config_.size);
    occupied_ += length;
    return std::move(walk.chain);
}

/// Follows NEXT around the ring (§2.8.6). Stops at the first descriptor that cannot belong to the list.
inline bool PackedQueue::walk_list(Walk& walk) {
    bool intact = true;
    for (size_t index = 0;; ++index) {
        PackedPosition const place = next_available_.after(index, config_.size);
        PackedDescriptor const descriptor = load_descriptor(entry(place.offset));
        if (!check_place(place, descriptor.flags, index)) {
            return false;
        }
        walk.descriptors.push_back(descriptor);
        walk.chain.head = descriptor.id;  // §2.8.6: the id of the last descriptor counts
        intact = check_flags(descriptor, index) && intact;
        if ((descriptor.flags & wire::packed::flag_indirect) == 0) {
            intact = add_segment(walk, descriptor) && intact;
        } else if (intact) {
            intact = walk_indirect(walk, descriptor);
        }
        if ((descriptor.flags & wire::packed::flag_next) == 0) {
            walk.complete = true;
            return intact;
        }
    }
}

/// Each descriptor of a list is at a position that is free for the driver, and is itself available (§2.8.17).
inline bool PackedQueue::check_place(PackedPosition place, uint16_t flags, size_t index) {
    if (index == config_.size) {
        return refuse(rule::packed_list_too_long, index + 1);
    }
    if (occupied_ + index >= config_.size) {
        return refuse(index == 0 ? rule::packed_overwritten : rule::packed_no_room, place.offset);
    }
    if (index != 0 && !is_available(place, flags)) {
        return refuse(rule::packed_list_partial, flags);
    }
    return true;
}

inline bool PackedQueue::check_flags(PackedDescriptor const& descriptor, size_t index) {
    using namespace wire::packed;
    uint16_t const flags = descriptor.flags;
    if ((flags & ~unsigned{flag_next | flag_write | flag_indirect | flag_avail | flag_used}) != 0) {
        memory_.violations().report(rule::packed_flags_unknown, flags);  // a device ignores them
    }
    if ((flags & flag_indirect) == 0) {
        return true;
    }
    if (!config_.indirect) {
        return refuse(rule::packed_indirect_unwanted, flags);
    }
    if ((flags & flag_next) != 0 || index != 0) {
        return refuse(rule::packed_indirect_in_list, flags);
    }
    return true;
}

/// An indirect table (§2.8.7): entries follow one another. In it the device ignores ids and all flags except WRITE.
/// Next to INDIRECT it ignores WRITE too.
inline bool PackedQueue::walk_indirect(Walk& walk, PackedDescriptor const& outer) {
    if (outer.bytes == 0 || outer.bytes % wire::packed::descriptor_bytes != 0) {
        return refuse(rule::packed_indirect_length, outer.bytes);
    }
    uint8_t const* const table = memory_.virt(PhysAddr{outer.addr}, outer.bytes);
    if (table == nullptr) {
        return refuse(rule::packed_buffer_outside_ram, outer.addr);
    }
    size_t const entries = outer.bytes / wire::packed::descriptor_bytes;
    if (entries > config_.size) {
        return refuse(rule::packed_chain_too_long, entries);
    }
    bool intact = true;
    for (size_t i = 0; i < entries; ++i) {
        PackedDescriptor const descriptor{decode(table + 16 * i, 8, ByteOrder::little),
                                          static_cast<uint32_t>(decode(table + 16 * i + 8, 4, ByteOrder::little)), 0,
                                          static_cast<uint16_t>(decode(table + 16 * i + 14, 2, ByteOrder::little))};
        if ((descriptor.flags & ~unsigned{wire::packed::flag_write}) != 0) {
            memory_.violations().report(rule::packed_indirect_flags, descriptor.flags);
        }
        intact = add_segment(walk, descriptor) && intact;
    }
    return intact;
}

inline bool PackedQueue::add_segment(Walk& walk, PackedDescriptor const& descriptor) {
    bool const writable = (descriptor.flags & wire::packed::flag_write) != 0;
    bool intact = true;
    if (!writable && !walk.chain.writable.empty() && !walk.reported) {
        intact = refuse(rule::packed_writable_first, descriptor.addr);
        walk.reported = true;
    }
    if (descriptor.bytes == 0) {
        memory_.violations().report(rule::packed_length_zero, descriptor.addr);
    }
    uint8_t* const data = memory_.virt(PhysAddr{descriptor.addr}, descriptor.bytes);
    if (data == nullptr && descriptor.bytes != 0) {
        return refuse(rule::packed_buffer_outside_ram, descriptor.addr);
    }
    auto& segments = writable ? walk.chain.writable : walk.chain.readable;
    segments.push_back({PhysAddr{descriptor.addr}, descriptor.bytes, data});
    return intact;
}

/// Remembers the descriptors, to compare them when they are used. Until then the id belongs to this buffer.
inline bool PackedQueue::remember(Walk const& walk) {
    for (size_t i = 0; i < walk.descriptors.size(); ++i) {
        slots_[next_available_.after(i, config_.size).offset] = {walk.descriptors[i], std::nullopt};
    }
    if (walk.descriptors.empty()) {
        slots_[next_available_.offset].fetched.reset();  // reported already
    }
    if (!walk.complete) {
        return false;
    }
    uint16_t const id = walk.chain.head;
    if (id >= config_.size) {
        memory_.violations().report(rule::buffer_id_range, id);  // a device can handle any number
    }
    if (!buffers_.emplace(id, walk.descriptors.size()).second) {
        return refuse(rule::buffer_id_busy, id);
    }
    if (config_.in_order) {
        order_.push_back(id);
    }
    return true;
}

// What the device has used.

inline void PackedQueue::put_used(uint16_t id, uint32_t length) {
    if (buffers_.count(id) == 0) {
        throw std::logic_error("put_used: this buffer is not in flight; to lie, use put_used_raw");
    }
    if (config_.in_order && order_.front() != id) {
        throw std::logic_error("put_used: with IN_ORDER, the oldest comes first; to lie, use put_used_raw");
    }
    put_honest(id, length, release(id));
}

inline void PackedQueue::put_used_batch(uint16_t id, uint32_t length, uint16_t count) {
    if (!config_.in_order || count == 0 || count > order_.size() || order_[count - 1u] != id) {
        throw std::logic_error("put_used_batch: needs IN_ORDER, and that many buffers in flight, the last one this");
    }
    size_t skip = 0;
    for (uint16_t i = 0; i < count; ++i) {
        skip += release(order_.front());
    }
    put_honest(id, length, skip);
}

/// Gives the buffer back to the driver; returns how many descriptors it had.
inline size_t PackedQueue::release(uint16_t id) {
    auto const found = buffers_.find(id);
    size_t const length = found->second;
    buffers_.erase(found);
    if (config_.in_order) {
        order_.pop_front();
    }
    return length;
}

/// §2.8.16: a descriptor stays as it was made available until used descriptors have passed it.
inline void PackedQueue::pass(size_t count) {
    for (size_t i = 0; i < std::min<size_t>(count, config_.size); ++i) {
        uint16_t const slot = next_used_.after(i, config_.size).offset;
        auto& fetched = slots_[slot].fetched;
        if (fetched && !(descriptor(slot) == *fetched)) {
            memory_.violations().report(rule::packed_altered, slot);
        }
        fetched.reset();
    }
}

inline void PackedQueue::put_honest(uint16_t id, uint32_t length, size_t skip) {
    bool const write = length != 0 && used_length_ != UsedLength::never_write;  // §2.8.3: was any data written
    bool const garbage = !write && used_length_ != UsedLength::honest;
    unsigned const flags = flags_here(Marks::used) | (write ? unsigned{wire::packed::flag_write} : 0u);
    put(id, garbage ? garbage_length : length, static_cast<uint16_t>(flags), skip);
}

inline void PackedQueue::put_used_raw(uint16_t id, uint32_t length) {
    put_honest(id, length, 1);
}

inline void PackedQueue::put_used_raw(uint16_t id, uint32_t length, uint16_t flags, uint16_t skip) {
    put(id, length, flags, skip);
}

/// Writes everything except the flags, which publish it.
inline void PackedQueue::put(uint16_t id, uint32_t length, uint16_t flags, size_t skip) {
    pass(skip);
    uint8_t* const at = entry(next_used_.offset);
    __atomic_store_n(reinterpret_cast<uint32_t*>(at + wire::packed::length_offset),
                     swapped() ? __builtin_bswap32(length) : length, __ATOMIC_RELAXED);
    store16(at + wire::packed::id_offset, id);
    pending_.push_back({next_used_.offset, flags, skip});
    next_used_ = next_used_.after(skip, config_.size);
}

inline void PackedQueue::flush_used() {
    if (pending_.empty()) {
        return;
    }
    // §2.8.9: marks the first descriptor last, so that the driver never sees a part of the batch. Each store is a
    // release, because id and length must be visible before the flags. It pairs with the driver's barrier after it
    // reads them (§2.8.22).
    for (size_t i = pending_.size(); i-- != 0;) {
        store_flags(pending_[i].slot, pending_[i].flags);
        unannounced_ += pending_[i].skip;
        occupied_ -= std::min(occupied_, pending_[i].skip);
    }
    pending_.clear();
}

inline void PackedQueue::use(uint16_t id, uint32_t length) {
    put_used(id, length);
    flush_used();
}

inline bool PackedQueue::needs_interrupt() {
    if (!usable() || unannounced_ == 0) {
        return false;
    }
    // Orders marking descriptors used before reading what the driver wants. Otherwise the driver could see nothing
    // used, request a notification and sleep, while we still read its old setting. Pairs with the driver's fence after
    // its request (the memory_barrier of §2.8.22).
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    EventSuppression const event = driver_event();
    check_driver_event(event);
    bool const wanted = asks_for_interrupt(event, unannounced_);
    announced_ = announced_.after(unannounced_, config_.size);
    unannounced_ = 0;
    return wanted;
}

/// §2.8.10: DESC names a descriptor. Skipping it in a list or a batch counts as using it. A value that was reported as
/// invalid counts as ENABLE.
inline bool PackedQueue::asks_for_interrupt(EventSuppression event, size_t batch) const {
    uint16_t const flags = event.flags & wire::packed::event_flags_mask;
    PackedPosition const wanted = event.position();
    if (flags != wire::packed::event_descriptor || !config_.event_idx || wanted.offset >= config_.size) {
        return flags != wire::packed::event_disable;
    }
    size_t const laps = size_t{2} * config_.size;
    return (linear(wanted) + laps - linear(announced_)) % laps < batch;
}

inline void PackedQueue::check_driver_event(EventSuppression event) {
    if (reported_event_ == event) {
        return;
    }
    uint16_t const flags = event.flags & wire::packed::event_flags_mask;
    Rule const* broken = nullptr;
    if (event.flags != flags) {
        broken = &rule::driver_event_reserved;
    } else if (flags == wire::packed::event_flags_mask) {
        broken = &rule::driver_event_value;
    } else if (flags == wire::packed::event_descriptor && !config_.event_idx) {
        broken = &rule::driver_event_desc;
    } else if (flags == wire::packed::event_descriptor && event.position().offset >= config_.size) {
        broken = &rule::driver_event_offset;
    }
    reported_event_.reset();
    if (broken != nullptr) {
        reported_event_ = event;
        memory_.violations().report(*broken, uint64_t{event.flags} << 16 | event.descriptor);
    }
}

// Whether the device wants notifications.

inline void PackedQueue::set_no_notify(bool on) {
    write_device_event({0, on ? wire::packed::event_disable : wire::packed::event_enable});
}

inline bool PackedQueue::arm_avail_event() {
    if (!usable()) {
        return false;
    }
    if (config_.event_idx) {
        set_avail_event(next_available_);
    } else {
        set_no_notify(false);
    }
    // Orders the request for a notification before the second check. Pairs with the driver's barrier between marking
    // descriptors available and reading our request (§2.8.21.3.1). At least one of the two sees the other's store.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return look_at_next();
}

// Invalid values.

inline void PackedQueue::write_flags_raw(uint16_t slot, uint16_t flags) {
    slots_.at(slot).fetched.reset();
    store_flags(slot, flags);
}

inline void PackedQueue::scribble_descriptor(uint16_t slot, PackedDescriptor const& descriptor) {
    uint8_t* const at = entry(slot);
    __atomic_store_n(reinterpret_cast<uint64_t*>(at), swapped() ? __builtin_bswap64(descriptor.addr) : descriptor.addr,
                     __ATOMIC_RELAXED);
    __atomic_store_n(reinterpret_cast<uint32_t*>(at + wire::packed::length_offset),
                     swapped() ? __builtin_bswap32(descriptor.bytes) : descriptor.bytes, __ATOMIC_RELAXED);
    store16(at + wire::packed::id_offset, descriptor.id);
    write_flags_raw(slot, descriptor.flags);
}

// Memory.

inline bool PackedQueue::refuse(Rule const& broken, uint64_t value) {
    memory_.violations().report(broken, value);
    return false;
}

inline void PackedQueue::store_flags(size_t slot, uint16_t flags) {
    slots_[slot].own_flags = flags;
    store16(entry(slot) + wire::packed::flags_offset, flags, __ATOMIC_RELEASE);
}

inline void PackedQueue::write_device_event(EventSuppression event) {
    if (usable()) {
        store_event(device_event_, event);
    }
}

inline PackedDescriptor PackedQueue::descriptor(uint16_t slot) const {
    return load_descriptor(entry(slot));
}

inline PackedDescriptor PackedQueue::load_descriptor(uint8_t const* at) {
    uint64_t const addr = __atomic_load_n(reinterpret_cast<uint64_t const*>(at), __ATOMIC_RELAXED);
    uint32_t const bytes =
        __atomic_load_n(reinterpret_cast<uint32_t const*>(at + wire::packed::length_offset), __ATOMIC_RELAXED);
    return {swapped() ? __builtin_bswap64(addr) : addr, swapped() ? __builtin_bswap32(bytes) : bytes,
            load16(at + wire::packed::id_offset), load16(at + wire::packed::flags_offset)};
}

/// Reads the flags first: they decide whether the other word is valid, and it was written before them.
inline EventSuppression PackedQueue::load_event(uint8_t const* at) {
    EventSuppression event;
    event.flags = load16(at + wire::packed::event_flags_offset, __ATOMIC_ACQUIRE);
    event.descriptor = load16(at);
    return event;
}

inline void PackedQueue::store_event(uint8_t* at, EventSuppression event) {
    store16(at, event.descriptor);
    store16(at + wire::packed::event_flags_offset, event.flags, __ATOMIC_RELEASE);
}

inline uint16_t PackedQueue::load16(uint8_t const* at, int memory_order) {
    auto const* const word = reinterpret_cast<uint16_t const*>(at);
    uint16_t const value = memory_order == __ATOMIC_ACQUIRE ? __atomic_load_n(word, __ATOMIC_ACQUIRE)
                                                            : __atomic_load_n(word, __ATOMIC_RELAXED);
    return swapped() ? __builtin_bswap16(value) : value;
}

inline void PackedQueue::store16(uint8_t* at, uint16_t value, int memory_order) {
    auto* const word = reinterpret_cast<uint16_t*>(at);
    uint16_t const stored = swapped() ? __builtin_bswap16(value) : value;
    if (memory_order == __ATOMIC_RELEASE) {
        __atomic_store_n(word, stored, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n(word, stored, __ATOMIC_RELAXED);
    }
}

}  // namespace virtq::sim
