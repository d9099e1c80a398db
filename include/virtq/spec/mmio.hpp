// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>

#include <stdint.h>

/// Registers of virtio-mmio, §4.2.2 (MMIO Device Register Layout), with the access that the driver has.
namespace virtq::spec::mmio {

inline constexpr uint32_t magic = 0x74726976;  // "virt", little-endian
inline constexpr uint32_t version_legacy = 1;
inline constexpr uint32_t version_modern = 2;

inline constexpr detail::ReadOnly<uint32_t> magic_value{0x000};           // MagicValue
inline constexpr detail::ReadOnly<uint32_t> version{0x004};               // Version
inline constexpr detail::ReadOnly<uint32_t> device_id{0x008};             // DeviceID
inline constexpr detail::ReadOnly<uint32_t> vendor_id{0x00c};             // VendorID
inline constexpr detail::ReadOnly<uint32_t> device_features{0x010};       // DeviceFeatures
inline constexpr detail::WriteOnly<uint32_t> device_features_sel{0x014};  // DeviceFeaturesSel
inline constexpr detail::WriteOnly<uint32_t> driver_features{0x020};      // DriverFeatures
inline constexpr detail::WriteOnly<uint32_t> driver_features_sel{0x024};  // DriverFeaturesSel
inline constexpr detail::WriteOnly<uint32_t> queue_sel{0x030};            // QueueSel
inline constexpr detail::ReadOnly<uint32_t> queue_size_max{0x034};        // QueueSizeMax
inline constexpr detail::WriteOnly<uint32_t> queue_size{0x038};           // QueueSize
inline constexpr detail::ReadWrite<uint32_t> queue_ready{0x044};          // QueueReady
inline constexpr detail::WriteOnly<uint32_t> queue_notify{0x050};         // QueueNotify
inline constexpr detail::ReadOnly<uint32_t> interrupt_status{0x060};      // InterruptStatus
inline constexpr detail::WriteOnly<uint32_t> interrupt_ack{0x064};        // InterruptACK
inline constexpr detail::ReadWrite<uint32_t> status{0x070};               // Status
inline constexpr detail::WriteOnlyPair queue_desc{{0x080}, {0x084}};      // QueueDescLow, QueueDescHigh
inline constexpr detail::WriteOnlyPair queue_driver{{0x090}, {0x094}};    // QueueDriverLow, QueueDriverHigh
inline constexpr detail::WriteOnlyPair queue_device{{0x0a0}, {0x0a4}};    // QueueDeviceLow, QueueDeviceHigh
inline constexpr detail::ReadWrite<uint32_t> queue_reset{0x0c0};          // QueueReset
inline constexpr detail::ReadOnly<uint32_t> config_generation{0x0fc};     // ConfigGeneration

inline constexpr uint16_t config_offset = 0x100;  // Config

/// §4.2.4 (Legacy interface): registers that version 1 has instead of the queue addresses.
inline constexpr detail::WriteOnly<uint32_t> legacy_guest_page_size{0x028};  // GuestPageSize
inline constexpr detail::WriteOnly<uint32_t> legacy_queue_align{0x03c};      // QueueAlign
inline constexpr detail::ReadWrite<uint32_t> legacy_queue_pfn{0x040};        // QueuePFN

/// Bits of InterruptStatus and InterruptACK.
inline constexpr uint32_t interrupt_used_buffer = 1;
inline constexpr uint32_t interrupt_config_change = 2;

}  // namespace virtq::spec::mmio
