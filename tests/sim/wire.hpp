// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <array>
#include <cstddef>
#include <vector>

/// The numbers of VIRTIO 1.4 that the simulated device needs, taken from the standard a second time. Nothing here
/// comes from the library's own `spec/`. So a misread number shows up as a disagreement between driver and device.
namespace virtq::sim {

/// Feature bits 0 to 127 as four words. Word `i` holds bits `32 * i` and up (§4.2.2, DeviceFeaturesSel).
using FeatureWords = std::array<uint32_t, 4>;

[[nodiscard]] constexpr bool has_feature(FeatureWords const& words, unsigned bit) {
    return bit < 128 && ((words[bit / 32] >> (bit % 32)) & 1u) != 0;
}

constexpr void set_feature(FeatureWords& words, unsigned bit, bool on = true) {
    uint32_t const mask = uint32_t{1} << (bit % 32);
    words[bit / 32] = on ? words[bit / 32] | mask : words[bit / 32] & ~mask;
}

[[nodiscard]] inline FeatureWords feature_words(std::vector<unsigned> const& bits) {
    FeatureWords words{};
    for (unsigned const bit : bits) {
        set_feature(words, bit);
    }
    return words;
}

/// §2.7.3: little-endian since 1.0; a legacy device uses the guest's native order.
enum class ByteOrder : uint8_t { little, big };
/// The guest's byte order, which legacy devices use (§2.5.3, §2.7.3, §5.2.6.4).
inline constexpr ByteOrder guest_order =
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ByteOrder::little : ByteOrder::big;

namespace wire {

/// §6 (Reserved Feature Bits) and §6.3 for the legacy ones.
namespace feature {
inline constexpr unsigned notify_on_empty = 24;    // VIRTIO_F_NOTIFY_ON_EMPTY, legacy
inline constexpr unsigned any_layout = 27;         // VIRTIO_F_ANY_LAYOUT, legacy
inline constexpr unsigned indirect_desc = 28;      // VIRTIO_F_INDIRECT_DESC
inline constexpr unsigned event_idx = 29;          // VIRTIO_F_EVENT_IDX
inline constexpr unsigned version_1 = 32;          // VIRTIO_F_VERSION_1
inline constexpr unsigned ring_packed = 34;        // VIRTIO_F_RING_PACKED
inline constexpr unsigned in_order = 35;           // VIRTIO_F_IN_ORDER
inline constexpr unsigned sr_iov = 37;             // VIRTIO_F_SR_IOV: PCI only
inline constexpr unsigned notification_data = 38;  // VIRTIO_F_NOTIFICATION_DATA
inline constexpr unsigned notif_config_data = 39;  // VIRTIO_F_NOTIF_CONFIG_DATA
inline constexpr unsigned ring_reset = 40;         // VIRTIO_F_RING_RESET
inline constexpr unsigned suspend = 43;            // VIRTIO_F_SUSPEND
inline constexpr unsigned admin_vq = 41;           // VIRTIO_F_ADMIN_VQ: not on MMIO (§4.2.5)
inline constexpr unsigned first_reserved = 44;     // §2.2: 44 to 49 are reserved for future extensions
inline constexpr unsigned last_reserved = 49;
}  // namespace feature

/// §2.1 (Device Status Field).
namespace status {
inline constexpr uint32_t acknowledge = 1;
inline constexpr uint32_t driver = 2;
inline constexpr uint32_t driver_ok = 4;
inline constexpr uint32_t features_ok = 8;
inline constexpr uint32_t suspend = 16;
inline constexpr uint32_t needs_reset = 64;  // DEVICE_NEEDS_RESET
inline constexpr uint32_t failed = 128;
inline constexpr uint32_t defined = 0xdf;
}  // namespace status

/// §2.7 (Split Virtqueues).
namespace split {
inline constexpr uint16_t max_queue_size = 32768;

inline constexpr size_t descriptor_bytes = 16;  // §2.7.5: le64 addr, le32 len, le16 flags, le16 next
inline constexpr uint16_t flag_next = 1;        // VIRTQ_DESC_F_NEXT
inline constexpr uint16_t flag_write = 2;       // VIRTQ_DESC_F_WRITE
inline constexpr uint16_t flag_indirect = 4;    // VIRTQ_DESC_F_INDIRECT
inline constexpr uint16_t no_interrupt = 1;     // VIRTQ_AVAIL_F_NO_INTERRUPT, §2.7.6
inline constexpr uint16_t no_notify = 1;        // VIRTQ_USED_F_NO_NOTIFY, §2.7.8

inline constexpr size_t flags_offset = 0;  // both rings: le16 flags, le16 idx, ring[]
inline constexpr size_t idx_offset = 2;
inline constexpr size_t ring_offset = 4;
inline constexpr size_t used_element_bytes = 8;  // §2.7.8: le32 id, le32 len

inline constexpr uint64_t descriptor_alignment = 16;  // the table of §2.7
inline constexpr uint64_t available_alignment = 2;
inline constexpr uint64_t used_alignment = 4;

[[nodiscard]] constexpr size_t descriptor_area_bytes(size_t size) {
    return descriptor_bytes * size;
}
[[nodiscard]] constexpr size_t available_area_bytes(size_t size) {
    return 6 + 2 * size;
}
[[nodiscard]] constexpr size_t used_area_bytes(size_t size) {
    return 6 + used_element_bytes * size;
}
[[nodiscard]] constexpr size_t used_event_offset(size_t size) {
    return ring_offset + 2 * size;
}
[[nodiscard]] constexpr size_t avail_event_offset(size_t size) {
    return ring_offset + used_element_bytes * size;
}
}  // namespace split

/// §2.8 (Packed Virtqueues). Little-endian throughout: there is no legacy packed ring.
namespace packed {
inline constexpr uint16_t max_queue_size = 32768;

inline constexpr size_t descriptor_bytes = 16;  // §2.8.13: le64 addr, le32 len, le16 id, le16 flags
inline constexpr size_t length_offset = 8;
inline constexpr size_t id_offset = 12;
inline constexpr size_t flags_offset = 14;
inline constexpr uint16_t flag_next = 1;        // VIRTQ_DESC_F_NEXT
inline constexpr uint16_t flag_write = 2;       // VIRTQ_DESC_F_WRITE
inline constexpr uint16_t flag_indirect = 4;    // VIRTQ_DESC_F_INDIRECT
inline constexpr uint16_t flag_avail = 1 << 7;  // VIRTQ_DESC_F_AVAIL
inline constexpr uint16_t flag_used = 1 << 15;  // VIRTQ_DESC_F_USED

inline constexpr size_t event_bytes = 4;  // §2.8.14: le16 desc, le16 flags
inline constexpr size_t event_flags_offset = 2;
inline constexpr uint16_t event_wrap = 1 << 15;  // desc: 15 bits of offset, then the wrap counter
inline constexpr uint16_t event_flags_mask = 3;  // flags: the other bits are reserved
inline constexpr uint16_t event_enable = 0;      // RING_EVENT_FLAGS_ENABLE
inline constexpr uint16_t event_disable = 1;     // RING_EVENT_FLAGS_DISABLE
inline constexpr uint16_t event_descriptor = 2;  // RING_EVENT_FLAGS_DESC

inline constexpr uint64_t descriptor_alignment = 16;  // the table of §2.8.10.1
inline constexpr uint64_t event_alignment = 4;

[[nodiscard]] constexpr size_t descriptor_area_bytes(size_t size) {
    return descriptor_bytes * size;
}
}  // namespace packed

/// §4.2.2, and §4.2.4 for the legacy register layout.
namespace mmio {
inline constexpr uint32_t magic = 0x74726976;

inline constexpr uint16_t magic_value = 0x000;
inline constexpr uint16_t version = 0x004;
inline constexpr uint16_t device_id = 0x008;
inline constexpr uint16_t vendor_id = 0x00c;
inline constexpr uint16_t device_features = 0x010;
inline constexpr uint16_t device_features_sel = 0x014;
inline constexpr uint16_t driver_features = 0x020;
inline constexpr uint16_t driver_features_sel = 0x024;
inline constexpr uint16_t guest_page_size = 0x028;  // legacy
inline constexpr uint16_t queue_sel = 0x030;
inline constexpr uint16_t queue_size_max = 0x034;
inline constexpr uint16_t queue_size = 0x038;
inline constexpr uint16_t queue_align = 0x03c;  // legacy
inline constexpr uint16_t queue_pfn = 0x040;    // legacy
inline constexpr uint16_t queue_ready = 0x044;
inline constexpr uint16_t queue_notify = 0x050;
inline constexpr uint16_t interrupt_status = 0x060;
inline constexpr uint16_t interrupt_ack = 0x064;
inline constexpr uint16_t status = 0x070;
inline constexpr uint16_t queue_desc_low = 0x080;
inline constexpr uint16_t queue_desc_high = 0x084;
inline constexpr uint16_t queue_driver_low = 0x090;
inline constexpr uint16_t queue_driver_high = 0x094;
inline constexpr uint16_t queue_device_low = 0x0a0;
inline constexpr uint16_t queue_device_high = 0x0a4;
inline constexpr uint16_t shm_sel = 0x0ac;
inline constexpr uint16_t shm_len_low = 0x0b0;
inline constexpr uint16_t shm_len_high = 0x0b4;
inline constexpr uint16_t shm_base_low = 0x0b8;
inline constexpr uint16_t shm_base_high = 0x0bc;
inline constexpr uint16_t queue_reset = 0x0c0;
inline constexpr uint16_t config_generation = 0x0fc;
inline constexpr uint16_t config = 0x100;

inline constexpr uint32_t used_buffer = 1;    // InterruptStatus bit 0
inline constexpr uint32_t config_change = 2;  // InterruptStatus bit 1

/// A row of the register table: its directions, and the layouts that have it.
struct Row {
    uint16_t offset;
    bool readable;
    bool writable;
    bool modern;
    bool legacy;
};

inline constexpr Row rows[] = {
    {magic_value, true, false, true, true},
    {version, true, false, true, true},
    {device_id, true, false, true, true},
    {vendor_id, true, false, true, true},
    {device_features, true, false, true, true},
    {device_features_sel, false, true, true, true},
    {driver_features, false, true, true, true},
    {driver_features_sel, false, true, true, true},
    {guest_page_size, false, true, false, true},
    {queue_sel, false, true, true, true},
    {queue_size_max, true, false, true, true},
    {queue_size, false, true, true, true},
    {queue_align, false, true, false, true},
    {queue_pfn, true, true, false, true},
    {queue_ready, true, true, true, false},
    {queue_notify, false, true, true, true},
    {interrupt_status, true, false, true, true},
    {interrupt_ack, false, true, true, true},
    {status, true, true, true, true},
    {queue_desc_low, false, true, true, false},
    {queue_desc_high, false, true, true, false},
    {queue_driver_low, false, true, true, false},
    {queue_driver_high, false, true, true, false},
    {queue_device_low, false, true, true, false},
    {queue_device_high, false, true, true, false},
    {shm_sel, false, true, true, false},
    {shm_len_low, true, false, true, false},
    {shm_len_high, true, false, true, false},
    {shm_base_low, true, false, true, false},
    {shm_base_high, true, false, true, false},
    {queue_reset, true, true, true, false},
    {config_generation, true, false, true, false},
};
}  // namespace mmio

/// §5.2 (Block Device).
namespace block {
inline constexpr uint32_t device_id = 2;  // §5.2.1
inline constexpr uint32_t sector_bytes = 512;

inline constexpr unsigned size_max = 1;       // VIRTIO_BLK_F_SIZE_MAX, §5.2.3
inline constexpr unsigned seg_max = 2;        // VIRTIO_BLK_F_SEG_MAX
inline constexpr unsigned geometry = 4;       // VIRTIO_BLK_F_GEOMETRY
inline constexpr unsigned ro = 5;             // VIRTIO_BLK_F_RO
inline constexpr unsigned blk_size = 6;       // VIRTIO_BLK_F_BLK_SIZE
inline constexpr unsigned flush = 9;          // VIRTIO_BLK_F_FLUSH
inline constexpr unsigned topology = 10;      // VIRTIO_BLK_F_TOPOLOGY
inline constexpr unsigned config_wce = 11;    // VIRTIO_BLK_F_CONFIG_WCE
inline constexpr unsigned mq = 12;            // VIRTIO_BLK_F_MQ
inline constexpr unsigned discard = 13;       // VIRTIO_BLK_F_DISCARD
inline constexpr unsigned write_zeroes = 14;  // VIRTIO_BLK_F_WRITE_ZEROES
inline constexpr unsigned zoned = 17;         // VIRTIO_BLK_F_ZONED

inline constexpr uint32_t type_in = 0;             // VIRTIO_BLK_T_IN, §5.2.6
inline constexpr uint32_t type_out = 1;            // VIRTIO_BLK_T_OUT
inline constexpr uint32_t type_flush = 4;          // VIRTIO_BLK_T_FLUSH
inline constexpr uint32_t type_get_id = 8;         // VIRTIO_BLK_T_GET_ID
inline constexpr uint32_t type_discard = 11;       // VIRTIO_BLK_T_DISCARD
inline constexpr uint32_t type_write_zeroes = 13;  // VIRTIO_BLK_T_WRITE_ZEROES
inline constexpr size_t header_bytes = 16;         // le32 type, le32 reserved, le64 sector
inline constexpr size_t id_bytes = 20;
inline constexpr size_t range_bytes = 16;        // struct virtio_blk_discard_write_zeroes: le64, le32, le32 flags
inline constexpr uint32_t range_flag_unmap = 1;  // its flags; the other bits are reserved

inline constexpr uint8_t status_ok = 0;      // VIRTIO_BLK_S_OK
inline constexpr uint8_t status_ioerr = 1;   // VIRTIO_BLK_S_IOERR
inline constexpr uint8_t status_unsupp = 2;  // VIRTIO_BLK_S_UNSUPP

inline constexpr size_t config_capacity = 0;  // struct virtio_blk_config, §5.2.4
inline constexpr size_t config_size_max = 8;
inline constexpr size_t config_seg_max = 12;
inline constexpr size_t config_geometry = 16;
inline constexpr size_t config_blk_size = 20;
inline constexpr size_t config_topology = 24;
inline constexpr size_t config_writeback = 32;
inline constexpr size_t config_num_queues = 34;
inline constexpr size_t config_max_discard_sectors = 36;
inline constexpr size_t config_max_discard_seg = 40;
inline constexpr size_t config_discard_sector_alignment = 44;
inline constexpr size_t config_max_write_zeroes_sectors = 48;
inline constexpr size_t config_max_write_zeroes_seg = 52;
inline constexpr size_t config_write_zeroes_may_unmap = 56;
inline constexpr size_t config_zoned_model = 92;
inline constexpr size_t config_bytes = 96;  // up to the zoned model and its tail

inline constexpr uint8_t zoned_none = 0;          // VIRTIO_BLK_Z_NONE, §5.2.4
inline constexpr uint8_t zoned_host_managed = 1;  // VIRTIO_BLK_Z_HM
inline constexpr uint8_t zoned_host_aware = 2;    // VIRTIO_BLK_Z_HA
}  // namespace block

/// §5.3.
namespace console {
inline constexpr uint32_t device_id = 3;  // §5.3.1

inline constexpr unsigned size = 0;         // VIRTIO_CONSOLE_F_SIZE, §5.3.3
inline constexpr unsigned multiport = 1;    // VIRTIO_CONSOLE_F_MULTIPORT
inline constexpr unsigned emerg_write = 2;  // VIRTIO_CONSOLE_F_EMERG_WRITE

inline constexpr size_t config_cols = 0;  // struct virtio_console_config, §5.3.4
inline constexpr size_t config_rows = 2;
inline constexpr size_t config_max_nr_ports = 4;
inline constexpr size_t config_emerg_wr = 8;
inline constexpr size_t config_bytes = 12;

inline constexpr size_t message_bytes = 8;   // struct virtio_console_control, §5.3.6.2: le32, le16, le16
inline constexpr uint16_t device_ready = 0;  // VIRTIO_CONSOLE_DEVICE_READY, and so on
inline constexpr uint16_t device_add = 1;
inline constexpr uint16_t device_remove = 2;
inline constexpr uint16_t port_ready = 3;
inline constexpr uint16_t console_port = 4;
inline constexpr uint16_t event_resize = 5;  // VIRTIO_CONSOLE_RESIZE
inline constexpr uint16_t port_open = 6;
inline constexpr uint16_t port_name = 7;
}  // namespace console

/// §5.1.
namespace net {
inline constexpr uint32_t device_id = 1;  // §5.1.1

inline constexpr unsigned csum = 0;  // VIRTIO_NET_F_CSUM, and so on: §5.1.3
inline constexpr unsigned guest_csum = 1;
inline constexpr unsigned ctrl_guest_offloads = 2;
inline constexpr unsigned mtu = 3;
inline constexpr unsigned mac = 5;
inline constexpr unsigned guest_tso4 = 7;
inline constexpr unsigned guest_tso6 = 8;
inline constexpr unsigned host_tso4 = 11;
inline constexpr unsigned host_tso6 = 12;
inline constexpr unsigned host_ecn = 13;
inline constexpr unsigned mrg_rxbuf = 15;
inline constexpr unsigned status = 16;
inline constexpr unsigned ctrl_vq = 17;
inline constexpr unsigned ctrl_rx = 18;
inline constexpr unsigned ctrl_vlan = 19;
inline constexpr unsigned ctrl_rx_extra = 20;
inline constexpr unsigned guest_announce = 21;
inline constexpr unsigned mq = 22;
inline constexpr unsigned ctrl_mac_addr = 23;
inline constexpr unsigned notf_coal = 53;
inline constexpr unsigned host_uso = 56;
inline constexpr unsigned speed_duplex = 63;

inline constexpr size_t config_mac = 0;  // struct virtio_net_config, §5.1.4
inline constexpr size_t config_status = 6;
inline constexpr size_t config_pairs = 8;
inline constexpr size_t config_mtu = 10;
inline constexpr size_t config_speed = 12;
inline constexpr size_t config_duplex = 16;
inline constexpr size_t config_bytes = 17;

inline constexpr uint16_t link_up = 1;  // VIRTIO_NET_S_LINK_UP
inline constexpr uint16_t announce = 2;

inline constexpr size_t header_flags = 0;  // struct virtio_net_hdr, §5.1.9
inline constexpr size_t header_gso_type = 1;
inline constexpr size_t header_hdr_len = 2;
inline constexpr size_t header_gso_size = 4;
inline constexpr size_t header_csum_start = 6;
inline constexpr size_t header_csum_offset = 8;
inline constexpr size_t header_num_buffers = 10;
inline constexpr size_t header_bytes = 12;
inline constexpr size_t header_bytes_legacy = 10;

inline constexpr uint8_t needs_csum = 1;  // VIRTIO_NET_HDR_F_NEEDS_CSUM
inline constexpr uint8_t data_valid = 2;
inline constexpr uint8_t gso_none = 0;  // VIRTIO_NET_HDR_GSO_NONE
inline constexpr uint8_t gso_tcpv4 = 1;
inline constexpr uint8_t gso_tcpv6 = 4;
inline constexpr uint8_t gso_udp_l4 = 5;
inline constexpr uint8_t gso_ecn = 0x80;

inline constexpr uint8_t class_rx = 0;  // VIRTIO_NET_CTRL_RX, §5.1.9.5
inline constexpr uint8_t class_mac = 1;
inline constexpr uint8_t class_vlan = 2;
inline constexpr uint8_t class_announce = 3;
inline constexpr uint8_t class_mq = 4;
inline constexpr uint8_t class_offloads = 5;
inline constexpr uint8_t class_coalescing = 6;
inline constexpr uint8_t ok = 0;  // VIRTIO_NET_OK
inline constexpr uint8_t err = 1;
}  // namespace net

/// §5.7.
namespace gpu {
inline constexpr uint32_t device_id = 16;  // §5.7.1

inline constexpr unsigned edid = 1;  // VIRTIO_GPU_F_EDID, §5.7.3

inline constexpr size_t config_events_read = 0;  // struct virtio_gpu_config, §5.7.4
inline constexpr size_t config_events_clear = 4;
inline constexpr size_t config_num_scanouts = 8;
inline constexpr size_t config_num_capsets = 12;
inline constexpr size_t config_bytes = 16;
inline constexpr uint32_t event_display = 1;  // VIRTIO_GPU_EVENT_DISPLAY

inline constexpr uint32_t get_display_info = 0x0100;  // VIRTIO_GPU_CMD_GET_DISPLAY_INFO, and so on: §5.7.6.7
inline constexpr uint32_t resource_create_2d = 0x0101;
inline constexpr uint32_t resource_unref = 0x0102;
inline constexpr uint32_t set_scanout = 0x0103;
inline constexpr uint32_t resource_flush = 0x0104;
inline constexpr uint32_t transfer_to_host_2d = 0x0105;
inline constexpr uint32_t attach_backing = 0x0106;
inline constexpr uint32_t detach_backing = 0x0107;
inline constexpr uint32_t get_edid = 0x010a;
inline constexpr uint32_t update_cursor = 0x0300;
inline constexpr uint32_t move_cursor = 0x0301;

inline constexpr uint32_t ok_nodata = 0x1100;  // VIRTIO_GPU_RESP_OK_NODATA, and so on
inline constexpr uint32_t ok_display_info = 0x1101;
inline constexpr uint32_t ok_edid = 0x1104;
inline constexpr uint32_t err_unspec = 0x1200;
inline constexpr uint32_t err_out_of_memory = 0x1201;
inline constexpr uint32_t err_invalid_scanout_id = 0x1202;
inline constexpr uint32_t err_invalid_resource_id = 0x1203;
inline constexpr uint32_t err_invalid_parameter = 0x1205;

inline constexpr size_t header_bytes = 24;  // struct virtio_gpu_ctrl_hdr
inline constexpr size_t header_flags = 4;
inline constexpr size_t header_fence = 8;
inline constexpr size_t header_context = 16;
inline constexpr uint32_t flag_fence = 1;
inline constexpr size_t max_scanouts = 16;   // VIRTIO_GPU_MAX_SCANOUTS, §5.7.6.8
inline constexpr size_t display_bytes = 24;  // struct virtio_gpu_display_one
inline constexpr size_t display_info_bytes = 408;
inline constexpr size_t edid_data = 32;  // struct virtio_gpu_resp_edid: header, size, padding, data
inline constexpr size_t edid_bytes = 1056;
inline constexpr size_t entry_bytes = 16;  // struct virtio_gpu_mem_entry
inline constexpr uint32_t cursor_side = 64;
}  // namespace gpu

/// §5.4.
namespace entropy {
inline constexpr uint32_t device_id = 4;  // §5.4.1
}  // namespace entropy

/// 9P transport: §5 has its number. The rest is what QEMU and Linux agree on.
namespace p9 {
inline constexpr uint32_t device_id = 9;
inline constexpr unsigned mount_tag = 0;  // VIRTIO_9P_MOUNT_TAG

inline constexpr size_t config_tag_len = 0;
inline constexpr size_t config_tag = 2;

inline constexpr size_t header_size = 0;  // size[4] type[1] tag[2], little-endian
inline constexpr size_t header_type = 4;
inline constexpr size_t header_tag = 5;
inline constexpr size_t header_bytes = 7;

inline constexpr uint8_t tflush = 108;  // size[4] type[1] tag[2] oldtag[2]
}  // namespace p9

/// §5.5.
namespace balloon {
inline constexpr uint32_t device_id = 5;  // §5.5.1

inline constexpr unsigned must_tell_host = 0;  // VIRTIO_BALLOON_F_MUST_TELL_HOST, §5.5.3, and so on
inline constexpr unsigned stats_vq = 1;
inline constexpr unsigned deflate_on_oom = 2;
inline constexpr unsigned free_page_hint = 3;
inline constexpr unsigned page_reporting = 5;

inline constexpr size_t config_num_pages = 0;  // struct virtio_balloon_config, §5.5.4
inline constexpr size_t config_actual = 4;

inline constexpr uint32_t page_bytes = 4096;  // §5.5.6
inline constexpr size_t stat_bytes = 10;      // struct virtio_balloon_stat, §5.5.6.3
inline constexpr uint16_t last_tag = 9;       // VIRTIO_BALLOON_S_HTLB_PGFAIL
}  // namespace balloon

/// §5.8. Types and codes of events are those of Linux.
namespace input {
inline constexpr uint32_t device_id = 18;  // §5.8.1

inline constexpr size_t config_select = 0;  // struct virtio_input_config, §5.8.4
inline constexpr size_t config_subsel = 1;
inline constexpr size_t config_size = 2;
inline constexpr size_t config_data = 8;
inline constexpr size_t config_bytes = 136;

inline constexpr uint8_t id_name = 1;  // VIRTIO_INPUT_CFG_ID_NAME, and so on
inline constexpr uint8_t id_serial = 2;
inline constexpr uint8_t id_devids = 3;
inline constexpr uint8_t prop_bits = 0x10;
inline constexpr uint8_t ev_bits = 0x11;
inline constexpr uint8_t abs_info = 0x12;

inline constexpr size_t event_bytes = 8;  // struct virtio_input_event, §5.8.6
inline constexpr uint16_t ev_syn = 0;
inline constexpr uint16_t ev_key = 1;
inline constexpr uint16_t ev_rel = 2;
inline constexpr uint16_t ev_abs = 3;
inline constexpr uint16_t ev_led = 0x11;
inline constexpr uint16_t syn_report = 0;
inline constexpr uint16_t syn_dropped = 3;
}  // namespace input

}  // namespace wire
}  // namespace virtq::sim
