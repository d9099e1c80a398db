// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/slot.hpp>
#include <virtq/spec/packed_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A place in a packed ring, and the lap it is on (§2.8.1): a descriptor's offset, and the wrap counter there in the
/// form in which the hot paths need it, as the flags of an available descriptor.
class PackedPosition {
public:
    constexpr PackedPosition() = default;

    /// §2.8.1: both sides begin at offset 0 with wrap counter 1. `word` 0 means that; bit 15 begins with wrap counter
    /// 0.
    [[__nodiscard__]] static constexpr PackedPosition start(uint16_t word) {
        return {static_cast<uint16_t>(word & ~spec::ring_wrap_bit),
                (word & spec::ring_wrap_bit) != 0 ? used_flag : avail_flag};
    }

    [[__nodiscard__]] constexpr uint16_t offset() const { return offset_; }
    [[__nodiscard__]] constexpr bool wrap() const { return avail_ == avail_flag; }
    /// As the event suppression structure and a notification have it: the wrap counter in bit 15 (§2.8.14, §2.9).
    [[__nodiscard__]] constexpr uint16_t word() const {
        return static_cast<uint16_t>(offset_ | (wrap() ? spec::ring_wrap_bit : 0));
    }

    /// AVAIL and USED of a descriptor that is made available here.
    [[__nodiscard__]] constexpr uint16_t available_flags() const { return avail_; }
    /// AVAIL and USED of a descriptor that the device has used here.
    [[__nodiscard__]] constexpr uint16_t used_flags() const { return wrap() ? both_flags : uint16_t{0}; }

    /// §2.8.1: both flags of a used descriptor are the wrap counter of this lap. So AVAIL is as it was made available,
    /// and USED is not.
    [[__nodiscard__]] constexpr bool is_used(uint16_t flags) const {
        return ((flags ^ avail_) & both_flags) == used_flag;
    }

    /// The same as `advance`, where the end of the ring is not reached.
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

/// §2.8.10 with RING_EVENT_FLAGS_DESC: whether the descriptor that `event` names is among the last `count` ones before
/// `next`. Offsets are compared on a ring of two laps.
[[__nodiscard__]] constexpr bool passes_event(uint16_t event, PackedPosition next, uint16_t count, uint16_t size) {
    uint32_t const on_lap = event & ~uint32_t{spec::ring_wrap_bit};
    bool const same_lap = ((event & spec::ring_wrap_bit) != 0) == next.wrap();
    if (same_lap && on_lap < next.offset()) {
        return next.offset() - on_lap <= count;
    }
    // On the lap before, or (same lap, at or behind `next`) two laps ago.
    return !same_lap && next.offset() + size - on_lap <= count;
}

}  // namespace virtq::detail
