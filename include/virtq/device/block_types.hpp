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

/// What a kernel tells a disk and hears from it: requests, completions, choices.
namespace virtq {

/// What is asked of a disk (§5.2.6).
enum class BlockOperation : uint8_t {
    read,
    write,
    flush,
    discard,                 ///< the contents do not matter any more; what a read returns then is not defined
    write_zeroes,            ///< the range reads as zeroes, and stays allocated
    write_zeroes_may_unmap,  ///< the same, and the device may give the space back
    get_id,                  ///< 20 bytes of text
};

/// One request, the same for polling, callbacks and blocking calls. The record itself may go away when the call that
/// takes it has returned; what `data` points at belongs to the device until the request has ended.
struct BlockRequest {
    BlockOperation operation = BlockOperation::read;
    uint64_t sector = 0;         ///< first sector, in units of 512 bytes
    uint64_t sector_count = 0;   ///< discard and write_zeroes: how many sectors
    Span<Segment const> data{};  ///< read and write: where the data is
    Token token{};               ///< comes back with the completion
};

/// The end of a request, or why there is none. `state` says whether a request has ended, `error` how it ended: a
/// request has succeeded when `state` is `ready` and `error` is `none`. There is no conversion to bool, since a
/// request that failed has ended too.
struct BlockCompletion {
    Token token;                ///< the caller's, when `state` is `ready`
    Error error = Error::none;  ///< how the request ended
    CompletionState state = CompletionState::none;
};

/// What a `BlockDevice` is made of at compile time. Derive and change what differs.
struct BlockTraits {
    using Mapper = NoMapper;                        ///< see `DmaMapper`
    using Format = Split;                           ///< of the queues: or `Packed`, or `AnyFormat`
    static constexpr uint16_t queue_count_max = 1;  ///< request queues that are used if the device has them
};

/// What to do with the used length of a read that covers a part of the data, while the status says OK. A length of 0,
/// or of the status byte alone, is no statement: the status decides then.
enum class UnderReportedLength : uint8_t {
    fail_request,  ///< `short_read`: nothing may be assumed of the bytes behind it (§2.7.8.3)
    accept,        ///< for a device in the field that under-reports: the status alone decides
};

/// Options of `BlockDevice::init`.
struct BlockOption {
    Features unwanted{};               ///< bits that the driver shall not want, to try a device without them
    PollLimit reset_limit{1'000'000};  ///< budget for a reset
    QueueOption queue{};
    /// Most data segments of one request; what has more goes in several requests. 0: as many as the device says, and 1
    /// if it does not say (no SEG_MAX). A larger number is for a device that is known to take more than it says.
    uint32_t data_segments = 0;
    UnderReportedLength under_reported = UnderReportedLength::fail_request;  ///< see also `queue.over_reported`
};

/// §5.2.5: whether completed writes are durable at once, or after a flush.
enum class BlockCacheMode : uint8_t { writethrough = 0, writeback = 1 };

/// Optimal alignment of a disk's requests, in units of its block size (§5.2.4). All zero: the device does not say.
struct BlockTopology {
    uint8_t physical_block_exp = 0;  ///< blocks in a physical block, as a power of two
    uint8_t alignment_offset = 0;    ///< first block that is aligned
    uint16_t min_io_size = 0;        ///< suggested minimum
    uint32_t opt_io_size = 0;        ///< suggested maximum

    friend constexpr bool operator==(BlockTopology const&, BlockTopology const&) = default;
};

}  // namespace virtq
