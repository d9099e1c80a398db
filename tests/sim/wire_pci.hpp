// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>

/// The numbers of §4.1 (Virtio Over PCI Bus) and of the PCI specification that a function needs. As in wire.hpp, they
/// are taken from the standards a second time.
namespace virtq::sim::wire::pci {

// §4.1.2.
inline constexpr uint16_t vendor = 0x1af4;
inline constexpr uint16_t modern_device_base = 0x1040;
inline constexpr uint16_t transitional_device_base = 0x1000;

/// §4.1.2.1: the transitional id of a device type. A type without one gets the last id of the range here.
[[nodiscard]] constexpr uint16_t transitional_id_of(uint32_t type) {
    switch (type) {
        case 1: return transitional_device_base + 0;  // network
        case 2: return transitional_device_base + 1;  // block
        case 5: return transitional_device_base + 2;  // memory ballooning (traditional)
        case 3: return transitional_device_base + 3;  // console
        case 8: return transitional_device_base + 4;  // SCSI host
        case 4: return transitional_device_base + 5;  // entropy source
        case 9: return transitional_device_base + 9;  // 9P transport
        default: return modern_device_base - 1;
    }
}

/// [PCI], type 0 header.
inline constexpr uint16_t vendor_id = 0x00;
inline constexpr uint16_t device_id = 0x02;
inline constexpr uint16_t command = 0x04;
inline constexpr uint16_t status = 0x06;
inline constexpr uint16_t revision = 0x08;
inline constexpr uint16_t class_code = 0x09;
inline constexpr uint16_t header_type = 0x0e;
inline constexpr uint16_t bar = 0x10;
inline constexpr uint16_t subsystem_vendor = 0x2c;
inline constexpr uint16_t subsystem_id = 0x2e;
inline constexpr uint16_t capability_pointer = 0x34;
inline constexpr uint16_t interrupt_line = 0x3c;
inline constexpr uint16_t interrupt_pin = 0x3d;
inline constexpr uint16_t first_capability = 0x40;
inline constexpr unsigned bar_count = 6;

inline constexpr uint16_t command_io = 1 << 0;
inline constexpr uint16_t command_memory = 1 << 1;
inline constexpr uint16_t command_bus_master = 1 << 2;
inline constexpr uint16_t command_intx_disable = 1 << 10;
inline constexpr uint16_t command_writable = 0x0547;  // with parity error response and SERR#
inline constexpr uint16_t status_interrupt = 1 << 3;
inline constexpr uint16_t status_capabilities = 1 << 4;
inline constexpr uint8_t header_multifunction = 0x80;

/// [BRIDGE] PCI-to-PCI Bridge Architecture Specification 1.2, type 1 header.
namespace bridge {
inline constexpr unsigned bar_count = 2;
inline constexpr uint16_t primary = 0x18;
inline constexpr uint16_t secondary = 0x19;
inline constexpr uint16_t subordinate = 0x1a;
inline constexpr uint16_t io_base = 0x1c;
inline constexpr uint16_t io_limit = 0x1d;
inline constexpr uint16_t memory_base = 0x20;
inline constexpr uint16_t memory_limit = 0x22;
inline constexpr uint16_t prefetch_base = 0x24;
inline constexpr uint16_t prefetch_limit = 0x26;
inline constexpr uint16_t prefetch_base_high = 0x28;
inline constexpr uint16_t prefetch_limit_high = 0x2c;
inline constexpr uint16_t io_base_high = 0x30;
inline constexpr uint16_t io_limit_high = 0x32;
}  // namespace bridge

inline constexpr uint32_t bar_io = 1;        // bit 0
inline constexpr uint32_t bar_64 = 4;        // bits 2:1
inline constexpr uint32_t bar_prefetch = 8;  // bit 3
inline constexpr uint32_t bar_io_flags = 3;  // not part of the address
inline constexpr uint32_t bar_memory_flags = 15;

inline constexpr uint8_t capability_power = 0x01;
inline constexpr uint8_t capability_vendor = 0x09;
inline constexpr uint8_t capability_msix = 0x11;

/// §4.1.4: struct virtio_pci_cap.
inline constexpr uint8_t common_cfg = 1;         // VIRTIO_PCI_CAP_COMMON_CFG
inline constexpr uint8_t notify_cfg = 2;         // VIRTIO_PCI_CAP_NOTIFY_CFG
inline constexpr uint8_t isr_cfg = 3;            // VIRTIO_PCI_CAP_ISR_CFG
inline constexpr uint8_t device_cfg = 4;         // VIRTIO_PCI_CAP_DEVICE_CFG
inline constexpr uint8_t pci_cfg = 5;            // VIRTIO_PCI_CAP_PCI_CFG
inline constexpr uint8_t shared_memory_cfg = 8;  // VIRTIO_PCI_CAP_SHARED_MEMORY_CFG
inline constexpr uint8_t vendor_cfg = 9;         // VIRTIO_PCI_CAP_VENDOR_CFG
inline constexpr uint16_t cap_next = 1;
inline constexpr uint16_t cap_len = 2;
inline constexpr uint16_t cap_type = 3;
inline constexpr uint16_t cap_bar = 4;
inline constexpr uint16_t cap_id = 5;
inline constexpr uint16_t cap_offset = 8;
inline constexpr uint16_t cap_length = 12;
inline constexpr uint16_t cap_bytes = 16;
inline constexpr uint16_t notify_multiplier = 16;  // struct virtio_pci_notify_cap
inline constexpr uint16_t pci_cfg_data = 16;       // struct virtio_pci_cfg_cap

/// [PCI], MSI-X.
inline constexpr uint16_t msix_control = 2;
inline constexpr uint16_t msix_table = 4;
inline constexpr uint16_t msix_pending = 8;
inline constexpr uint16_t msix_cap_bytes = 12;
inline constexpr uint16_t msix_function_mask = 1 << 14;
inline constexpr uint16_t msix_enable = 1 << 15;
inline constexpr uint32_t msix_entry_bytes = 16;
inline constexpr uint16_t msix_vectors_max = 0x800;
inline constexpr uint16_t no_vector = 0xffff;  // VIRTIO_MSI_NO_VECTOR

/// §4.1.4.3: struct virtio_pci_common_cfg.
namespace common {
inline constexpr uint16_t device_feature_select = 0x00;
inline constexpr uint16_t device_feature = 0x04;
inline constexpr uint16_t driver_feature_select = 0x08;
inline constexpr uint16_t driver_feature = 0x0c;
inline constexpr uint16_t config_msix_vector = 0x10;
inline constexpr uint16_t num_queues = 0x12;
inline constexpr uint16_t device_status = 0x14;
inline constexpr uint16_t config_generation = 0x15;
inline constexpr uint16_t queue_select = 0x16;
inline constexpr uint16_t queue_size = 0x18;
inline constexpr uint16_t queue_msix_vector = 0x1a;
inline constexpr uint16_t queue_enable = 0x1c;
inline constexpr uint16_t queue_notify_off = 0x1e;
inline constexpr uint16_t queue_desc = 0x20;
inline constexpr uint16_t queue_driver = 0x28;
inline constexpr uint16_t queue_device = 0x30;
inline constexpr uint16_t queue_notif_config_data = 0x38;
inline constexpr uint16_t queue_reset = 0x3a;
inline constexpr uint16_t admin_queue_index = 0x3c;
inline constexpr uint16_t admin_queue_num = 0x3e;
inline constexpr uint32_t bytes = 0x40;

struct Row {
    uint16_t offset;
    uint8_t width;  ///< of an access: 64-bit fields are two of 32
    bool writable;
};
inline constexpr Row rows[] = {
    {device_feature_select, 4, true}, {device_feature, 4, false},
    {driver_feature_select, 4, true}, {driver_feature, 4, true},
    {config_msix_vector, 2, true},    {num_queues, 2, false},
    {device_status, 1, true},         {config_generation, 1, false},
    {queue_select, 2, true},          {queue_size, 2, true},
    {queue_msix_vector, 2, true},     {queue_enable, 2, true},
    {queue_notify_off, 2, false},     {queue_desc, 4, true},
    {queue_desc + 4, 4, true},        {queue_driver, 4, true},
    {queue_driver + 4, 4, true},      {queue_device, 4, true},
    {queue_device + 4, 4, true},      {queue_notif_config_data, 2, false},
    {queue_reset, 2, true},           {admin_queue_index, 2, false},
    {admin_queue_num, 2, false},
};
}  // namespace common

/// §4.1.4.10: the legacy header, and what follows it with MSI-X.
namespace legacy {
inline constexpr uint16_t device_features = 0;
inline constexpr uint16_t driver_features = 4;
inline constexpr uint16_t queue_address = 8;
inline constexpr uint16_t queue_size = 12;
inline constexpr uint16_t queue_select = 14;
inline constexpr uint16_t queue_notify = 16;
inline constexpr uint16_t device_status = 18;
inline constexpr uint16_t isr_status = 19;
inline constexpr uint16_t config_msix_vector = 20;
inline constexpr uint16_t queue_msix_vector = 22;
inline constexpr uint16_t bytes = 20;
inline constexpr uint16_t bytes_with_msix = 24;
inline constexpr uint64_t page = 4096;  // §4.1.5.1.3.1: unit of the address, and alignment of the used ring

inline constexpr common::Row rows[] = {
    {device_features, 4, false},   {driver_features, 4, true},   {queue_address, 4, true}, {queue_size, 2, false},
    {queue_select, 2, true},       {queue_notify, 2, true},      {device_status, 1, true}, {isr_status, 1, false},
    {config_msix_vector, 2, true}, {queue_msix_vector, 2, true},
};
}  // namespace legacy

}  // namespace virtq::sim::wire::pci
