// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/base/span.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/segment.hpp>
#include <virtq/queue/token.hpp>

#include <stdint.h>

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

/// The end of a request, or why there is none.
struct BlockCompletion {
    Token token;                ///< the caller's, when `state` is `completion`
    Error error = Error::none;  ///< how the request ended
    TakeState state = TakeState::none;

    [[__nodiscard__]] constexpr explicit operator bool() const { return state == TakeState::completion; }
};

}  // namespace virtq
