// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>

#include <stdint.h>

/// Virtio over PCI, §4.1 (Virtio Over PCI Bus), and the parts of the PCI Local Bus Specification 3.0 ("PCI" below)
/// that it uses.
namespace virtq::spec::pci {

/// §4.1.2 (PCI Device Discovery).
inline constexpr uint16_t vendor_virtio = 0x1af4;
inline constexpr uint16_t device_transitional_first = 0x1000;
inline constexpr uint16_t device_modern_first = 0x1040;  // + virtio device ID
inline constexpr uint16_t device_last = 0x107f;
inline constexpr uint16_t vendor_absent = 0xffff;  // PCI 6.1: no function answers
inline constexpr uint16_t vendor_zero = 0;         // assigned to no vendor: this is not configuration space

/// PCI 3.2.2.3.4 (Type 0 and type 1 configuration transactions): 32 devices a bus, 8 functions a device.
inline constexpr uint8_t devices = 32;
inline constexpr uint8_t functions = 8;

/// PCI 6.1 (Configuration Space Organization), header type 0.
inline constexpr detail::ReadOnly<uint32_t> vendor_and_device{0x00};  // vendor_id and device_id in one word
inline constexpr detail::ReadOnly<uint16_t> vendor_id{0x00};
inline constexpr detail::ReadOnly<uint16_t> device_id{0x02};
inline constexpr detail::ReadWrite<uint16_t> command{0x04};
inline constexpr detail::ReadOnly<uint16_t> status{0x06};
inline constexpr detail::ReadOnly<uint8_t> header_type{0x0e};
inline constexpr detail::ReadOnly<uint16_t> subsystem_device_id{0x2e};
inline constexpr detail::ReadOnly<uint8_t> capabilities_pointer{0x34};
inline constexpr detail::ReadOnly<uint8_t> interrupt_line{0x3c};
inline constexpr detail::ReadOnly<uint8_t> interrupt_pin{0x3d};  // 0: none, 1 to 4: INTA# to INTD#
inline constexpr uint8_t interrupt_pins = 4;

inline constexpr uint8_t header_type_mask = 0x7f;
inline constexpr uint8_t header_type_multifunction = 0x80;

/// PCI-to-PCI Bridge Architecture Specification 1.2, 3.2 (PCI-to-PCI Bridge Configuration Space Header Format): header
/// type 1.
namespace bridge {
inline constexpr uint8_t header_type = 1;
inline constexpr uint8_t bar_count = 2;
inline constexpr detail::ReadWrite<uint8_t> primary_bus{0x18};
inline constexpr detail::ReadWrite<uint8_t> secondary_bus{0x19};
inline constexpr detail::ReadWrite<uint8_t> subordinate_bus{0x1a};
inline constexpr detail::ReadWrite<uint8_t> ports_base{0x1c};
inline constexpr detail::ReadWrite<uint8_t> ports_limit{0x1d};
inline constexpr detail::ReadWrite<uint16_t> memory_base{0x20};
inline constexpr detail::ReadWrite<uint16_t> memory_limit{0x22};
inline constexpr detail::ReadWrite<uint16_t> prefetchable_base{0x24};
inline constexpr detail::ReadWrite<uint16_t> prefetchable_limit{0x26};
inline constexpr detail::ReadWrite<uint32_t> prefetchable_base_upper{0x28};
inline constexpr detail::ReadWrite<uint32_t> prefetchable_limit_upper{0x2c};
inline constexpr detail::ReadWrite<uint16_t> ports_base_upper{0x30};
inline constexpr detail::ReadWrite<uint16_t> ports_limit_upper{0x32};

inline constexpr uint32_t memory_unit = 0x100000;  // register bits 15 to 4 are address bits 31 to 20
inline constexpr uint32_t ports_unit = 0x1000;     // register bits 7 to 4 are address bits 15 to 12
inline constexpr uint8_t ports_type_mask = 0xf;
inline constexpr uint8_t ports_type_32_bit = 1;
inline constexpr uint16_t prefetchable_type_mask = 0xf;
inline constexpr uint16_t prefetchable_type_64_bit = 1;
}  // namespace bridge

/// PCI 6.2.2 (Device Control) and 6.2.3 (Device Status).
inline constexpr uint16_t command_io_space = 1 << 0;
inline constexpr uint16_t command_memory_space = 1 << 1;
inline constexpr uint16_t command_bus_master = 1 << 2;
inline constexpr uint16_t command_interrupt_disable = 1 << 10;  // disables INTx
inline constexpr uint16_t status_capabilities = 1 << 4;

/// PCI 6.2.5.1 (Address Maps).
inline constexpr uint8_t bar_count = 6;
inline constexpr uint16_t bar_first = 0x10;
inline constexpr uint16_t bar_bytes = 4;
inline constexpr uint32_t bar_is_ports = 1 << 0;
inline constexpr uint32_t bar_type_mask = 3 << 1;
inline constexpr uint32_t bar_type_64_bit = 2 << 1;
inline constexpr uint32_t bar_ports_flags = 0x3;
inline constexpr uint32_t bar_memory_flags = 0xf;

/// PCI 6.7 (Capabilities List).
inline constexpr uint16_t header_bytes = 0x40;
inline constexpr uint16_t capability_end = 0x100;  // the list ends below this offset
inline constexpr uint16_t capability_max = (0x100 - header_bytes) / 4;
inline constexpr uint8_t capability_pointer_mask = 0xfc;  // the low two bits are reserved
inline constexpr uint8_t capability_vendor = 0x09;
inline constexpr uint8_t capability_msix = 0x11;
inline constexpr uint16_t capability_next = 1;    // offset within any capability
inline constexpr uint16_t capability_length = 2;  // offset within a vendor-specific capability

/// §4.1.4 (Virtio Structure PCI Capabilities): offsets within struct virtio_pci_cap.
namespace cap {
inline constexpr uint16_t cfg_type = 3;
inline constexpr uint16_t bar = 4;
inline constexpr uint16_t offset = 8;
inline constexpr uint16_t length = 12;
inline constexpr uint16_t notify_off_multiplier = 16;  // struct virtio_pci_notify_cap
inline constexpr uint16_t pci_cfg_data = 16;           // struct virtio_pci_cfg_cap
inline constexpr uint16_t pci_cfg_data_bytes = 4;
inline constexpr uint8_t bytes = 16;
}  // namespace cap

enum class StructureType : uint8_t {
    none = 0,
    common = 1,  // VIRTIO_PCI_CAP_COMMON_CFG
    notify = 2,  // VIRTIO_PCI_CAP_NOTIFY_CFG
    isr = 3,     // VIRTIO_PCI_CAP_ISR_CFG
    device = 4,  // VIRTIO_PCI_CAP_DEVICE_CFG
    window = 5,  // VIRTIO_PCI_CAP_PCI_CFG
};

/// §4.1.4.3 (Common configuration structure layout).
namespace common {
inline constexpr detail::ReadWrite<uint32_t> device_feature_select{0x00};
inline constexpr detail::ReadOnly<uint32_t> device_feature{0x04};
inline constexpr detail::ReadWrite<uint32_t> driver_feature_select{0x08};
inline constexpr detail::ReadWrite<uint32_t> driver_feature{0x0c};
inline constexpr detail::ReadWrite<uint16_t> config_msix_vector{0x10};
inline constexpr detail::ReadOnly<uint16_t> num_queues{0x12};
inline constexpr detail::ReadWrite<uint8_t> device_status{0x14};
inline constexpr detail::ReadOnly<uint8_t> config_generation{0x15};
inline constexpr detail::ReadWrite<uint16_t> queue_select{0x16};
inline constexpr detail::ReadWrite<uint16_t> queue_size{0x18};
inline constexpr detail::ReadWrite<uint16_t> queue_msix_vector{0x1a};
inline constexpr detail::ReadWrite<uint16_t> queue_enable{0x1c};
inline constexpr detail::ReadOnly<uint16_t> queue_notify_off{0x1e};
inline constexpr detail::ReadWritePair queue_desc{{0x20}, {0x24}};
inline constexpr detail::ReadWritePair queue_driver{{0x28}, {0x2c}};
inline constexpr detail::ReadWritePair queue_device{{0x30}, {0x34}};
inline constexpr detail::ReadOnly<uint16_t> queue_notif_config_data{0x38};
inline constexpr detail::ReadWrite<uint16_t> queue_reset{0x3a};

inline constexpr uint32_t bytes = 0x38;                         // in every device
inline constexpr uint32_t bytes_with_notif_config_data = 0x3a;  // VIRTIO_F_NOTIF_CONFIG_DATA
inline constexpr uint32_t bytes_with_queue_reset = 0x3c;        // VIRTIO_F_RING_RESET
}  // namespace common

/// §4.1.4.5 (ISR status capability), and the ISR status byte of the legacy header.
inline constexpr detail::ReadOnly<uint8_t> isr_status{0};
inline constexpr uint8_t isr_queue = 1 << 0;
inline constexpr uint8_t isr_config = 1 << 1;
inline constexpr uint8_t isr_gone = 0xff;  // the device has vanished: reserved bits are never set

/// §4.1.5.1.2 (MSI-X Vector Configuration).
inline constexpr uint16_t no_vector = 0xffff;  // VIRTIO_MSI_NO_VECTOR

/// §4.1.4.10 (Legacy Interfaces: A Note on PCI Device Layout).
namespace legacy {
inline constexpr uint8_t bar = 0;
inline constexpr detail::ReadOnly<uint32_t> device_features{0x00};
inline constexpr detail::ReadWrite<uint32_t> driver_features{0x04};
inline constexpr detail::ReadWrite<uint32_t> queue_address{0x08};
inline constexpr detail::ReadOnly<uint16_t> queue_size{0x0c};
inline constexpr detail::ReadWrite<uint16_t> queue_select{0x0e};
inline constexpr detail::WriteOnly<uint16_t> queue_notify{0x10};
inline constexpr detail::ReadWrite<uint8_t> device_status{0x12};
inline constexpr detail::ReadOnly<uint8_t> isr_status{0x13};
inline constexpr detail::ReadWrite<uint16_t> config_msix_vector{0x14};  // exists only with MSI-X enabled
inline constexpr detail::ReadWrite<uint16_t> queue_msix_vector{0x16};   // exists only with MSI-X enabled

inline constexpr uint16_t config_offset = 20;
inline constexpr uint16_t config_offset_msix = 24;
}  // namespace legacy

/// PCI 6.8.2 (MSI-X Capability and Table Structures): offsets within the capability, then within a table entry.
namespace msix {
inline constexpr uint8_t capability_bytes = 12;
inline constexpr uint16_t control = 2;
inline constexpr uint16_t table = 4;
inline constexpr uint16_t control_size_mask = 0x7ff;  // number of entries, minus 1
inline constexpr uint16_t control_function_mask = 1 << 14;
inline constexpr uint16_t control_enable = 1 << 15;
inline constexpr uint32_t table_bar_mask = 7;

inline constexpr uint32_t entry_bytes = 16;
inline constexpr detail::WriteOnlyPair entry_address{{0}, {4}};
inline constexpr detail::WriteOnly<uint32_t> entry_data{8};
inline constexpr detail::ReadWrite<uint32_t> entry_control{12};
inline constexpr uint32_t entry_masked = 1;
}  // namespace msix

}  // namespace virtq::spec::pci
