// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>

#include <stdint.h>

/// Registers of virtio-mmio, §4.2.2 (MMIO Device Register Layout), with the access that the driver has.
namespace virtq::spec::mmio {

inline constexpr uint32_t magic = 0x74726976;  ///< value of MagicValue: "virt", little-endian
inline constexpr uint32_t version_legacy = 1;  ///< value of Version for a legacy device
inline constexpr uint32_t version_modern = 2;  ///< value of Version for every other device

inline constexpr detail::ReadOnly<uint32_t> magic_value{0x000};      ///< MagicValue: tells that this is virtio-mmio
inline constexpr detail::ReadOnly<uint32_t> version{0x004};          ///< Version: legacy or modern
inline constexpr detail::ReadOnly<uint32_t> device_id{0x008};        ///< DeviceID: device type; 0: none
inline constexpr detail::ReadOnly<uint32_t> vendor_id{0x00c};        ///< VendorID: who made the device
inline constexpr detail::ReadOnly<uint32_t> device_features{0x010};  ///< DeviceFeatures: 32 offered bits
inline constexpr detail::WriteOnly<uint32_t> device_features_sel{0x014};  ///< DeviceFeaturesSel: which 32 bits
inline constexpr detail::WriteOnly<uint32_t> driver_features{0x020};      ///< DriverFeatures: 32 accepted bits
inline constexpr detail::WriteOnly<uint32_t> driver_features_sel{0x024};  ///< DriverFeaturesSel: which 32 bits
inline constexpr detail::WriteOnly<uint32_t> queue_sel{0x030};            ///< QueueSel: selects a queue
inline constexpr detail::ReadOnly<uint32_t> queue_size_max{0x034};        ///< QueueSizeMax: largest size; 0: absent
inline constexpr detail::WriteOnly<uint32_t> queue_size{0x038};           ///< QueueSize: the size that the driver uses
inline constexpr detail::ReadWrite<uint32_t> queue_ready{0x044};          ///< QueueReady: 1 enables the queue
inline constexpr detail::WriteOnly<uint32_t> queue_notify{0x050};         ///< QueueNotify: there are new buffers
inline constexpr detail::ReadOnly<uint32_t> interrupt_status{0x060};      ///< InterruptStatus: causes that are pending
inline constexpr detail::WriteOnly<uint32_t> interrupt_ack{0x064};        ///< InterruptACK: causes that are handled
inline constexpr detail::ReadWrite<uint32_t> status{0x070};               ///< Status: the device status field
inline constexpr detail::WriteOnlyPair queue_desc{{0x080}, {0x084}};      ///< QueueDescLow/High: descriptor area
inline constexpr detail::WriteOnlyPair queue_driver{{0x090}, {0x094}};    ///< QueueDriverLow/High: driver area
inline constexpr detail::WriteOnlyPair queue_device{{0x0a0}, {0x0a4}};    ///< QueueDeviceLow/High: device area
inline constexpr detail::ReadWrite<uint32_t> queue_reset{0x0c0};          ///< QueueReset: 1 resets the queue
inline constexpr detail::ReadOnly<uint32_t> config_generation{0x0fc};     ///< ConfigGeneration: detects a torn read

inline constexpr uint16_t config_offset = 0x100;  ///< Config: where the device configuration begins (§4.2.2.2)

/// §4.2.4 (Legacy interface): registers that version 1 has instead of the queue addresses.
inline constexpr detail::WriteOnly<uint32_t> legacy_guest_page_size{0x028};  ///< GuestPageSize: bytes of one page
inline constexpr detail::WriteOnly<uint32_t> legacy_queue_align{0x03c};      ///< QueueAlign: of the used ring, bytes
inline constexpr detail::ReadWrite<uint32_t> legacy_queue_pfn{0x040};        ///< QueuePFN: page number; 0: no queue

/// Bits of InterruptStatus and InterruptACK.
inline constexpr uint32_t interrupt_used_buffer = 1;    ///< the device has used a buffer
inline constexpr uint32_t interrupt_config_change = 2;  ///< the device configuration has changed

}  // namespace virtq::spec::mmio
