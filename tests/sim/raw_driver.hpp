// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <vector>

#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>
#include <sim/packed_queue.hpp>
#include <sim/wire.hpp>

/// A driver for the simulator's own tests. It writes bytes and registers by hand, so that a test can do everything
/// right, or exactly one thing wrong. It checks nothing and shares no code with the library's queue.
namespace virtq::sim {

/// One descriptor to write, with `flags` and `next` exactly as given.
struct RawDescriptor {
    PhysAddr addr;
    uint32_t bytes;
    uint16_t flags = 0;
    uint16_t next = 0;
};

/// A split ring in its own memory. Its legacy layout is valid for a modern queue too.
class RawQueue {
public:
    RawQueue(GuestMemory& memory, uint16_t queue_size, size_t align = 4096) : size(queue_size) {
        size_t const used_offset = (18 * size_t{size} + 6 + align - 1) / align * align;
        size_t const bytes = used_offset + 8 * size_t{size} + 6;
        pages = memory.allocate_pages((bytes + 4095) / 4096);
        base = static_cast<uint8_t*>(pages.virt);
        std::memset(base, 0, pages.count * 4096);
        available = base + 16 * size_t{size};
        used = base + used_offset;
        driver_area = pages.phys + 16 * uint64_t{size};
        device_area = pages.phys + used_offset;
    }

    [[nodiscard]] SplitQueueConfig config() const {
        SplitQueueConfig config;
        config.size = size;
        config.descriptor_area = pages.phys;
        config.driver_area = driver_area;
        config.device_area = device_area;
        return config;
    }

    void write(uint16_t index, RawDescriptor const& descriptor) { write_to(base, index, descriptor); }

    static void write_to(uint8_t* table, size_t index, RawDescriptor const& descriptor) {
        uint8_t* const entry = table + 16 * index;
        std::memcpy(entry, &descriptor.addr.value, 8);
        std::memcpy(entry + 8, &descriptor.bytes, 4);
        std::memcpy(entry + 12, &descriptor.flags, 2);
        std::memcpy(entry + 14, &descriptor.next, 2);
    }

    /// Writes a head to the available ring; the device sees it after `publish`.
    void offer(uint16_t head) {
        std::memcpy(available + 4 + 2 * (next_available % size), &head, 2);
        ++next_available;
    }
    void publish() { set(available + 2, next_available); }
    void submit(uint16_t head) {
        offer(head);
        publish();
    }

    [[nodiscard]] uint16_t used_idx() const { return get(used + 2); }
    [[nodiscard]] uint32_t used_id(uint16_t slot) const { return word(used + 4 + 8 * size_t{slot}); }
    [[nodiscard]] uint32_t used_length(uint16_t slot) const { return word(used + 8 + 8 * size_t{slot}); }
    void set_flags(uint16_t flags) { set(available, flags); }
    void set_used_event(uint16_t index) { set(available + 4 + 2 * size_t{size}, index); }
    [[nodiscard]] uint16_t used_flags() const { return get(used); }
    [[nodiscard]] uint16_t avail_event() const { return get(used + 4 + 8 * size_t{size}); }

    static void set(uint8_t* at, uint16_t value) {
        __atomic_store_n(reinterpret_cast<uint16_t*>(at), value, __ATOMIC_RELEASE);
    }
    static uint16_t get(uint8_t const* at) {
        return __atomic_load_n(reinterpret_cast<uint16_t const*>(at), __ATOMIC_ACQUIRE);
    }
    static uint32_t word(uint8_t const* at) {
        uint32_t value = 0;
        std::memcpy(&value, at, 4);
        return value;
    }

