// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/platform/detail/device_order.hpp>
#include <virtq/spec/feature.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

/// What both formats check of a request for a queue, before anything is taken.
namespace virtq::detail {

/// What a queue can make use of if it is negotiated, and a driver wants; a format may leave some out.
inline constexpr Features queue_features =
    Features::of(spec::Feature::indirect_desc, spec::Feature::event_idx, spec::Feature::in_order,
                 spec::Feature::order_platform, spec::Feature::notification_data);

/// §2.7, §2.8: whether a queue of `size` is possible in one that has room for `capacity`.
[[__nodiscard__]] constexpr Error check_queue_size(uint32_t size, uint32_t capacity) {
    if (size == 0) {
        return Error::queue_size_zero;
    }
    if (size > spec::queue_size_max) {
        return Error::queue_size_above_maximum;
    }
    return size > capacity ? Error::queue_size_above_capacity : Error::none;
}

/// A set without VERSION_1 makes a legacy queue.
[[__nodiscard__]] constexpr bool is_legacy(Features const& features) {
    return !features.has(spec::Feature::version_1);
}

/// With VIRTIO_F_ORDER_PLATFORM the device may be hardware (§6).
[[__nodiscard__]] constexpr platform::DeviceOrder device_order(Features const& features) {
    using Kind = platform::DeviceOrder::Kind;
    return platform::DeviceOrder{features.has(spec::Feature::order_platform) ? Kind::platform : Kind::smp};
}

}  // namespace virtq::detail
