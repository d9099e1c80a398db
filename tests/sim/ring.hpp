// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

#include <sim/chain.hpp>
#include <sim/guest_memory.hpp>
#include <sim/packed_queue.hpp>
#include <sim/split_queue.hpp>
#include <sim/wire.hpp>

/// The ring of a started queue in the negotiated format (§2.6, VIRTIO_F_RING_PACKED), as far as a transport needs it.
/// For details, or to write invalid values, use the ring of that format.
namespace virtq::sim {

class Ring {
public:
    /// False, and nothing is started, if the driver's configuration is invalid.
    [[nodiscard]] bool start(GuestMemory& memory, SplitQueueConfig const& config) {
        return begin<SplitQueue>(memory, config, wire::split::descriptor_area_bytes(config.size),
                                 wire::split::available_area_bytes(config.size),
                                 wire::split::used_area_bytes(config.size));
    }
    [[nodiscard]] bool start(GuestMemory& memory, PackedQueueConfig const& config) {
        return begin<PackedQueue>(memory, config, wire::packed::descriptor_area_bytes(config.size),
                                  wire::packed::event_bytes, wire::packed::event_bytes);
    }
    void stop() { ring_.emplace<std::monostate>(); }

    [[nodiscard]] bool started() const { return ring_.index() != 0; }
    /// Null if no ring is started, or one of the other format.
    [[nodiscard]] SplitQueue* split() { return std::get_if<SplitQueue>(&ring_); }
    [[nodiscard]] PackedQueue* packed() { return std::get_if<PackedQueue>(&ring_); }

    /// One of the three areas.
    struct Area {
        PhysAddr phys;
        size_t bytes = 0;
    };
    [[nodiscard]] Area const& area(size_t which) const { return areas_[which]; }

    // For either format; only while a ring is started.

    [[nodiscard]] bool in_order() {
        return on_ring([](auto& ring) { return ring.config().in_order; });
    }
    [[nodiscard]] std::optional<Chain> fetch() {
        return on_ring([](auto& ring) { return ring.fetch(); });
    }
    void put_used(uint16_t head, uint32_t length) {
        on_ring([=](auto& ring) { ring.put_used(head, length); });
    }
    void put_used_batch(uint16_t head, uint32_t length, uint16_t count) {
        on_ring([=](auto& ring) { ring.put_used_batch(head, length, count); });
    }
    void flush_used() {
        on_ring([](auto& ring) { ring.flush_used(); });
    }
    [[nodiscard]] bool needs_interrupt() {
        return on_ring([](auto& ring) { return ring.needs_interrupt(); });
    }
    void forbid_notifications() {
        on_ring([](auto& ring) { ring.set_no_notify(true); });
    }
    [[nodiscard]] bool arm_avail_event() {
        return on_ring([](auto& ring) { return ring.arm_avail_event(); });
    }
    /// What a driver must send with NOTIFICATION_DATA (§2.9): next_off in the lower 15 bits, next_wrap above.
    [[nodiscard]] uint16_t next_of_driver() {
        PackedQueue* const packed_ring = packed();
        return packed_ring != nullptr ? EventSuppression::at(packed_ring->end_of_available()).descriptor
                                      : split()->avail_idx();
    }

private:
    template <class Queue, class Config>
    [[nodiscard]] bool begin(GuestMemory& memory, Config const& config, size_t descriptor_bytes, size_t driver_bytes,
                             size_t device_bytes) {
        bool const usable = ring_.template emplace<Queue>(memory, config).usable();
        if (!usable) {
            stop();
            return false;
        }
        areas_[0] = {config.descriptor_area, descriptor_bytes};
        areas_[1] = {config.driver_area, driver_bytes};
        areas_[2] = {config.device_area, device_bytes};
        return true;
    }

    template <class Body>
    auto on_ring(Body body) -> decltype(body(std::declval<SplitQueue&>())) {
        SplitQueue* const split_ring = split();
        return split_ring != nullptr ? body(*split_ring) : body(std::get<PackedQueue>(ring_));
    }

    std::variant<std::monostate, SplitQueue, PackedQueue> ring_;
    Area areas_[3];
};

}  // namespace virtq::sim
