// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/spec/block.hpp>
#include <virtq/spec/device_id.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

/// The standard's names of feature bits, for a kernel that prints them.
namespace virtq {

namespace spec {

/// The standard's name of a reserved feature bit (§6), or null.
[[__nodiscard__]] constexpr char const* reserved_feature_name(Feature feature) {
    switch (feature) {
        case Feature::notify_on_empty: return "VIRTIO_F_NOTIFY_ON_EMPTY";
        case Feature::any_layout: return "VIRTIO_F_ANY_LAYOUT";
        case Feature::indirect_desc: return "VIRTIO_F_INDIRECT_DESC";
        case Feature::event_idx: return "VIRTIO_F_EVENT_IDX";
        case Feature::version_1: return "VIRTIO_F_VERSION_1";
        case Feature::access_platform: return "VIRTIO_F_ACCESS_PLATFORM";
        case Feature::ring_packed: return "VIRTIO_F_RING_PACKED";
        case Feature::in_order: return "VIRTIO_F_IN_ORDER";
        case Feature::order_platform: return "VIRTIO_F_ORDER_PLATFORM";
        case Feature::sr_iov: return "VIRTIO_F_SR_IOV";
        case Feature::notification_data: return "VIRTIO_F_NOTIFICATION_DATA";
        case Feature::notif_config_data: return "VIRTIO_F_NOTIF_CONFIG_DATA";
        case Feature::ring_reset: return "VIRTIO_F_RING_RESET";
        case Feature::admin_vq: return "VIRTIO_F_ADMIN_VQ";
        case Feature::suspend: return "VIRTIO_F_SUSPEND";
    }
    return nullptr;
}

/// The standard's name of a feature bit of a block device (§5.2.3), or null.
[[__nodiscard__]] constexpr char const* block_feature_name(block::Feature feature) {
    switch (feature) {
        case block::Feature::barrier: return "VIRTIO_BLK_F_BARRIER";
        case block::Feature::size_max: return "VIRTIO_BLK_F_SIZE_MAX";
        case block::Feature::seg_max: return "VIRTIO_BLK_F_SEG_MAX";
        case block::Feature::geometry: return "VIRTIO_BLK_F_GEOMETRY";
        case block::Feature::ro: return "VIRTIO_BLK_F_RO";
        case block::Feature::blk_size: return "VIRTIO_BLK_F_BLK_SIZE";
        case block::Feature::scsi: return "VIRTIO_BLK_F_SCSI";
        case block::Feature::flush: return "VIRTIO_BLK_F_FLUSH";
        case block::Feature::topology: return "VIRTIO_BLK_F_TOPOLOGY";
        case block::Feature::config_wce: return "VIRTIO_BLK_F_CONFIG_WCE";
        case block::Feature::mq: return "VIRTIO_BLK_F_MQ";
        case block::Feature::discard: return "VIRTIO_BLK_F_DISCARD";
        case block::Feature::write_zeroes: return "VIRTIO_BLK_F_WRITE_ZEROES";
        case block::Feature::lifetime: return "VIRTIO_BLK_F_LIFETIME";
        case block::Feature::secure_erase: return "VIRTIO_BLK_F_SECURE_ERASE";
        case block::Feature::zoned: return "VIRTIO_BLK_F_ZONED";
    }
    return nullptr;
}

}  // namespace spec

/// The name of feature bit `bit` of a device of this type; null if the library does not know it. `bit` is below
/// `Features::bit_count`.
[[__nodiscard__]] constexpr char const* feature_name(spec::DeviceId device, unsigned bit) {
    if (char const* const name = spec::reserved_feature_name(static_cast<spec::Feature>(bit)); name != nullptr) {
        return name;
    }
    return device == spec::DeviceId::block ? spec::block_feature_name(static_cast<spec::block::Feature>(bit))
                                           : nullptr;
}

}  // namespace virtq
