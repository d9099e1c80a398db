// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/device/driver_types.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/queue/segment.hpp>

#include <stdint.h>

/// The requests and options of `P9Device`.
namespace virtq {

/// Compile-time options of `P9Device`. Derive from it and change what differs.
struct P9Traits : DriverTraits {
    static constexpr uint32_t request_bytes = 512;   ///< most bytes of `P9Request::message`
    static constexpr uint32_t answer_bytes = 256;    ///< most bytes of `P9Request::answer`
    static constexpr uint32_t mount_tag_bytes = 64;  ///< most bytes of the mount tag; the rest of it is dropped
};

/// A request of 9P, and where its answer goes. A long message has two parts: the first one is copied, and the other one
/// is `data`, which the device reads or writes in place.
struct P9Request {
    /// The request from its header on, which is copied. Its size field covers this and the data that the device reads.
    Span<uint8_t const> message{};
    /// Where the answer from its header on is copied to, when the request ends. It must stay valid until then. It has at
    /// least 11 bytes, the room of Rlerror: QEMU takes the device out of service (DEVICE_NEEDS_RESET) if an answer does
    /// not fit. The Rerror of 9P2000.u is longer, and goes on into the data. If there is data to receive, `answer` has
    /// exactly the bytes before it: 11 for Rread and Rreaddir.
    Span<uint8_t> answer{};
    Span<Segment const> data{};                           ///< more of the message, or of the answer
    DmaDirection direction = DmaDirection::device_reads;  ///< whether the data is part of the message or of the answer
};

}  // namespace virtq
