// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/base/span.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/platform/relax.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/queue/segment.hpp>
#include <virtq/queue/token.hpp>
#include <virtq/queue/virtqueue.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

/// The requests, completions and options of `BlockDevice`.
namespace virtq {

/// What a request asks of a disk (§5.2.6).
enum class BlockOperation : uint8_t {
    read,
    write,
    flush,
    discard,                 ///< the contents are no longer needed; what a later read returns is undefined
    write_zeroes,            ///< the range reads as zeroes, and stays allocated
    write_zeroes_may_unmap,  ///< as `write_zeroes`, but the device may free the space
    get_id,                  ///< 20 bytes of text
};

/// One request, the same for asynchronous and blocking calls. The record itself may go away when the call that takes
/// it has returned. The memory that `data` describes belongs to the device until the request has ended.
struct BlockRequest {
    BlockOperation operation = BlockOperation::read;  ///< what the device does with the sectors
    uint64_t sector = 0;                              ///< first sector, in units of 512 bytes
    uint64_t sector_count = 0;                        ///< discard and write_zeroes: how many sectors
    Span<Segment const> data{};                       ///< read and write: where the data is
    Token token{};                                    ///< returned with the completion
};

/// A request that has ended, or why there is none. `state` tells whether a request has ended, `error` how it ended. A
/// request has succeeded if `state` is `ready` and `error` is `none`. There is no conversion to bool, because a
/// request that failed has ended, too.
struct BlockCompletion {
    Token token;                                    ///< the caller's, when `state` is `ready`
    Error error = Error::none;                      ///< how the request ended
    CompletionState state = CompletionState::none;  ///< `ready` if a request has ended; otherwise why there is none
};

/// What one request to the device can carry at most: the least of what the device, the queue and the driver take.
struct BlockPartLimit {
    uint32_t segments = 0;       ///< data segments
    uint32_t segment_bytes = 0;  ///< bytes of each of them
    uint32_t bytes = 0;          ///< bytes of all of them
    uint32_t range_sectors = 0;  ///< sectors of a discard or write zeroes
};

/// What to do with a request that one part cannot carry (`BlockPartLimit`).
enum class LongRequest : uint8_t {
    split,   ///< add it in several parts, or do them one after another
    refuse,  ///< `device_limits_too_small`: the kernel splits it by `part_limit`, and has 1.8 KB of code less
};

/// Compile-time options of `BlockDevice`. Derive from it and change what differs.
struct BlockTraits {
    using Mapper = NoMapper;                        ///< see `DmaMapper`
    using Format = Split;                           ///< of the queues: `Split`, `Packed` or `AnyFormat`
    static constexpr uint16_t queue_count_max = 1;  ///< most request queues to use, if the device has them
    static constexpr LongRequest long_request = LongRequest::split;  ///< what to do if one part is not enough
};

/// What to do if a read has status OK, but its used length covers only a part of the data. The library ignores a used
/// length of 0 or 1 (the status byte alone), and that of a legacy device: there the status decides.
enum class UnderReportedLength : uint8_t {
    fail_request,  ///< `short_read`: nothing may be assumed of the remaining bytes (§2.7.8.3)
    accept,        ///< for a device that is known to under-report: the status alone decides
};

/// Options of `BlockDevice::init`.
struct BlockOption {
    Features unwanted{};               ///< features to leave out, to try a device without them
    PollLimit reset_limit{1'000'000};  ///< poll limit of a reset
    QueueOption queue{};               ///< of every queue: its indirect tables, and what to do about a wrong length
    /// Most data segments of one request to the device; a larger request is split, or refused (`LongRequest`). 0: as many as the device reports in
    /// SEG_MAX, or 1 without SEG_MAX. Set it for a device without SEG_MAX that is known to take more.
    uint32_t data_segments = 0;
    UnderReportedLength under_reported = UnderReportedLength::fail_request;  ///< see also `queue.over_reported`
};

/// §5.2.5: completed writes are durable at once (writethrough), or only after a flush (writeback).
enum class BlockCacheMode : uint8_t { writethrough = 0, writeback = 1 };

/// Optimal alignment and size of requests, in units of the disk's block size (§5.2.4). All zero: the device does not
/// report them.
struct BlockTopology {
    uint8_t physical_block_exp = 0;  ///< blocks per physical block, as an exponent of two
    uint8_t alignment_offset = 0;    ///< the first aligned block
    uint16_t min_io_size = 0;        ///< suggested minimum
    uint32_t opt_io_size = 0;        ///< suggested maximum

    /// Whether both report the same values.
    friend constexpr bool operator==(BlockTopology const&, BlockTopology const&) = default;
};

}  // namespace virtq