    uint16_t size;
    Pages pages;
    uint8_t* base = nullptr;
    uint8_t* available = nullptr;
    uint8_t* used = nullptr;
    PhysAddr driver_area;
    PhysAddr device_area;
    uint16_t next_available = 0;
};

/// A packed ring in its own memory: the ring, then the two event suppression structures.
class RawPackedQueue {
public:
    RawPackedQueue(GuestMemory& memory, uint16_t queue_size, PackedPosition start_position = {})
        : size(queue_size), start(start_position), next(start_position), next_used(start_position) {
        size_t const bytes = 16 * size_t{size} + 8;
        pages = memory.allocate_pages((bytes + 4095) / 4096);
        base = static_cast<uint8_t*>(pages.virt);
        std::memset(base, 0, pages.count * 4096);
        driver_event = base + 16 * size_t{size};
        device_event = driver_event + 4;
        driver_area = pages.phys + 16 * uint64_t{size};
        device_area = driver_area + 4;
        lengths.assign(size_t{1} << 16, 0);
    }

    [[nodiscard]] PackedQueueConfig config() const {
        PackedQueueConfig config;
        config.size = size;
        config.descriptor_area = pages.phys;
        config.driver_area = driver_area;
        config.device_area = device_area;
        config.start = start;
        return config;
    }

    /// Writes a descriptor at any slot, its flags last.
    void write(uint16_t slot, PackedDescriptor const& descriptor) {
        uint8_t* const entry = base + 16 * size_t{slot};
        write_body(entry, descriptor);
        RawQueue::set(entry + 14, descriptor.flags);
    }
    void set_flags(uint16_t slot, uint16_t flags) { RawQueue::set(base + 16 * size_t{slot} + 14, flags); }

    /// Writes the next list with correct NEXT, AVAIL and USED, and other flags as given. It leaves out the flags of
    /// the first descriptor, which `publish` sets.
    void offer(uint16_t id, std::vector<RawDescriptor> const& elements) {
        first = next;
        for (size_t i = 0; i < elements.size(); ++i) {
            bool const last = i + 1 == elements.size();
            auto const flags = static_cast<uint16_t>(elements[i].flags | flags_of(Marks::available, next.wrap) |
                                                     (last ? 0 : wire::packed::flag_next));
            uint8_t* const entry = base + 16 * size_t{next.offset};
            write_body(entry, {elements[i].addr.value, elements[i].bytes, id, flags});
            if (i == 0) {
                first_flags = flags;
            } else {
                RawQueue::set(entry + 14, flags);
            }
            next = next.after(1, size);
        }
        lengths[id] = elements.size();
    }
    void publish() { set_flags(first.offset, first_flags); }
    void submit(uint16_t id, std::vector<RawDescriptor> const& elements) {
        offer(id, elements);
        publish();
    }

    [[nodiscard]] uint16_t flags(uint16_t slot) const { return RawQueue::get(base + 16 * size_t{slot} + 14); }
    [[nodiscard]] uint16_t id(uint16_t slot) const { return RawQueue::get(base + 16 * size_t{slot} + 12); }
    [[nodiscard]] uint32_t length(uint16_t slot) const { return RawQueue::word(base + 16 * size_t{slot} + 8); }
    /// Whether the device has written the next used descriptor.
    [[nodiscard]] bool has_used() const { return marks_of(flags(next_used.offset), next_used.wrap) == Marks::used; }
    /// Takes the next used descriptor; returns its id.
    [[nodiscard]] uint16_t take_used() {
        uint16_t const taken = id(next_used.offset);
        next_used = next_used.after(lengths[taken], size);
        return taken;
    }

    void set_driver_event(EventSuppression event) { set_event(driver_event, event); }
    [[nodiscard]] EventSuppression get_device_event() const {
        uint16_t const flags = RawQueue::get(device_event + 2);
        return {RawQueue::get(device_event), flags};
    }

    uint16_t size;
    PackedPosition start;
    Pages pages;
    uint8_t* base = nullptr;
    uint8_t* driver_event = nullptr;
    uint8_t* device_event = nullptr;
    PhysAddr driver_area;
    PhysAddr device_area;
    PackedPosition next;          ///< where the next list begins
    PackedPosition next_used;     ///< where the next used descriptor appears
    PackedPosition first;         ///< position of the last offered list
    uint16_t first_flags = 0;     ///< what `publish` sets
    std::vector<size_t> lengths;  ///< descriptors of each list, by id

private:
    static void write_body(uint8_t* entry, PackedDescriptor const& descriptor) {
        std::memcpy(entry, &descriptor.addr, 8);
        std::memcpy(entry + 8, &descriptor.bytes, 4);
        std::memcpy(entry + 12, &descriptor.id, 2);
    }
    static void set_event(uint8_t* at, EventSuppression event) {
        RawQueue::set(at, event.descriptor);
        RawQueue::set(at + 2, event.flags);
    }
};

/// The steps of §3.1.1 over registers, one function each.
class RawDriver {
public:
    explicit RawDriver(MmioDevice& device) : registers(device.registers()) {}

