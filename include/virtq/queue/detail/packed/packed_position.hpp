// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/slot.hpp>
#include <virtq/spec/packed_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A position in a packed ring, and its lap (§2.8.1): a descriptor's offset and the wrap counter. The wrap counter is
/// kept as the flags of an available descriptor, because the hot paths need it in this form.
class PackedPosition {
public:
    constexpr PackedPosition() = default;

    /// Where both sides start. `word` 0 is the standard's start, offset 0 with wrap counter 1 (§2.8.1). Bit 15 means
    /// wrap counter 0, the opposite of what it means in `word()`.
    [[__nodiscard__]] static constexpr PackedPosition start(uint16_t word) {
        return {static_cast<uint16_t>(word & ~spec::ring_wrap_bit),
                (word & spec::ring_wrap_bit) != 0 ? used_flag : avail_flag};
    }

    /// From what `offset` and `available_flags` return.
    [[__nodiscard__]] static constexpr PackedPosition at(uint16_t offset, uint16_t available_flags) {
        return {offset, available_flags};
    }

    [[__nodiscard__]] constexpr uint16_t offset() const { return offset_; }
    [[__nodiscard__]] constexpr bool wrap() const { return avail_ == avail_flag; }
    /// As in the event suppression structure and in a notification: the wrap counter in bit 15 (§2.8.14, §2.9).
    [[__nodiscard__]] constexpr uint16_t word() const {
        return static_cast<uint16_t>(offset_ | (wrap() ? spec::ring_wrap_bit : 0));
    }

    /// AVAIL and USED of a descriptor that is made available here.
    [[__nodiscard__]] constexpr uint16_t available_flags() const { return avail_; }
    /// AVAIL and USED of a descriptor that the device has used here.
    [[__nodiscard__]] constexpr uint16_t used_flags() const { return wrap() ? both_flags : uint16_t{0}; }

    /// Whether `flags` are of a used descriptor: then both equal the wrap counter of this lap (§2.8.1). So AVAIL is as
    /// in an available one, and USED is not.
    [[__nodiscard__]] constexpr bool is_used(uint16_t flags) const {
        return ((flags ^ avail_) & both_flags) == used_flag;
    }

    /// As `advance`, if the end of the ring is not reached.
    constexpr void go_on(uint16_t count) { offset_ = static_cast<uint16_t>(offset_ + count); }

    constexpr void step(uint16_t size) {
        if (++offset_ == size) {
            offset_ = 0;
            avail_ ^= both_flags;
        }
    }
    /// `count` is at most `size`.
    constexpr void advance(uint16_t count, uint16_t size) {
        uint32_t sum = uint32_t{offset_} + count;
        if (sum >= size) {
            sum -= size;
            avail_ ^= both_flags;
        }
        offset_ = static_cast<uint16_t>(sum);
    }

    static constexpr uint16_t avail_flag = static_cast<uint16_t>(spec::PackedDescFlag::avail_bit);
    static constexpr uint16_t used_flag = static_cast<uint16_t>(spec::PackedDescFlag::used_bit);
    static constexpr uint16_t both_flags = avail_flag | used_flag;

private:
    constexpr PackedPosition(uint16_t offset, uint16_t avail_bit) : offset_(offset), avail_(avail_bit) {}

    uint16_t offset_ = 0;
    uint16_t avail_ = 0;
};

/// With RING_EVENT_FLAGS_DESC (§2.8.10): whether `event` names one of the last `count` descriptors before `next`. The
/// offsets are compared on a ring of two laps.
[[__nodiscard__]] constexpr bool passes_event(uint16_t event, PackedPosition const& next, uint16_t count,
                                              uint16_t size) {
    uint32_t const on_lap = event & ~uint32_t{spec::ring_wrap_bit};
    bool const same_lap = ((event & spec::ring_wrap_bit) != 0) == next.wrap();
    if (same_lap && on_lap < next.offset()) {
        return next.offset() - on_lap <= count;
    }
    // It must be on the previous lap: on this lap, at or behind `next`, it would be two laps ago.
    return !same_lap && next.offset() + size - on_lap <= count;
}

}  // namespace virtq::detail
