// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>

#include <stdint.h>

/// The numbers of a queue that only the library sees; queue/index.hpp has those that its users see.
namespace virtq::detail {

/// A position in a ring: a free-running index modulo the queue size.
enum class Slot : uint32_t {};

/// Identifies a buffer in a packed ring (§2.8): the driver chooses it, the device returns it.
enum class BufferId : uint16_t {};

/// The number of a table in the pool of indirect tables; at most 32766.
enum class TableIndex : uint16_t {};

[[__nodiscard__]] constexpr RingIndex advance(RingIndex index, uint16_t by = 1) {
    return static_cast<RingIndex>(static_cast<uint16_t>(static_cast<uint16_t>(index) + by));
}

/// How far `to` is ahead of `from`, modulo 2^16. Ring indices are compared in no other way.
[[__nodiscard__]] constexpr uint16_t distance(RingIndex from, RingIndex to) {
    return static_cast<uint16_t>(static_cast<uint16_t>(to) - static_cast<uint16_t>(from));
}

/// The slot of `index` in a ring of a power-of-two size; `mask` is that size minus one.
[[__nodiscard__]] constexpr Slot slot_of(RingIndex index, uint32_t mask) {
    return static_cast<Slot>(static_cast<uint16_t>(index) & mask);
}

[[__nodiscard__]] constexpr uint16_t number(Slot slot) {
    return static_cast<uint16_t>(slot);
}

[[__nodiscard__]] constexpr uint16_t number(BufferId id) {
    return static_cast<uint16_t>(id);
}

[[__nodiscard__]] constexpr uint16_t number(TableIndex table) {
    return static_cast<uint16_t>(table);
}

/// The number as an array subscript, not narrowed to 16 bits.
[[__nodiscard__]] constexpr uint32_t subscript(Slot slot) {
    return static_cast<uint32_t>(slot);
}

[[__nodiscard__]] constexpr uint32_t subscript(DescIndex desc) {
    return static_cast<uint32_t>(desc);
}

/// With VIRTIO_F_EVENT_IDX (§2.7.10.1): whether `from` <= `event` < `to`. Compares modulo 2^16, so a batch may cross
/// 65535.
[[__nodiscard__]] constexpr bool passes_event(RingIndex event, RingIndex from, RingIndex to) {
    return distance(event, to) != 0 && distance(event, to) <= distance(from, to);
}

}  // namespace virtq::detail
