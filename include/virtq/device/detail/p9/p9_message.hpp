// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/driver_fault.hpp>
#include <virtq/device/p9_types.hpp>
#include <virtq/spec/p9.hpp>

#include <stdint.h>

/// The header of a 9P message, and what a request expects of its answer.
namespace virtq::detail {

/// The header, from its 7 bytes in the byte order of 9P.
struct P9Header {
    uint32_t size = 0;
    uint8_t type = 0;
    uint16_t tag = 0;

    [[__nodiscard__]] static P9Header read(uint8_t const* bytes) {
        namespace at = spec::p9::header;
        uint32_t const low = uint32_t{bytes[at::size]} | uint32_t{bytes[at::size + 1]} << 8;
        uint32_t const high = uint32_t{bytes[at::size + 2]} | uint32_t{bytes[at::size + 3]} << 8;
        return {low | high << 16, bytes[at::type], static_cast<uint16_t>(bytes[at::tag] | bytes[at::tag + 1] << 8)};
    }
};

/// How much data a request has. The sum of all segments may be above 4 GiB, but no message is that long.
[[__nodiscard__]] inline uint64_t data_bytes(P9Request const& request) {
    uint64_t sum = 0;
    for (Segment const& segment : request.data) {
        sum += segment.bytes;
    }
    return sum;
}

/// Whether the message has a header with the right size, and there is room for an Rlerror, within these limits.
[[__nodiscard__]] inline bool is_sound(P9Request const& request, uint32_t request_bytes, uint32_t answer_bytes) {
    bool const has_room = request.answer.size() >= spec::p9::rlerror_bytes && request.answer.size() <= answer_bytes;
    bool const fits = request.message.size() >= spec::p9::header::bytes && request.message.size() <= request_bytes;
    if (!has_room || !fits) {
        return false;
    }
    uint64_t const sent = request.direction == DmaDirection::device_reads ? data_bytes(request) : 0;
    return P9Header::read(request.message.data()).size == request.message.size() + sent;
}

/// What is wrong with an answer.
struct P9Verdict {
    DriverReason reason = DriverReason::none;
    uint32_t value = 0;  ///< for `DriverFault`
};

/// What the driver remembers of a request until its answer comes.
struct P9Pending {
    uint8_t* answer = nullptr;  ///< the caller's; null: nobody waits for it
    uint32_t answer_bytes = 0;
    uint64_t room = 0;  ///< for the whole answer
    uint16_t tag = 0;
    uint8_t type = 0;

    [[__nodiscard__]] static P9Pending of(P9Request const& request) {
        P9Header const header = P9Header::read(request.message.data());
        uint64_t const behind = request.direction == DmaDirection::device_writes ? data_bytes(request) : 0;
        return {request.answer.data(), static_cast<uint32_t>(request.answer.size()), request.answer.size() + behind,
                header.tag, header.type};
    }

    /// Compares an answer with its request. The device reports that it wrote `written` bytes, at least one, and the ring
    /// has checked that there is room for them. QEMU reports the exact length; other hosts may report more.
    [[__nodiscard__]] P9Verdict judge(P9Header const& header, uint32_t written) const {
        if (written < spec::p9::header::bytes) {
            return {DriverReason::p9_answer_short, written};
        }
        if (header.size < spec::p9::header::bytes) {
            return {DriverReason::p9_size_small, header.size};
        }
        if (header.size > room) {
            return {DriverReason::p9_size_above_room, header.size};
        }
        if (header.size > written) {
            return {DriverReason::p9_size_above_written, header.size};
        }
        if (header.tag != tag) {
            return {DriverReason::p9_tag_differs, header.tag};
        }
        return {answers(header.type) ? DriverReason::none : DriverReason::p9_type_unexpected, header.type};
    }

private:
    [[__nodiscard__]] bool answers(uint8_t answered) const {
        return answered == type + 1 || answered == static_cast<uint8_t>(spec::p9::ErrorType::rlerror) ||
               answered == static_cast<uint8_t>(spec::p9::ErrorType::rerror);
    }
};

}  // namespace virtq::detail
