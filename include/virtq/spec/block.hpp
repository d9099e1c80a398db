// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/register.hpp>

#include <stddef.h>
#include <stdint.h>

/// Block device, §5.2 (Block Device).
namespace virtq::spec::block {

/// §5.2.6: the unit of `sector` and of `capacity`, whatever the block size is.
inline constexpr uint32_t sector_bytes = 512;

/// §5.2.3 (Feature bits).
enum class Feature : uint8_t {
    barrier = 0,        // VIRTIO_BLK_F_BARRIER (legacy)
    size_max = 1,       // VIRTIO_BLK_F_SIZE_MAX
    seg_max = 2,        // VIRTIO_BLK_F_SEG_MAX
    geometry = 4,       // VIRTIO_BLK_F_GEOMETRY
    ro = 5,             // VIRTIO_BLK_F_RO
    blk_size = 6,       // VIRTIO_BLK_F_BLK_SIZE
    scsi = 7,           // VIRTIO_BLK_F_SCSI (legacy)
    flush = 9,          // VIRTIO_BLK_F_FLUSH
    topology = 10,      // VIRTIO_BLK_F_TOPOLOGY
    config_wce = 11,    // VIRTIO_BLK_F_CONFIG_WCE
    mq = 12,            // VIRTIO_BLK_F_MQ
    discard = 13,       // VIRTIO_BLK_F_DISCARD
    write_zeroes = 14,  // VIRTIO_BLK_F_WRITE_ZEROES
    lifetime = 15,      // VIRTIO_BLK_F_LIFETIME
    secure_erase = 16,  // VIRTIO_BLK_F_SECURE_ERASE
    zoned = 17,         // VIRTIO_BLK_F_ZONED
};

/// §5.2.4 (Device configuration layout): offsets in the configuration space.
namespace config {
inline constexpr uint16_t capacity = 0;  // le64, in sectors, always present
inline constexpr ReadOnly<uint32_t> size_max{8};
inline constexpr ReadOnly<uint32_t> seg_max{12};
inline constexpr ReadOnly<uint32_t> blk_size{20};
}  // namespace config

/// §5.2.6 (Device Operation).
enum class RequestType : uint32_t {
    in = 0,             // VIRTIO_BLK_T_IN
    out = 1,            // VIRTIO_BLK_T_OUT
    flush = 4,          // VIRTIO_BLK_T_FLUSH
    get_id = 8,         // VIRTIO_BLK_T_GET_ID
    get_lifetime = 10,  // VIRTIO_BLK_T_GET_LIFETIME
    discard = 11,       // VIRTIO_BLK_T_DISCARD
    write_zeroes = 13,  // VIRTIO_BLK_T_WRITE_ZEROES
    secure_erase = 14,  // VIRTIO_BLK_T_SECURE_ERASE
};

/// §5.2.6: the status byte that the device writes last.
enum class RequestStatus : uint8_t {
    ok = 0,      // VIRTIO_BLK_S_OK
    ioerr = 1,   // VIRTIO_BLK_S_IOERR
    unsupp = 2,  // VIRTIO_BLK_S_UNSUPP
};

/// §5.2.6: what precedes the data; the status byte follows it. Device-readable.
struct RequestHeader {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};
static_assert(sizeof(RequestHeader) == 16 && offsetof(RequestHeader, sector) == 8,
              "A block request header is 16 bytes: le32 type, le32 reserved, le64 sector (§5.2.6)");

}  // namespace virtq::spec::block
