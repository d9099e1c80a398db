// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <sim/violation.hpp>

/// The rules whose violation the simulator detects, in the order of the standard. A test names a rule by its `id`. Those
/// of the network card (§5.1) are in net_rule.hpp.
namespace virtq::sim::rule {

// The guest's memory: the contract of the page allocator, not of VirtIO.
inline constexpr Rule free_unknown_run{"S-free-unknown", "-", "Give back only runs that are handed out"};
inline constexpr Rule free_other_run{"S-free-differs", "-", "Give back a run with the same virt, phys and count"};
inline constexpr Rule leak_unknown_run{"S-leak-unknown", "-", "Report as leaked only runs that are handed out"};
inline constexpr Rule translate_foreign{"S-translate", "-", "Translate only addresses of memory that is handed out"};

// §2.1 to §2.5
inline constexpr Rule status_step{"D-2.1.1-1", "2.1.1", "Set status bits step by step"};
inline constexpr Rule status_clear{"D-2.1.1-2", "2.1.1", "Do not clear a status bit other than through a reset"};
inline constexpr Rule after_failed{"D-2.1.1-3", "2.1.1", "Reset the device before going on after FAILED"};
inline constexpr Rule feature_not_offered{"D-2.2.1-1", "2.2.1", "Do not accept a feature that was not offered"};
inline constexpr Rule feature_reserved{"D-2.2.1-5", "2.2.1", "Do not accept a reserved feature bit"};
inline constexpr Rule feature_transport{"D-2.2.1-6", "2.2.1", "Do not accept a feature that this transport has not"};
inline constexpr Rule feature_device{"D-2.2.1-7", "2.2.1", "Do not accept a bit not defined for the device type"};
inline constexpr Rule reset_incomplete{"D-2.4.2-1", "2.4.2", "A reset is complete only when the status reads as 0"};
inline constexpr Rule config_optional{"D-2.5.1-4", "2.5.1", "Check the feature before touching an optional field"};

// §2.7
inline constexpr Rule queue_size_invalid{"S-2.7-size", "2.7", "A queue size is a power of 2, from 1 to 32768"};
inline constexpr Rule area_alignment{"D-2.7.1-1", "2.7.1", "Align the parts of a virtqueue to 16, 2 and 4 bytes"};
inline constexpr Rule area_outside_ram{"S-2.7-ram", "2.7", "Each part of a virtqueue is in memory of the driver"};
inline constexpr Rule writable_first{"D-2.7.4.2-1", "2.7.4.2", "Device-writable descriptors follow the readable ones"};
inline constexpr Rule chain_too_large{"D-2.7.5.2-1", "2.7.5.2", "A chain has at most 2^32 bytes, and no loop"};
inline constexpr Rule in_order_next{"D-2.7.5.2-2", "2.7.5.2", "With IN_ORDER, next is x + 1, or 0 at the table's end"};
inline constexpr Rule indirect_unwanted{"D-2.7.5.3.1-1", "2.7.5.3.1", "INDIRECT only if it was negotiated"};
inline constexpr Rule indirect_nested{"D-2.7.5.3.1-2", "2.7.5.3.1", "No INDIRECT inside an indirect table"};
inline constexpr Rule chain_too_long{"D-2.7.5.3.1-3", "2.7.5.3.1", "A chain is not longer than the queue size"};
inline constexpr Rule indirect_with_next{"D-2.7.5.3.1-4", "2.7.5.3.1", "INDIRECT and NEXT exclude each other"};
inline constexpr Rule in_order_indirect{"D-2.7.5.3.1-5", "2.7.5.3.1",
                                        "With IN_ORDER, indirect entries are sequential"};
inline constexpr Rule indirect_length{"S-2.7.5.3-length", "2.7.5.3",
                                      "An indirect table is n * 16 bytes, n at least 1"};
inline constexpr Rule head_range{"S-2.7.6-head", "2.7.6", "An available ring entry is below the queue size"};
inline constexpr Rule next_range{"S-2.7.5-next", "2.7.5", "next is below the number of descriptors in its table"};
inline constexpr Rule flags_unknown{"S-2.7.5-flags", "2.7.5", "Descriptor flags are NEXT, WRITE and INDIRECT only"};
inline constexpr Rule length_zero{"S-2.7.5-length", "2.7.5", "A buffer element is not empty"};
inline constexpr Rule buffer_outside_ram{"S-2.7.5-addr", "2.7.5", "A buffer is in memory that is handed out"};
inline constexpr Rule descriptor_busy{"S-2.7.13-busy", "2.7.13.1", "A descriptor belongs to one chain in flight"};
inline constexpr Rule available_back{"D-2.7.6.1-1", "2.7.6.1", "Do not decrement the available idx"};
inline constexpr Rule available_jump{"S-2.7.13-jump", "2.7.13", "At most queue-size chains are available at a time"};
inline constexpr Rule available_flags{"D-2.7.7.1-1", "2.7.7.1", "Without EVENT_IDX, the available flags are 0 or 1"};
inline constexpr Rule available_flags_event{"D-2.7.7.1-3", "2.7.7.1", "With EVENT_IDX, the available flags are 0"};
inline constexpr Rule used_flags_init{"D-2.7.10.1-1", "2.7.10.1", "The used flags are 0 when the queue starts"};

// §2.8
inline constexpr Rule packed_size_invalid{"S-2.8-size", "2.8", "A packed queue has 1 to 32768 descriptors"};
inline constexpr Rule packed_area_outside_ram{"S-2.8-ram", "2.8",
                                              "Each part of a virtqueue is in memory of the driver"};
inline constexpr Rule packed_marks{"S-2.8.1-marks", "2.8.1", "An available descriptor has USED inverse to AVAIL"};
inline constexpr Rule packed_length_zero{"S-2.8.4-length", "2.8.4", "A buffer element is not empty"};
inline constexpr Rule packed_buffer_outside_ram{"S-2.8.4-addr", "2.8.4", "A buffer is in memory that is handed out"};
inline constexpr Rule packed_indirect_length{"S-2.8.7-length", "2.8.7",
                                             "An indirect table is n * 16 bytes, n at least 1"};
inline constexpr Rule packed_area_alignment{"D-2.8.11-1", "2.8.11",
                                            "Align the parts of a virtqueue to 16, 4 and 4 bytes"};
inline constexpr Rule packed_flags_unknown{"S-2.8.13-flags", "2.8.13",
                                           "Descriptor flags are NEXT, WRITE, INDIRECT, AVAIL and USED only"};
inline constexpr Rule packed_ring_init{"S-2.8.13-zero", "2.8.13", "The descriptor ring is zero when the queue starts"};
inline constexpr Rule packed_event_init{"S-2.8.14-zero", "2.8.14",
                                        "The device event structure is zero when the queue starts"};
inline constexpr Rule driver_event_reserved{"S-2.8.14-reserved", "2.8.14", "Reserved bits of event flags are 0"};
inline constexpr Rule driver_event_value{"S-2.8.10-flags", "2.8.10", "Event flags 3 is reserved"};
inline constexpr Rule driver_event_desc{"S-2.8.10-desc", "2.8.10", "Event flags DESC only with EVENT_IDX"};
inline constexpr Rule driver_event_offset{"S-2.8.10-offset", "2.8.10", "An event offset is below the queue size"};
inline constexpr Rule packed_overwritten{"D-2.8.16-1", "2.8.16", "Change a descriptor only once it is used"};
inline constexpr Rule packed_altered{"D-2.8.16-2", "2.8.16", "Do not change a descriptor once it is available"};
inline constexpr Rule notify_next_off{"D-2.8.16-3", "2.8.16",
                                      "next_off names the next descriptor that is not available"};
inline constexpr Rule packed_list_too_long{"D-2.8.17-2", "2.8.17", "A list is not longer than the queue size"};
inline constexpr Rule packed_writable_first{"D-2.8.17-3", "2.8.17",
                                            "Device-writable descriptors follow the readable ones"};
inline constexpr Rule packed_no_room{"D-2.8.17-5", "2.8.17",
                                     "Make room for the whole list before its first descriptor"};
inline constexpr Rule packed_list_partial{"D-2.8.17-6", "2.8.17",
                                          "Make all of a list available before its first descriptor"};
inline constexpr Rule packed_indirect_unwanted{"D-2.8.19-1", "2.8.19", "INDIRECT only if it was negotiated"};
inline constexpr Rule packed_indirect_flags{"D-2.8.19-2", "2.8.19", "No flag but WRITE inside an indirect table"};
inline constexpr Rule packed_chain_too_long{"D-2.8.19-3", "2.8.19",
                                            "An indirect table is not longer than the queue size"};
inline constexpr Rule packed_indirect_in_list{"D-2.8.19-4", "2.8.19", "No INDIRECT in a list linked by NEXT"};
inline constexpr Rule buffer_id_range{"S-2.8.21-id", "2.8.21", "A buffer id is below the queue size"};
inline constexpr Rule buffer_id_busy{"S-2.8.21-busy", "2.8.21.1", "A buffer id belongs to one buffer in flight"};

// §2.9
inline constexpr Rule notify_next_wrap{"S-2.9-wrap", "2.9",
                                       "next_wrap is the wrap counter of next_off, or bit 15 of the available idx"};

// §3
inline constexpr Rule init_reset{"D-3.1.1-2", "3.1.1", "Reset the device first"};
inline constexpr Rule init_acknowledge{"D-3.1.1-3", "3.1.1", "Set ACKNOWLEDGE before DRIVER"};
inline constexpr Rule init_driver{"D-3.1.1-4", "3.1.1", "Set DRIVER before negotiating features"};
inline constexpr Rule init_features{"D-3.1.1-5", "3.1.1", "Read the offered features before accepting"};
inline constexpr Rule init_config_write{"D-3.1.1-7", "3.1.1", "Do not write config fields before FEATURES_OK"};

// §3.4
inline constexpr Rule suspend_unasked{"D-3.4.1-1", "3.4.1", "SUSPEND only with DRIVER_OK, and if it was negotiated"};
inline constexpr Rule suspended_notify{"D-3.4.1-4", "3.4.1", "No notification after SUSPEND"};
inline constexpr Rule suspended_config{"D-3.4.1-5", "3.4.1", "No configuration write after SUSPEND"};
inline constexpr Rule init_features_ok{"D-3.1.1-8", "3.1.1", "Set FEATURES_OK before setting up the device"};
inline constexpr Rule features_frozen{"D-3.1.1-9", "3.1.1", "Accept no features after FEATURES_OK"};
inline constexpr Rule features_reread{"D-3.1.1-10", "3.1.1", "Read the status again to see that FEATURES_OK stayed"};
inline constexpr Rule init_after_failure{"D-3.1.1-14", "3.1.1", "Do not go on when the device refused FEATURES_OK"};
inline constexpr Rule setup_after_live{"D-3.1.1-11", "3.1.1", "Set up queues before DRIVER_OK"};
inline constexpr Rule notify_early{"D-3.1.1-15", "3.1.1", "Send no notification before DRIVER_OK"};
inline constexpr Rule legacy_features_ok{"L-3.1.2-1", "3.1.2", "A legacy device knows no FEATURES_OK"};
inline constexpr Rule chain_altered{"D-3.3.1-1", "3.3.1", "Do not alter descriptors of a buffer in flight"};
inline constexpr Rule memory_in_use{"D-3.3.1-2", "3.3.1", "Take back memory only from a queue that is not live"};

// §4.1. Requirements of [PCI] are listed under §4.1.1, which requires [PCI].
inline constexpr Rule pci_crooked_config{"S-4.1.1-config", "4.1.1", "Configuration space accesses are aligned"};
inline constexpr Rule pci_bar_live{"S-4.1.1-bar-live", "4.1.1", "Write a BAR only while its decoding is off"};
inline constexpr Rule pci_bar_overlap{"S-4.1.1-overlap", "4.1.1", "No two BARs answer at one address"};
inline constexpr Rule pci_bus_master{"S-4.1.1-master", "4.1.1", "Set bus master before the device has to work"};
inline constexpr Rule pci_unmapped{"S-4.1.1-mapping", "4.1.1", "Access device memory and ports only where mapped"};
inline constexpr Rule msix_width{"S-4.1.1-msix-width", "4.1.1", "Access the MSI-X table aligned and 32 bits wide"};
inline constexpr Rule msix_pending{"S-4.1.1-msix-pending", "4.1.1", "Do not write the MSI-X pending bits"};
inline constexpr Rule msix_entry_live{"S-4.1.1-msix-live", "4.1.1",
                                      "Write address and data of an MSI-X vector only while it is masked"};
inline constexpr Rule msix_address{"S-4.1.1-msix-address", "4.1.1", "An MSI-X message address is a multiple of 4"};
inline constexpr Rule pci_width_8{"D-4.1.3.1-1", "4.1.3.1", "Access 8-bit fields 8 bits wide"};
inline constexpr Rule pci_width_16{"D-4.1.3.1-2", "4.1.3.1", "Access 16-bit fields aligned, 16 bits wide"};
inline constexpr Rule pci_width_32{"D-4.1.3.1-3", "4.1.3.1", "Access 32- and 64-bit fields aligned, 32 bits wide"};
inline constexpr Rule pci_unknown{"S-4.1.4-structure", "4.1.4", "Access only structures that a capability describes"};
inline constexpr Rule pci_capability_write{"D-4.1.4.1-8", "4.1.4.1", "Do not write capability fields"};
inline constexpr Rule pci_read_only{"D-4.1.4.3.2-1", "4.1.4.3.2", "Do not write read-only fields"};
inline constexpr Rule pci_packed_size{"D-4.1.4.3.2-2", "4.1.4.3.2", "With RING_PACKED, do not write 0 to queue_size"};
inline constexpr Rule pci_split_size{"D-4.1.4.3.2-3", "4.1.4.3.2", "Without RING_PACKED, queue_size is a power of 2"};
inline constexpr Rule pci_queue_fields{"D-4.1.4.3.2-4", "4.1.4.3.2",
                                       "Configure the other fields of a queue before queue_enable"};
inline constexpr Rule pci_reset_incomplete{"D-4.1.4.3.2-5", "4.1.4.3.2",
                                           "After a reset, wait until device_status reads 0"};
inline constexpr Rule pci_queue_disable{"D-4.1.4.3.2-6", "4.1.4.3.2", "Do not write 0 to queue_enable"};
inline constexpr Rule pci_queue_reset_ongoing{"D-4.1.4.3.2-7", "4.1.4.3.2",
                                              "A queue reset lasts until queue_reset reads 0"};
inline constexpr Rule pci_device_feature_select{"S-4.1.4.3-offered", "4.1.4.3",
                                                "Write device_feature_select before device_feature"};
inline constexpr Rule pci_driver_feature_select{"S-4.1.4.3-accepted", "4.1.4.3",
                                                "Write driver_feature_select before driver_feature"};
inline constexpr Rule pci_field_absent{"S-4.1.4.3-absent", "4.1.4.3",
                                       "Access a field that needs a feature only if it was negotiated"};
inline constexpr Rule pci_queue_enable_value{"S-4.1.4.3-enable", "4.1.4.3", "Write 1 to queue_enable, and only once"};
inline constexpr Rule pci_queue_size_max{"S-4.1.4.3-size", "4.1.4.3", "queue_size is at most what it was on reset"};
inline constexpr Rule pci_queue_reset_use{"S-4.1.4.3-reset", "4.1.4.3", "Use queue_reset by writing 1"};
inline constexpr Rule pci_notify_address{"S-4.1.4.4-address", "4.1.4.4", "Notify each queue at its own address"};
inline constexpr Rule pci_notify_read{"S-4.1.4.4-read", "4.1.4.4", "Do not read where notifications are written"};
inline constexpr Rule pci_config_read_only{"S-4.1.4.6-config", "4.1.4.6",
                                           "Write only config fields that the driver may write"};
inline constexpr Rule pci_window_alignment{"D-4.1.4.9.2-1", "4.1.4.9.2",
                                           "cap.offset is a multiple of cap.length, which is 1, 2 or 4"};
inline constexpr Rule pci_window_range{"D-4.1.4.9.2-2", "4.1.4.9.2",
                                       "Use pci_cfg_data only for what another capability describes"};
inline constexpr Rule pci_mixed{"S-4.1.4.10-mixed", "4.1.4.10",
                                "Between two resets, use either the legacy interface or the modern one"};
inline constexpr Rule pci_legacy_unknown{"L-4.1.4.10-3", "4.1.4.10",
                                         "The device configuration follows the headers, which MSI-X makes longer"};
inline constexpr Rule pci_legacy_in_use{"S-4.1.4.10-in-use", "4.1.4.10",
                                        "Place a legacy queue only while its address is 0"};
inline constexpr Rule pci_vector_range{"D-4.1.5.1.2.2-4", "4.1.5.1.2.2", "Map an event only to a vector in the table"};
inline constexpr Rule pci_vector_unread{"D-4.1.5.1.2.2-5", "4.1.5.1.2.2", "Read a vector back after mapping it"};
inline constexpr Rule pci_queue_absent{"S-4.1.5.1.3-absent", "4.1.5.1.3", "Use only queues whose queue_size is not 0"};
inline constexpr Rule pci_notify_width_16{"D-4.1.5.2.1-1", "4.1.5.2.1",
                                          "Without NOTIFICATION_DATA, notify 16 bits wide"};
inline constexpr Rule pci_notify_width_32{"D-4.1.5.2.1-2", "4.1.5.2.1", "With NOTIFICATION_DATA, notify 32 bits wide"};
inline constexpr Rule pci_notify_index{"D-4.1.5.2.1-3", "4.1.5.2.1",
                                       "Notify with the index of a queue that is enabled"};
inline constexpr Rule pci_notify_data_index{"D-4.1.5.2.1-4", "4.1.5.2.1",
                                            "With NOTIFICATION_DATA, vq_index is that of a queue that is enabled"};
inline constexpr Rule pci_notify_config_data{"D-4.1.5.2.1-5", "4.1.5.2.1",
                                             "With NOTIF_CONFIG_DATA, notify with queue_notif_config_data"};
inline constexpr Rule pci_notify_both{"D-4.1.5.2.1-6", "4.1.5.2.1",
                                      "With both, vq_notif_config_data is queue_notif_config_data"};
inline constexpr Rule pci_notify_next{"S-4.1.5.2-data", "4.1.5.2", "With NOTIFICATION_DATA, tell the available idx"};

// §4.2
inline constexpr Rule register_unknown{"D-4.2.2.2-1", "4.2.2.2", "Access only what the register table describes"};
inline constexpr Rule register_read_only{"D-4.2.2.2-2", "4.2.2.2", "Do not write a read-only register"};
inline constexpr Rule register_write_only{"D-4.2.2.2-3", "4.2.2.2", "Do not read a write-only register"};
inline constexpr Rule register_width{"D-4.2.2.2-4", "4.2.2.2", "Access control registers aligned and 32 bits wide"};
inline constexpr Rule config_width_8{"D-4.2.2.2-5", "4.2.2.2", "Access 8-bit config fields 8 bits wide"};
inline constexpr Rule config_width_16{"D-4.2.2.2-6", "4.2.2.2", "Access 16-bit config fields aligned, 16 bits wide"};
inline constexpr Rule config_width_32{"D-4.2.2.2-7", "4.2.2.2", "Access 32- and 64-bit config fields 32 bits wide"};
inline constexpr Rule magic_ignored{"D-4.2.2.2-8", "4.2.2.2", "Ignore a device with a wrong MagicValue"};
inline constexpr Rule version_ignored{"D-4.2.2.2-10", "4.2.2.2", "Ignore a device with an unknown Version"};
inline constexpr Rule device_features_sel{"D-4.2.2.2-14", "4.2.2.2", "Write DeviceFeaturesSel before DeviceFeatures"};
inline constexpr Rule driver_features_sel{"D-4.2.2.2-15", "4.2.2.2", "Write DriverFeaturesSel before DriverFeatures"};
inline constexpr Rule queue_size_max{"D-4.2.2.2-16", "4.2.2.2", "QueueSize is at most QueueSizeMax"};
inline constexpr Rule queue_live{"D-4.2.2.2-17", "4.2.2.2", "Leave size and addresses alone while QueueReady is 1"};
inline constexpr Rule queue_stop_readback{"D-4.2.2.2-19", "4.2.2.2", "Read QueueReady back after stopping a queue"};
inline constexpr Rule interrupt_ack{"D-4.2.2.2-22", "4.2.2.2", "Set no undefined bit in InterruptACK"};
inline constexpr Rule queue_reset_ongoing{"D-4.2.2.2-23", "4.2.2.2", "A queue reset lasts until QueueReset reads 0"};
inline constexpr Rule probe_first{"D-4.2.3.1.1-1", "4.2.3.1.1", "Begin by reading MagicValue and Version"};
inline constexpr Rule probe_device_id{"D-4.2.3.1.1-2", "4.2.3.1.1", "Then read DeviceID, before all else"};
inline constexpr Rule placeholder{"D-4.2.3.1.1-4", "4.2.3.1.1", "Access nothing more of a device with DeviceID 0"};
inline constexpr Rule shared_memory{"D-4.2.3.1.1-5", "4.2.3.1.1", "Leave the shared memory registers of others alone"};
inline constexpr Rule version_1{"D-6.1-1", "6.1", "Accept VERSION_1 if it is offered"};
inline constexpr Rule legacy_any_layout{"L-6.3-1", "6.3", "Accept ANY_LAYOUT if it is offered"};
inline constexpr Rule config_read_only{"S-4.2.2-config", "4.2.2",
                                       "Write only config fields that the driver may write"};
inline constexpr Rule queue_ready_value{"S-4.2.2-ready", "4.2.2", "Write 0 or 1 to QueueReady, and 1 only once"};
inline constexpr Rule queue_reset_use{"S-4.2.2-reset", "4.2.2", "Use QueueReset only with RING_RESET, writing 1"};
inline constexpr Rule queue_unconfigured{"S-4.2.3.2-setup", "4.2.3.2",
                                         "Write size and addresses before starting a queue"};
inline constexpr Rule queue_absent{"S-4.2.3.2-absent", "4.2.3.2", "Use only queues whose QueueSizeMax is not 0"};
inline constexpr Rule notify_index{"S-4.2.3.3-index", "4.2.3.3", "Notify with the index of a queue that is started"};
inline constexpr Rule notify_data{"S-4.2.3.3-data", "4.2.3.3", "With NOTIFICATION_DATA, tell the available idx"};
inline constexpr Rule guest_page_size{"S-4.2.4-page", "4.2.4", "Write GuestPageSize, a power of 2, before QueuePFN"};
inline constexpr Rule queue_align{"S-4.2.4-align", "4.2.4", "Write QueueAlign, a power of 2, before QueuePFN"};
inline constexpr Rule queue_in_use{"S-4.2.4-in-use", "4.2.4",
                                   "Change or size a legacy queue only while QueuePFN is 0"};

// §5.2
inline constexpr Rule writeback_early{"D-5.2.5.1-4", "5.2.5.1", "Do not read writeback before FEATURES_OK"};
inline constexpr Rule block_zoned_discard{"D-5.2.5.1-6", "5.2.5.1", "Accept no DISCARD of a host-managed zoned disk"};
inline constexpr Rule block_beyond{"D-5.2.6.1-2", "5.2.6.1", "Submit no request that reaches beyond capacity"};
inline constexpr Rule block_flush_sector{"D-5.2.6.1-4", "5.2.6.1", "sector is 0 in a flush request"};
inline constexpr Rule block_flush_data{"D-5.2.6.1-5", "5.2.6.1", "A flush request has no data"};
inline constexpr Rule block_multiple{"D-5.2.6.1-6", "5.2.6.1", "IN and OUT data is a multiple of 512 bytes"};
inline constexpr Rule block_range_bytes{"D-5.2.6.1-7", "5.2.6.1",
                                        "Discard and write zeroes data is ranges of 16 bytes"};
inline constexpr Rule block_id_length{"D-5.2.6.1-8", "5.2.6.1", "GET_ID data is 20 bytes"};
inline constexpr Rule block_discard_seg{"D-5.2.6.1-9", "5.2.6.1", "A discard has at most max_discard_seg ranges"};
inline constexpr Rule block_zeroes_seg{"D-5.2.6.1-11", "5.2.6.1",
                                       "A write zeroes has at most max_write_zeroes_seg ranges"};
inline constexpr Rule block_discard_unmap{"D-5.2.6.1-14", "5.2.6.1", "unmap is 0 in a discard"};
inline constexpr Rule block_read_only{"S-5.2.5-ro", "5.2.5", "Send no write to a read-only device"};
inline constexpr Rule block_header{"S-5.2.6-header", "5.2.6", "A request begins with 16 device-readable bytes"};
inline constexpr Rule block_status{"S-5.2.6-status", "5.2.6", "A request ends with a device-writable status byte"};
inline constexpr Rule block_direction{"S-5.2.6-direction", "5.2.6",
                                      "Data flows one way: in for reads, out for the others"};
inline constexpr Rule block_range_flags{"S-5.2.6-flags", "5.2.6", "The reserved flag bits of a range are 0"};
inline constexpr Rule block_range_sectors{"S-5.2.4-range", "5.2.4",
                                          "A range has at most max_discard_sectors or max_write_zeroes_sectors"};
inline constexpr Rule block_sector{"S-5.2.6-sector", "5.2.6", "sector is 0 where it has no meaning"};
inline constexpr Rule block_segments{"S-5.2.4-seg", "5.2.4", "Data has at most seg_max segments of size_max bytes"};
inline constexpr Rule legacy_header{"L-2.7.4.3-1", "2.7.4.3", "Without ANY_LAYOUT, the header is one descriptor"};
inline constexpr Rule legacy_status{"L-2.7.4.3-2", "2.7.4.3", "Without ANY_LAYOUT, the status is a descriptor alone"};

// §5.3
inline constexpr Rule console_receive_readable{"D-5.3.6.1-1", "5.3.6.1",
                                               "Put no device-readable buffer into a receiveq"};
inline constexpr Rule console_transmit_writable{"D-5.3.6.1-2", "5.3.6.1",
                                                "Put no device-writable buffer into a transmitq"};
inline constexpr Rule console_multiport{"S-5.3.2-multiport", "5.3.2",
                                        "Without MULTIPORT, use only the queues of port 0"};
inline constexpr Rule console_length{"S-5.3.6.2-length", "5.3.6.2", "A control message has 8 bytes"};
inline constexpr Rule console_event{"S-5.3.6.2-event", "5.3.6.2", "Send only DEVICE_READY, PORT_READY and PORT_OPEN"};
inline constexpr Rule console_value{"S-5.3.6.2-value", "5.3.6.2", "value is 0 or 1"};
inline constexpr Rule console_port_absent{"S-5.3.6.2-port", "5.3.6.2", "Use only ports that DEVICE_ADD announced"};
inline constexpr Rule console_port_ready{"S-5.3.6.2-ready", "5.3.6.2", "Send PORT_READY before a port is used"};
inline constexpr Rule console_device_ready{"D-5.3.6.2.2-1", "5.3.6.2.2", "With MULTIPORT, send DEVICE_READY first"};
inline constexpr Rule console_open_console{"D-5.3.6.2.2-3", "5.3.6.2.2",
                                           "Answer CONSOLE_PORT with PORT_OPEN, value 1"};
inline constexpr Rule legacy_console_control{"L-5.3.4.1-4", "5.3.6.4",
                                             "Without ANY_LAYOUT, a control buffer is one descriptor"};

// §5.4
inline constexpr Rule entropy_readable{"D-5.4.6.1-1", "5.4.6.1", "Put no device-readable buffer into the queue"};

// 9P transport: §5 lists it, and no more. These are the rules of 9P that its hosts check.
inline constexpr Rule p9_request_short{"S-9p-short", "5", "A request of 9P begins with a header of 7 bytes"};
inline constexpr Rule p9_request_size{"S-9p-size", "5", "The size in a request of 9P is the request's length"};
inline constexpr Rule p9_no_room{"S-9p-room", "5", "Behind a request of 9P there is room for a header"};

}  // namespace virtq::sim::rule
