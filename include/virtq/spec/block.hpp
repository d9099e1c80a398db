// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>
#include <virtq/spec/feature.hpp>

#include <stddef.h>
#include <stdint.h>

/// Block device, §5.2 (Block Device).
namespace virtq::spec::block {

/// §5.2.6: the unit of `sector` and `capacity`, whatever the block size is.
inline constexpr uint32_t sector_bytes = 512;

/// §5.2.3 (Feature bits).
enum class Feature : uint8_t {
    barrier = 0,        ///< VIRTIO_BLK_F_BARRIER (legacy)
    size_max = 1,       ///< VIRTIO_BLK_F_SIZE_MAX
    seg_max = 2,        ///< VIRTIO_BLK_F_SEG_MAX
    geometry = 4,       ///< VIRTIO_BLK_F_GEOMETRY
    ro = 5,             ///< VIRTIO_BLK_F_RO
    blk_size = 6,       ///< VIRTIO_BLK_F_BLK_SIZE
    scsi = 7,           ///< VIRTIO_BLK_F_SCSI (legacy)
    flush = 9,          ///< VIRTIO_BLK_F_FLUSH
    topology = 10,      ///< VIRTIO_BLK_F_TOPOLOGY
    config_wce = 11,    ///< VIRTIO_BLK_F_CONFIG_WCE
    mq = 12,            ///< VIRTIO_BLK_F_MQ
    discard = 13,       ///< VIRTIO_BLK_F_DISCARD
    write_zeroes = 14,  ///< VIRTIO_BLK_F_WRITE_ZEROES
    lifetime = 15,      ///< VIRTIO_BLK_F_LIFETIME
    secure_erase = 16,  ///< VIRTIO_BLK_F_SECURE_ERASE
    zoned = 17,         ///< VIRTIO_BLK_F_ZONED
};

/// §5.2.5.2: CONFIG_WCE requires FLUSH, because a cache that can be switched on has to be flushed.
inline constexpr FeatureNeed feature_needs[] = {
    {static_cast<uint8_t>(Feature::config_wce), static_cast<uint8_t>(Feature::flush)},
};

/// §5.2.4 (Device configuration layout): offsets in the configuration space.
namespace config {
inline constexpr uint16_t capacity = 0;                               ///< le64: size in sectors, always present
inline constexpr detail::ReadOnly<uint32_t> size_max{8};              ///< SIZE_MAX: most bytes of one data segment
inline constexpr detail::ReadOnly<uint32_t> seg_max{12};              ///< SEG_MAX: most segments of a request
inline constexpr detail::ReadOnly<uint32_t> blk_size{20};             ///< BLK_SIZE: the block size, in bytes
inline constexpr detail::ReadOnly<uint8_t> physical_block_exp{24};    ///< TOPOLOGY: 2^n blocks per physical block
inline constexpr detail::ReadOnly<uint8_t> alignment_offset{25};      ///< TOPOLOGY: the first aligned block
inline constexpr detail::ReadOnly<uint16_t> min_io_size{26};          ///< TOPOLOGY: suggested minimum, in blocks
inline constexpr detail::ReadOnly<uint32_t> opt_io_size{28};          ///< TOPOLOGY: suggested maximum, in blocks
inline constexpr detail::ReadWrite<uint8_t> writeback{32};            ///< CONFIG_WCE: 0 writethrough, 1 writeback
inline constexpr detail::ReadOnly<uint16_t> num_queues{34};           ///< MQ: how many request queues there are
inline constexpr detail::ReadOnly<uint32_t> max_discard_sectors{36};  ///< DISCARD: most sectors of one range
inline constexpr detail::ReadOnly<uint32_t> max_discard_seg{40};      ///< DISCARD: most ranges of one request
inline constexpr detail::ReadOnly<uint32_t> discard_sector_alignment{44};  ///< DISCARD: alignment of parts, in sectors
inline constexpr detail::ReadOnly<uint32_t> max_write_zeroes_sectors{48};  ///< WRITE_ZEROES: most sectors of one range
inline constexpr detail::ReadOnly<uint32_t> max_write_zeroes_seg{52};      ///< WRITE_ZEROES: most ranges of a request
inline constexpr detail::ReadOnly<uint8_t> write_zeroes_may_unmap{56};     ///< WRITE_ZEROES: 1 if unmap is possible
inline constexpr detail::ReadOnly<uint8_t> zoned_model{92};                ///< ZONED: who has to manage the zones
}  // namespace config

/// §5.2.4: `zoned_model` of a disk whose zones the driver has to manage.
inline constexpr uint8_t zoned_host_managed = 1;  // VIRTIO_BLK_Z_HM

/// §5.2.6: length of the device ID string, in bytes.
inline constexpr uint32_t id_bytes = 20;

/// §5.2.6 (Device Operation).
enum class RequestType : uint32_t {
    in = 0,             ///< VIRTIO_BLK_T_IN
    out = 1,            ///< VIRTIO_BLK_T_OUT
    flush = 4,          ///< VIRTIO_BLK_T_FLUSH
    get_id = 8,         ///< VIRTIO_BLK_T_GET_ID
    get_lifetime = 10,  ///< VIRTIO_BLK_T_GET_LIFETIME
    discard = 11,       ///< VIRTIO_BLK_T_DISCARD
    write_zeroes = 13,  ///< VIRTIO_BLK_T_WRITE_ZEROES
    secure_erase = 14,  ///< VIRTIO_BLK_T_SECURE_ERASE
};

/// §5.2.6: the status byte that the device writes last.
enum class RequestStatus : uint8_t {
    ok = 0,      ///< VIRTIO_BLK_S_OK
    ioerr = 1,   ///< VIRTIO_BLK_S_IOERR
    unsupp = 2,  ///< VIRTIO_BLK_S_UNSUPP
};

/// §5.2.6: the device-readable header of a request. The data follows, then the status byte.
struct RequestHeader {
    uint32_t type;      ///< what the device has to do: a `RequestType`
    uint32_t reserved;  ///< the driver writes 0
    uint64_t sector;    ///< where a read or write starts, in units of 512 bytes; otherwise 0
};
static_assert(sizeof(RequestHeader) == 16 && offsetof(RequestHeader, sector) == 8,
              "A block request header is 16 bytes: le32 type, le32 reserved, le64 sector (§5.2.6)");

/// §5.2.6: the device-readable data of a discard or write zeroes request.
struct Range {
    uint64_t sector;       ///< where the range starts, in units of 512 bytes
    uint32_t num_sectors;  ///< length of the range, in units of 512 bytes
    uint32_t flags;        ///< `range_unmap`, or 0
};
static_assert(sizeof(Range) == 16 && offsetof(Range, num_sectors) == 8 && offsetof(Range, flags) == 12,
              "A discard or write zeroes segment is 16 bytes: le64 sector, le32 num_sectors, le32 flags (§5.2.6)");

/// §5.2.6: bit 0 of `Range::flags`, for write zeroes only.
inline constexpr uint32_t range_unmap = 1;

}  // namespace virtq::spec::block