    [[nodiscard]] uint32_t read(uint16_t offset) { return registers.read32(offset); }
    void write(uint16_t offset, uint32_t value) { registers.write32(offset, value); }

    void probe() {
        static_cast<void>(read(wire::mmio::magic_value));
        static_cast<void>(read(wire::mmio::version));
        static_cast<void>(read(wire::mmio::device_id));
    }
    void reset() { write(wire::mmio::status, 0); }
    void add_status(uint32_t bits) { write(wire::mmio::status, status |= bits); }

    /// Up to and including DRIVER.
    void greet() {
        probe();
        reset();
        status = 0;
        add_status(wire::status::acknowledge);
        add_status(wire::status::driver);
    }

    [[nodiscard]] FeatureWords read_features(uint32_t words = 4) {
        FeatureWords offered{};
        for (uint32_t i = 0; i < words; ++i) {
            write(wire::mmio::device_features_sel, i);
            offered[i] = read(wire::mmio::device_features);
        }
        return offered;
    }
    void write_features(FeatureWords const& accepted, uint32_t words = 4) {
        for (uint32_t i = 0; i < words; ++i) {
            write(wire::mmio::driver_features_sel, i);
            write(wire::mmio::driver_features, accepted[i]);
        }
    }
    /// Accepts all offered features.
    void negotiate() {
        greet();
        write_features(read_features());
        add_status(wire::status::features_ok);
        static_cast<void>(read(wire::mmio::status));
    }

    /// For a `RawQueue` or a `RawPackedQueue`.
    template <class Queue>
    void write_areas(Queue const& queue) {
        write(wire::mmio::queue_desc_low, static_cast<uint32_t>(queue.pages.phys.value));
        write(wire::mmio::queue_desc_high, static_cast<uint32_t>(queue.pages.phys.value >> 32));
        write(wire::mmio::queue_driver_low, static_cast<uint32_t>(queue.driver_area.value));
        write(wire::mmio::queue_driver_high, static_cast<uint32_t>(queue.driver_area.value >> 32));
        write(wire::mmio::queue_device_low, static_cast<uint32_t>(queue.device_area.value));
        write(wire::mmio::queue_device_high, static_cast<uint32_t>(queue.device_area.value >> 32));
    }
    template <class Queue>
    void start_queue(Queue const& queue, uint32_t index = 0) {
        write(wire::mmio::queue_sel, index);
        write(wire::mmio::queue_size, queue.size);
        write_areas(queue);
        write(wire::mmio::queue_ready, 1);
    }
    /// All steps, with one queue.
    template <class Queue>
    void bring_up(Queue const& queue) {
        negotiate();
        start_queue(queue);
        add_status(wire::status::driver_ok);
    }
    /// As above with the legacy layout (§3.1.2, §4.2.4).
    void bring_up_legacy(RawQueue const& queue, uint32_t page_size = 4096, uint32_t align = 4096) {
        greet();
        write_features(read_features(1), 1);
        write(wire::mmio::guest_page_size, page_size);
        write(wire::mmio::queue_sel, 0);
        write(wire::mmio::queue_size, queue.size);
        write(wire::mmio::queue_align, align);
        write(wire::mmio::queue_pfn, static_cast<uint32_t>(queue.pages.phys.value / page_size));
        add_status(wire::status::driver_ok);
    }
    void notify(uint32_t index = 0) { write(wire::mmio::queue_notify, index); }

    MmioRegisters registers;
    uint32_t status = 0;
};

}  // namespace virtq::sim
