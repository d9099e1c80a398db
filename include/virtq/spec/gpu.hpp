// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>
#include <virtq/spec/feature.hpp>

#include <stddef.h>
#include <stdint.h>

/// GPU device, §5.7 (GPU Device): what its 2D mode needs.
namespace virtq::spec::gpu {

/// §5.7.3 (Feature bits).
enum class Feature : uint8_t {
    virgl = 0,           ///< VIRTIO_GPU_F_VIRGL
    edid = 1,            ///< VIRTIO_GPU_F_EDID
    resource_uuid = 2,   ///< VIRTIO_GPU_F_RESOURCE_UUID
    resource_blob = 3,   ///< VIRTIO_GPU_F_RESOURCE_BLOB
    context_init = 4,    ///< VIRTIO_GPU_F_CONTEXT_INIT
    blob_alignment = 5,  ///< VIRTIO_GPU_F_BLOB_ALIGNMENT
};

/// §5.7.3: CONTEXT_INIT requires VIRGL, BLOB_ALIGNMENT requires RESOURCE_BLOB.
inline constexpr FeatureNeed feature_needs[] = {
    {static_cast<uint8_t>(Feature::context_init), static_cast<uint8_t>(Feature::virgl)},
    {static_cast<uint8_t>(Feature::blob_alignment), static_cast<uint8_t>(Feature::resource_blob)},
};

/// §5.7.2 (Virtqueues): all commands but those of the cursor.
inline constexpr uint16_t control_queue = 0;
/// §5.7.2 (Virtqueues): `update_cursor` and `move_cursor`.
inline constexpr uint16_t cursor_queue = 1;

/// §5.7.4 (Device configuration layout): offsets in the configuration space.
namespace config {
inline constexpr detail::ReadOnly<uint32_t> events_read{0};      ///< pending events, for example `event_display`
inline constexpr detail::WriteOnly<uint32_t> events_clear{4};    ///< a 1 clears this bit of `events_read`
inline constexpr detail::ReadOnly<uint32_t> num_scanouts{8};     ///< most displays, 1 to `scanouts_max`
inline constexpr detail::ReadOnly<uint32_t> num_capsets{12};     ///< most capability sets
inline constexpr detail::ReadOnly<uint32_t> blob_alignment{16};  ///< BLOB_ALIGNMENT: in bytes, a power of two
}  // namespace config

/// §5.7.4: VIRTIO_GPU_EVENT_DISPLAY, the displays have changed.
inline constexpr uint32_t event_display = 1;
/// §5.7.6.8: VIRTIO_GPU_MAX_SCANOUTS.
inline constexpr uint32_t scanouts_max = 16;
/// §5.7.6.8: length of `edid` in the answer to `get_edid`, in bytes.
inline constexpr uint32_t edid_bytes_max = 1024;

/// §5.7.6.7 (Device Operation: Request header): commands of 2D mode.
enum class Command : uint32_t {
    get_display_info = 0x0100,         ///< VIRTIO_GPU_CMD_GET_DISPLAY_INFO: a `Header`
    resource_create_2d = 0x0101,       ///< VIRTIO_GPU_CMD_RESOURCE_CREATE_2D
    resource_unref = 0x0102,           ///< VIRTIO_GPU_CMD_RESOURCE_UNREF: a `ResourceCommand`
    set_scanout = 0x0103,              ///< VIRTIO_GPU_CMD_SET_SCANOUT
    resource_flush = 0x0104,           ///< VIRTIO_GPU_CMD_RESOURCE_FLUSH
    transfer_to_host_2d = 0x0105,      ///< VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D
    resource_attach_backing = 0x0106,  ///< VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING
    resource_detach_backing = 0x0107,  ///< VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING: a `ResourceCommand`
    get_edid = 0x010a,                 ///< VIRTIO_GPU_CMD_GET_EDID, with EDID
    update_cursor = 0x0300,            ///< VIRTIO_GPU_CMD_UPDATE_CURSOR
    move_cursor = 0x0301,              ///< VIRTIO_GPU_CMD_MOVE_CURSOR: an `UpdateCursor`
};

/// §5.7.6.7: what `Header::type` of an answer can be.
enum class Response : uint32_t {
    ok_nodata = 0x1100,                ///< VIRTIO_GPU_RESP_OK_NODATA
    ok_display_info = 0x1101,          ///< VIRTIO_GPU_RESP_OK_DISPLAY_INFO
    ok_edid = 0x1104,                  ///< VIRTIO_GPU_RESP_OK_EDID
    err_unspec = 0x1200,               ///< VIRTIO_GPU_RESP_ERR_UNSPEC
    err_out_of_memory = 0x1201,        ///< VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
    err_invalid_scanout_id = 0x1202,   ///< VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID
    err_invalid_resource_id = 0x1203,  ///< VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
    err_invalid_context_id = 0x1204,   ///< VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID
    err_invalid_parameter = 0x1205,    ///< VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
};

/// §5.7.6.7: bit 0 of `Header::flags`, VIRTIO_GPU_FLAG_FENCE. The answer comes when the work is done.
inline constexpr uint32_t flag_fence = 1;

/// §5.7.6.7: starts each command and each answer.
struct Header {
    uint32_t type;       ///< a `Command` or a `Response`
    uint32_t flags;      ///< `flag_fence`, or 0
    uint64_t fence_id;   ///< with `flag_fence`: chosen by the driver, repeated in the answer
    uint32_t ctx_id;     ///< 0 in 2D mode
    uint8_t ring_idx;    ///< 0 without CONTEXT_INIT
    uint8_t padding[3];  ///< 0
};
static_assert(sizeof(Header) == 24 && offsetof(Header, fence_id) == 8 && offsetof(Header, ctx_id) == 16 &&
                  offsetof(Header, ring_idx) == 20,
              "A GPU header is 24 bytes: le32 type, flags, le64 fence_id, le32 ctx_id, u8 ring_idx (§5.7.6.7)");

/// §5.7.6.8 (Device Operation: controlq): pixels from the left and from the top.
struct Rect {
    uint32_t x;       ///< left edge
    uint32_t y;       ///< upper edge
    uint32_t width;   ///< in pixels
    uint32_t height;  ///< in pixels
};
static_assert(sizeof(Rect) == 16 && offsetof(Rect, width) == 8, "A GPU rectangle is four le32 (§5.7.6.8)");

/// §5.7.6.8: a display, in the answer to `get_display_info`.
struct Display {
    Rect r;            ///< preferred place and size
    uint32_t enabled;  ///< not 0 if the display is connected
    uint32_t flags;    ///< no meaning yet
};
/// §5.7.6.8: the answer to `get_display_info`.
struct DisplayInfo {
    Header hdr;                    ///< type `ok_display_info`
    Display pmodes[scanouts_max];  ///< one for each scanout
};
static_assert(sizeof(DisplayInfo) == 408 && sizeof(Display) == 24 && offsetof(Display, enabled) == 16,
              "GPU display information is a header and 16 displays of 24 bytes (§5.7.6.8)");

/// §5.7.6.8: `get_edid`.
struct GetEdid {
    Header hdr;        ///< type `get_edid`
    uint32_t scanout;  ///< number of the display
    uint32_t padding;  ///< 0
};
/// §5.7.6.8: the answer to `get_edid`.
struct Edid {
    Header hdr;                    ///< type `ok_edid`
    uint32_t size;                 ///< how many bytes of `edid` are valid
    uint32_t padding;              ///< no meaning
    uint8_t edid[edid_bytes_max];  ///< as VESA specifies it
};
static_assert(sizeof(GetEdid) == 32 && sizeof(Edid) == 1056 && offsetof(Edid, edid) == 32,
              "A GPU EDID command is 32 bytes, its answer 1056 (§5.7.6.8)");

/// §5.7.6.8: the order of the bytes of a pixel in memory.
enum class Format : uint32_t {
    b8g8r8a8 = 1,    ///< VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM
    b8g8r8x8 = 2,    ///< VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM
    a8r8g8b8 = 3,    ///< VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM
    x8r8g8b8 = 4,    ///< VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM
    r8g8b8a8 = 67,   ///< VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM
    x8b8g8r8 = 68,   ///< VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM
    a8b8g8r8 = 121,  ///< VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM
    r8g8b8x8 = 134,  ///< VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM
};

/// §5.7.6.8: `resource_create_2d`.
struct ResourceCreate2d {
    Header hdr;            ///< type `resource_create_2d`
    uint32_t resource_id;  ///< chosen by the driver, not 0
    uint32_t format;       ///< a `Format`
    uint32_t width;        ///< in pixels
    uint32_t height;       ///< in pixels
};
static_assert(sizeof(ResourceCreate2d) == 40 && offsetof(ResourceCreate2d, format) == 28,
              "Creating a GPU resource takes 40 bytes: header, le32 resource_id, format, width, height (§5.7.6.8)");

/// §5.7.6.8: `resource_unref` and `resource_detach_backing`.
struct ResourceCommand {
    Header hdr;            ///< either type
    uint32_t resource_id;  ///< the resource
    uint32_t padding;      ///< 0
};
static_assert(sizeof(ResourceCommand) == 32, "These GPU commands are 32 bytes (§5.7.6.8)");

/// §5.7.6.8: `set_scanout`. Resource 0 switches the display off.
struct SetScanout {
    Header hdr;            ///< type `set_scanout`
    Rect r;                ///< which part of the resource to show
    uint32_t scanout_id;   ///< number of the display
    uint32_t resource_id;  ///< what to show
};
static_assert(sizeof(SetScanout) == 48 && offsetof(SetScanout, scanout_id) == 40,
              "Setting a GPU scanout takes 48 bytes: header, rectangle, le32 scanout_id, resource_id (§5.7.6.8)");

/// §5.7.6.8: `resource_flush`.
struct ResourceFlush {
    Header hdr;            ///< type `resource_flush`
    Rect r;                ///< what has changed
    uint32_t resource_id;  ///< the resource
    uint32_t padding;      ///< 0
};
static_assert(sizeof(ResourceFlush) == 48 && offsetof(ResourceFlush, resource_id) == 40,
              "Flushing a GPU resource takes 48 bytes: header, rectangle, le32 resource_id (§5.7.6.8)");

/// §5.7.6.8: `transfer_to_host_2d`.
struct TransferToHost2d {
    Header hdr;            ///< type `transfer_to_host_2d`
    Rect r;                ///< what to copy
    uint64_t offset;       ///< where the rectangle starts in the backing memory, in bytes
    uint32_t resource_id;  ///< the resource
    uint32_t padding;      ///< 0
};
static_assert(sizeof(TransferToHost2d) == 56 && offsetof(TransferToHost2d, offset) == 40,
              "A GPU transfer takes 56 bytes: header, rectangle, le64 offset, le32 resource_id (§5.7.6.8)");

/// §5.7.6.8: `resource_attach_backing`. `nr_entries` of `MemoryEntry` follow.
struct ResourceAttachBacking {
    Header hdr;            ///< type `resource_attach_backing`
    uint32_t resource_id;  ///< the resource
    uint32_t nr_entries;   ///< how many pieces of memory follow
};
/// §5.7.6.8: a piece of the memory behind a resource.
struct MemoryEntry {
    uint64_t addr;     ///< where it starts
    uint32_t length;   ///< in bytes
    uint32_t padding;  ///< 0
};
static_assert(sizeof(ResourceAttachBacking) == 32 && sizeof(MemoryEntry) == 16 && offsetof(MemoryEntry, length) == 8,
              "Attaching memory takes 32 bytes and 16 for each piece: le64 addr, le32 length (§5.7.6.8)");

/// §5.7.6.10 (Device Operation: cursorq): where a cursor is.
struct CursorPos {
    uint32_t scanout_id;  ///< number of the display
    uint32_t x;           ///< pixels from the left
    uint32_t y;           ///< pixels from the top
    uint32_t padding;     ///< 0
};
/// §5.7.6.10: `update_cursor`, and `move_cursor`, which reads only `pos`. The answer is a `Header`; in the field drivers
/// leave no room for it, and devices write none.
struct UpdateCursor {
    Header hdr;            ///< either type
    CursorPos pos;         ///< where to show it
    uint32_t resource_id;  ///< its picture of 64 by 64 pixels
    uint32_t hot_x;        ///< the point of the picture that is at `pos`
    uint32_t hot_y;        ///< the point of the picture that is at `pos`
    uint32_t padding;      ///< 0
};
static_assert(sizeof(UpdateCursor) == 56 && sizeof(CursorPos) == 16 && offsetof(UpdateCursor, resource_id) == 40,
              "A GPU cursor command is 56 bytes: header, position, le32 resource_id, hot_x, hot_y (§5.7.6.10)");

}  // namespace virtq::spec::gpu
