// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>

#include <stddef.h>
#include <stdint.h>

/// Memory balloon, §5.5 (Traditional Memory Balloon Device): `DeviceId::traditional_balloon`.
namespace virtq::spec::balloon {

/// §5.5.3 (Feature bits).
enum class Feature : uint8_t {
    must_tell_host = 0,  ///< VIRTIO_BALLOON_F_MUST_TELL_HOST
    stats_vq = 1,        ///< VIRTIO_BALLOON_F_STATS_VQ
    deflate_on_oom = 2,  ///< VIRTIO_BALLOON_F_DEFLATE_ON_OOM
    free_page_hint = 3,  ///< VIRTIO_BALLOON_F_FREE_PAGE_HINT
    page_poison = 4,     ///< VIRTIO_BALLOON_F_PAGE_POISON
    page_reporting = 5,  ///< VIRTIO_BALLOON_F_PAGE_REPORTING
};

/// §5.5.2 (Virtqueues): numbers of the queues if all exist. QEMU and Linux number only the queues that exist, so
/// without FREE_PAGE_HINT their reporting_vq is queue 3.
enum class Queue : uint16_t {
    inflate = 0,    ///< inflateq: pages that the driver gives
    deflate = 1,    ///< deflateq: pages that the driver takes back
    stats = 2,      ///< statsq, with STATS_VQ
    free_page = 3,  ///< free_page_vq, with FREE_PAGE_HINT
    reporting = 4,  ///< reporting_vq, with PAGE_REPORTING
};

/// §5.5.4 (Device configuration layout): offsets in the configuration space. The fields are little-endian with the
/// legacy interface too, unlike those of other devices.
namespace config {
inline constexpr detail::ReadOnly<uint32_t> num_pages{0};  ///< how many pages the device wants
inline constexpr detail::ReadWrite<uint32_t> actual{4};    ///< how many pages the device has
inline constexpr detail::ReadOnly<uint32_t> free_page_hint_cmd_id{
    8};                                                       ///< FREE_PAGE_HINT: `hint_stop`, `_done`, or an id
inline constexpr detail::ReadWrite<uint32_t> poison_val{12};  ///< PAGE_POISON: what the driver fills pages with
}  // namespace config

/// §5.5.6 (Device Operation): the unit of page numbers, in bytes, whatever the page size of the kernel. Buffers of
/// inflateq and deflateq are arrays of le32 page numbers.
inline constexpr uint32_t page_unit_bytes = 4096;

/// §5.5.6.3 (Memory Statistics): an entry of a statistics buffer. Its le64 value has no alignment.
struct Stat {
    uint16_t tag;       ///< a `StatTag`
    uint16_t value[4];  ///< 16 bits each, the least significant first
};
static_assert(sizeof(Stat) == 10 && offsetof(Stat, value) == 2,
              "A balloon statistic is 10 bytes: le16 tag, le64 val (§5.5.6.3)");

/// §5.5.6.4 (Memory Statistics Tags).
enum class StatTag : uint16_t {
    swap_in = 0,       ///< VIRTIO_BALLOON_S_SWAP_IN, in bytes
    swap_out = 1,      ///< VIRTIO_BALLOON_S_SWAP_OUT, in bytes
    majflt = 2,        ///< VIRTIO_BALLOON_S_MAJFLT, a count
    minflt = 3,        ///< VIRTIO_BALLOON_S_MINFLT, a count
    memfree = 4,       ///< VIRTIO_BALLOON_S_MEMFREE, in bytes
    memtot = 5,        ///< VIRTIO_BALLOON_S_MEMTOT, in bytes
    avail = 6,         ///< VIRTIO_BALLOON_S_AVAIL, in bytes
    caches = 7,        ///< VIRTIO_BALLOON_S_CACHES, in bytes
    htlb_pgalloc = 8,  ///< VIRTIO_BALLOON_S_HTLB_PGALLOC, a count
    htlb_pgfail = 9,   ///< VIRTIO_BALLOON_S_HTLB_PGFAIL, a count
};

/// §5.5.6.5 (Free Page Hinting): VIRTIO_BALLOON_CMD_ID_STOP. Stop hinting, and keep the hinted pages.
inline constexpr uint32_t hint_stop = 0;
/// §5.5.6.5 (Free Page Hinting): VIRTIO_BALLOON_CMD_ID_DONE. Stop hinting; the hinted pages are free to use.
inline constexpr uint32_t hint_done = 1;

}  // namespace virtq::spec::balloon
