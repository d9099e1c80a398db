// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>

#include <stdint.h>

/// Virtio over PCI, §4.1 (Virtio Over PCI Bus), and the parts of the PCI Local Bus Specification 3.0 ("PCI" below)
/// that it uses.
namespace virtq::spec::pci {

/// §4.1.2 (PCI Device Discovery).
inline constexpr uint16_t vendor_virtio = 0x1af4;              ///< vendor ID of every virtio function
inline constexpr uint16_t device_transitional_first = 0x1000;  ///< lowest device ID of a transitional device
inline constexpr uint16_t device_modern_first = 0x1040;        ///< modern device ID: this plus the virtio device ID
inline constexpr uint16_t device_last = 0x107f;                ///< highest device ID of a virtio function
inline constexpr uint16_t vendor_absent = 0xffff;              ///< PCI 6.1: no function answers
inline constexpr uint16_t vendor_zero = 0;  ///< assigned to no vendor: this is not configuration space

/// PCI 3.2.2.3.4 (Type 0 and type 1 configuration transactions): 32 devices a bus, 8 functions a device.
inline constexpr uint8_t devices = 32;   ///< on one bus
inline constexpr uint8_t functions = 8;  ///< of one device, at most

/// PCI 6.1 (Configuration Space Organization), header type 0.
inline constexpr detail::ReadOnly<uint32_t> vendor_and_device{0x00};    ///< vendor_id and device_id in one word
inline constexpr detail::ReadOnly<uint16_t> vendor_id{0x00};            ///< who made the function, or `vendor_absent`
inline constexpr detail::ReadOnly<uint16_t> device_id{0x02};            ///< what the function is; §4.1.2 for virtio
inline constexpr detail::ReadWrite<uint16_t> command{0x04};             ///< PCI 6.2.2: what the function may do
inline constexpr detail::ReadOnly<uint16_t> status{0x06};               ///< PCI 6.2.3: what the function supports
inline constexpr detail::ReadOnly<uint8_t> header_type{0x0e};           ///< layout of the header, and multifunction
inline constexpr detail::ReadOnly<uint16_t> subsystem_device_id{0x2e};  ///< §4.1.2.3: type of a transitional device
inline constexpr detail::ReadOnly<uint8_t> capabilities_pointer{0x34};  ///< PCI 6.7: where the capability list begins
inline constexpr detail::ReadOnly<uint8_t> interrupt_line{0x3c};        ///< PCI 6.2.4: line number from the firmware
inline constexpr detail::ReadOnly<uint8_t> interrupt_pin{0x3d};         ///< PCI 6.2.4: 0 none, 1 to 4 INTA# to INTD#
inline constexpr uint8_t interrupt_pins = 4;                            ///< PCI 6.2.4: INTA# to INTD#

inline constexpr uint8_t header_type_mask = 0x7f;           ///< PCI 6.2.1: the bits that tell the layout
inline constexpr uint8_t header_type_multifunction = 0x80;  ///< PCI 6.2.1: the device has functions besides 0

/// PCI-to-PCI Bridge Architecture Specification 1.2, 3.2 (PCI-to-PCI Bridge Configuration Space Header Format): header
/// type 1.
namespace bridge {
inline constexpr uint8_t header_type = 1;                                     ///< the header type of a bridge
inline constexpr uint8_t bar_count = 2;                                       ///< BARs of a bridge
inline constexpr detail::ReadWrite<uint8_t> primary_bus{0x18};                ///< the bus on this side of the bridge
inline constexpr detail::ReadWrite<uint8_t> secondary_bus{0x19};              ///< the bus behind the bridge
inline constexpr detail::ReadWrite<uint8_t> subordinate_bus{0x1a};            ///< the highest bus behind the bridge
inline constexpr detail::ReadWrite<uint8_t> ports_base{0x1c};                 ///< first port behind the bridge
inline constexpr detail::ReadWrite<uint8_t> ports_limit{0x1d};                ///< last port behind the bridge
inline constexpr detail::ReadWrite<uint16_t> memory_base{0x20};               ///< first address of the memory window
inline constexpr detail::ReadWrite<uint16_t> memory_limit{0x22};              ///< last address of the memory window
inline constexpr detail::ReadWrite<uint16_t> prefetchable_base{0x24};         ///< first prefetchable address
inline constexpr detail::ReadWrite<uint16_t> prefetchable_limit{0x26};        ///< last prefetchable address
inline constexpr detail::ReadWrite<uint32_t> prefetchable_base_upper{0x28};   ///< address bits 63 to 32 of the first
inline constexpr detail::ReadWrite<uint32_t> prefetchable_limit_upper{0x2c};  ///< address bits 63 to 32 of the last
inline constexpr detail::ReadWrite<uint16_t> ports_base_upper{0x30};          ///< port bits 31 to 16 of the first
inline constexpr detail::ReadWrite<uint16_t> ports_limit_upper{0x32};         ///< port bits 31 to 16 of the last

inline constexpr uint32_t memory_unit = 0x100000;  ///< alignment: register bits 15 to 4 are address bits 31 to 20
inline constexpr uint32_t ports_unit = 0x1000;     ///< alignment: register bits 7 to 4 are address bits 15 to 12
inline constexpr uint8_t ports_type_mask = 0xf;    ///< bits of `ports_base` that tell the width
inline constexpr uint8_t ports_type_32_bit = 1;    ///< the two `ports_…_upper` exist
inline constexpr uint16_t prefetchable_type_mask = 0xf;  ///< bits of `prefetchable_base` that tell the width
inline constexpr uint16_t prefetchable_type_64_bit = 1;  ///< the two `prefetchable_…_upper` exist
}  // namespace bridge

/// PCI 6.2.2 (Device Control) and 6.2.3 (Device Status).
inline constexpr uint16_t command_io_space = 1 << 0;            ///< the function answers in its port BARs
inline constexpr uint16_t command_memory_space = 1 << 1;        ///< PCI 6.2.2: the function answers in its memory BARs
inline constexpr uint16_t command_bus_master = 1 << 2;          ///< PCI 6.2.2: the function may use DMA and MSI-X
inline constexpr uint16_t command_interrupt_disable = 1 << 10;  ///< PCI 6.2.2: disables INTx
inline constexpr uint16_t status_capabilities = 1 << 4;         ///< PCI 6.2.3: there is a capability list

/// PCI 6.2.5.1 (Address Maps).
inline constexpr uint8_t bar_count = 6;              ///< BARs of a function with header type 0
inline constexpr uint16_t bar_first = 0x10;          ///< PCI 6.2.5.1: where BAR 0 is
inline constexpr uint16_t bar_bytes = 4;             ///< PCI 6.2.5.1: length of a BAR; one of 64 bits takes two
inline constexpr uint32_t bar_is_ports = 1 << 0;     ///< PCI 6.2.5.1: set in a BAR of ports, clear in one of memory
inline constexpr uint32_t bar_type_mask = 3 << 1;    ///< PCI 6.2.5.1: the bits of a memory BAR that tell its width
inline constexpr uint32_t bar_type_64_bit = 2 << 1;  ///< PCI 6.2.5.1: the next BAR holds address bits 63 to 32
inline constexpr uint32_t bar_ports_flags = 0x3;     ///< PCI 6.2.5.1: bits of a port BAR that are no address
inline constexpr uint32_t bar_memory_flags = 0xf;    ///< PCI 6.2.5.1: bits of a memory BAR that are no address

/// PCI 6.7 (Capabilities List).
inline constexpr uint16_t header_bytes = 0x40;                          ///< the capabilities begin above the header
inline constexpr uint16_t capability_end = 0x100;                       ///< PCI 6.7: the list ends below this offset
inline constexpr uint16_t capability_max = (0x100 - header_bytes) / 4;  ///< PCI 6.7: a longer list is a loop
inline constexpr uint8_t capability_pointer_mask = 0xfc;                ///< PCI 6.7: the low two bits are reserved
inline constexpr uint8_t capability_vendor = 0x09;  ///< PCI 6.7: ID of a vendor-specific one, as virtio's
inline constexpr uint8_t capability_msix = 0x11;    ///< PCI 6.7: ID of the MSI-X capability
inline constexpr uint16_t capability_next = 1;      ///< PCI 6.7: where the next offset is, in any capability
inline constexpr uint16_t capability_length = 2;    ///< PCI 6.7: where the length is, if vendor-specific

/// §4.1.4 (Virtio Structure PCI Capabilities): offsets within struct virtio_pci_cap.
namespace cap {
inline constexpr uint16_t cfg_type = 3;                ///< which structure it locates: a `StructureType`
inline constexpr uint16_t bar = 4;                     ///< the BAR that the structure is in
inline constexpr uint16_t offset = 8;                  ///< where the structure begins in the BAR, in bytes
inline constexpr uint16_t length = 12;                 ///< length of the structure, in bytes
inline constexpr uint16_t notify_off_multiplier = 16;  ///< struct virtio_pci_notify_cap: unit of `queue_notify_off`
inline constexpr uint16_t pci_cfg_data = 16;           ///< struct virtio_pci_cfg_cap: the window, §4.1.4.9
inline constexpr uint16_t pci_cfg_data_bytes = 4;      ///< the widest access through the window
inline constexpr uint8_t bytes = 16;                   ///< length of a struct virtio_pci_cap
}  // namespace cap

/// §4.1.4: the structures of a virtio function, each located by a capability.
enum class StructureType : uint8_t {
    none = 0,
    common = 1,  ///< VIRTIO_PCI_CAP_COMMON_CFG
    notify = 2,  ///< VIRTIO_PCI_CAP_NOTIFY_CFG
    isr = 3,     ///< VIRTIO_PCI_CAP_ISR_CFG
    device = 4,  ///< VIRTIO_PCI_CAP_DEVICE_CFG
    window = 5,  ///< VIRTIO_PCI_CAP_PCI_CFG
};

/// §4.1.4.3 (Common configuration structure layout).
namespace common {
inline constexpr detail::ReadWrite<uint32_t> device_feature_select{0x00};   ///< which 32 bits `device_feature` shows
inline constexpr detail::ReadOnly<uint32_t> device_feature{0x04};           ///< 32 bits of the offered features
inline constexpr detail::ReadWrite<uint32_t> driver_feature_select{0x08};   ///< which 32 bits `driver_feature` sets
inline constexpr detail::ReadWrite<uint32_t> driver_feature{0x0c};          ///< 32 bits of the accepted features
inline constexpr detail::ReadWrite<uint16_t> config_msix_vector{0x10};      ///< vector of configuration changes
inline constexpr detail::ReadOnly<uint16_t> num_queues{0x12};               ///< how many queues the device has
inline constexpr detail::ReadWrite<uint8_t> device_status{0x14};            ///< §2.1: the device status field
inline constexpr detail::ReadOnly<uint8_t> config_generation{0x15};         ///< changes with the device configuration
inline constexpr detail::ReadWrite<uint16_t> queue_select{0x16};            ///< selects the queue of the fields below
inline constexpr detail::ReadWrite<uint16_t> queue_size{0x18};              ///< 0: absent; the driver may reduce it
inline constexpr detail::ReadWrite<uint16_t> queue_msix_vector{0x1a};       ///< vector of used buffers
inline constexpr detail::ReadWrite<uint16_t> queue_enable{0x1c};            ///< 1 enables the queue
inline constexpr detail::ReadOnly<uint16_t> queue_notify_off{0x1e};         ///< where to notify (§4.1.4.4)
inline constexpr detail::ReadWritePair queue_desc{{0x20}, {0x24}};          ///< address of the descriptor area
inline constexpr detail::ReadWritePair queue_driver{{0x28}, {0x2c}};        ///< address of the driver area
inline constexpr detail::ReadWritePair queue_device{{0x30}, {0x34}};        ///< address of the device area
inline constexpr detail::ReadOnly<uint16_t> queue_notif_config_data{0x38};  ///< its name in notifications (§4.1.5.2)
inline constexpr detail::ReadWrite<uint16_t> queue_reset{0x3a};             ///< 1 resets the queue (§2.6.1)

inline constexpr uint32_t bytes = 0x38;                         ///< length in every device
inline constexpr uint32_t bytes_with_notif_config_data = 0x3a;  ///< length with VIRTIO_F_NOTIF_CONFIG_DATA
inline constexpr uint32_t bytes_with_queue_reset = 0x3c;        ///< length with VIRTIO_F_RING_RESET
}  // namespace common

/// §4.1.4.5 (ISR status capability), and the ISR status byte of the legacy header.
inline constexpr detail::ReadOnly<uint8_t> isr_status{0};  ///< causes of the interrupt; a read clears them
inline constexpr uint8_t isr_queue = 1 << 0;               ///< §4.1.4.5: the device has used a buffer
inline constexpr uint8_t isr_config = 1 << 1;              ///< §4.1.4.5: the device configuration has changed
inline constexpr uint8_t isr_gone = 0xff;                  ///< the device has vanished: reserved bits are never set

/// §4.1.5.1.2 (MSI-X Vector Configuration).
inline constexpr uint16_t no_vector = 0xffff;  ///< VIRTIO_MSI_NO_VECTOR: no interrupt comes for this event

/// §4.1.4.10 (Legacy Interfaces: A Note on PCI Device Layout).
namespace legacy {
inline constexpr uint8_t bar = 0;                                    ///< the header is in this BAR
inline constexpr detail::ReadOnly<uint32_t> device_features{0x00};   ///< the offered features, 0 to 31
inline constexpr detail::ReadWrite<uint32_t> driver_features{0x04};  ///< the accepted features, 0 to 31
inline constexpr detail::ReadWrite<uint32_t> queue_address{0x08};    ///< page number of the queue, or 0
inline constexpr detail::ReadOnly<uint16_t> queue_size{0x0c};        ///< fixed by the device; 0: absent
inline constexpr detail::ReadWrite<uint16_t> queue_select{0x0e};     ///< selects a queue
inline constexpr detail::WriteOnly<uint16_t> queue_notify{0x10};     ///< takes the number of a queue with new buffers
inline constexpr detail::ReadWrite<uint8_t> device_status{0x12};     ///< §2.1: the device status field
inline constexpr detail::ReadOnly<uint8_t> isr_status{0x13};         ///< as `pci::isr_status`
/// The vector of configuration changes. It exists only with MSI-X enabled.
inline constexpr detail::ReadWrite<uint16_t> config_msix_vector{0x14};
/// The vector of used buffers of the selected queue. It exists only with MSI-X enabled.
inline constexpr detail::ReadWrite<uint16_t> queue_msix_vector{0x16};

inline constexpr uint16_t config_offset = 20;       ///< where the device configuration begins, without MSI-X
inline constexpr uint16_t config_offset_msix = 24;  ///< where the device configuration begins, with MSI-X enabled
}  // namespace legacy

/// PCI 6.8.2 (MSI-X Capability and Table Structures): offsets within the capability, then within a table entry.
namespace msix {
inline constexpr uint8_t capability_bytes = 12;       ///< length of the capability
inline constexpr uint16_t control = 2;                ///< message control: the number of entries, and what is enabled
inline constexpr uint16_t table = 4;                  ///< where the table is: its BAR, and its offset in the BAR
inline constexpr uint16_t control_size_mask = 0x7ff;  ///< number of entries, minus 1
inline constexpr uint16_t control_function_mask = 1 << 14;  ///< masks all entries at once
inline constexpr uint16_t control_enable = 1 << 15;         ///< the function sends MSI-X messages, and no INTx
inline constexpr uint32_t table_bar_mask = 7;  ///< the bits of `table` that number the BAR; the others are the offset

inline constexpr uint32_t entry_bytes = 16;                      ///< length of a table entry
inline constexpr detail::WriteOnlyPair entry_address{{0}, {4}};  ///< where the message is written
inline constexpr detail::WriteOnly<uint32_t> entry_data{8};      ///< what the message writes there
inline constexpr detail::ReadWrite<uint32_t> entry_control{12};  ///< vector control: holds `entry_masked`
inline constexpr uint32_t entry_masked = 1;                      ///< the entry sends no message
}  // namespace msix

}  // namespace virtq::spec::pci
