// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <sim/device_queue.hpp>
#include <sim/feature_exchange.hpp>
#include <sim/packed_queue.hpp>
#include <sim/split_queue.hpp>
#include <sim/wire.hpp>

/// The configuration of a queue's ring, from its registers and the negotiated features.
namespace virtq::sim {

[[nodiscard]] inline SplitQueueConfig split_config_of(DeviceQueue const& queue, FeatureExchange const& features) {
    SplitQueueConfig config;
    config.size = static_cast<uint16_t>(queue.size);
    config.event_idx = features.negotiated(wire::feature::event_idx);
    config.indirect = features.negotiated(wire::feature::indirect_desc);
    config.in_order = features.negotiated(wire::feature::in_order);
    config.start_index = queue.start_index;
    config.descriptor_area = PhysAddr{queue.area[0]};
    config.driver_area = PhysAddr{queue.area[1]};
    config.device_area = PhysAddr{queue.area[2]};
    return config;
}

/// §2.7.2: the available ring follows the table, and the used ring is at the next boundary of `align`.
[[nodiscard]] inline SplitQueueConfig legacy_config_of(DeviceQueue const& queue, FeatureExchange const& features,
                                                       uint64_t base, uint64_t align) {
    SplitQueueConfig config = split_config_of(queue, features);
    uint64_t const available = wire::split::descriptor_bytes * queue.size;
    uint64_t const used = available + 2 * (3 + uint64_t{queue.size});
    config.order = guest_order;
    config.descriptor_area = PhysAddr{base};
    config.driver_area = PhysAddr{base + available};
    config.device_area = PhysAddr{base + ((used + align - 1) & ~(align - 1))};
    return config;
}

[[nodiscard]] inline PackedQueueConfig packed_config_of(DeviceQueue const& queue, FeatureExchange const& features) {
    PackedQueueConfig config;
    config.size = static_cast<uint16_t>(queue.size);
    config.event_idx = features.negotiated(wire::feature::event_idx);
    config.indirect = features.negotiated(wire::feature::indirect_desc);
    config.in_order = features.negotiated(wire::feature::in_order);
    config.start = queue.start_position;
    config.descriptor_area = PhysAddr{queue.area[0]};
    config.driver_area = PhysAddr{queue.area[1]};
    config.device_area = PhysAddr{queue.area[2]};
    return config;
}

}  // namespace virtq::sim
