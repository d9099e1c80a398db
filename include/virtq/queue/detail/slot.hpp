// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>

#include <stdint.h>

/// Numbers of a ring that only the library sees; queue/index.hpp has those of its users.
namespace virtq::detail {

/// A place in a ring: a free-running index modulo the queue size.
enum class Slot : uint32_t {};

/// What names a buffer in a packed ring (§2.8): the driver chooses it, the device gives it back.
enum class BufferId : uint16_t {};

/// The number of a table in the pool of indirect tables; at most 32766.
enum class TableIndex : uint16_t {};

[[__nodiscard__]] constexpr RingIndex advance(RingIndex index, uint16_t by = 1) {
    return static_cast<RingIndex>(static_cast<uint16_t>(static_cast<uint16_t>(index) + by));
}

/// How far `to` is ahead of `from`, modulo 2^16. The only way in which ring indices are compared.
[[__nodiscard__]] constexpr uint16_t distance(RingIndex from, RingIndex to) {
    return static_cast<uint16_t>(static_cast<uint16_t>(to) - static_cast<uint16_t>(from));
}

/// Where `index` lies in a ring of a power-of-two size; `mask` is that size minus one.
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

/// The same as a subscript.
[[__nodiscard__]] constexpr uint32_t subscript(Slot slot) {
    return static_cast<uint32_t>(slot);
}

[[__nodiscard__]] constexpr uint32_t subscript(DescIndex desc) {
    return static_cast<uint32_t>(desc);
}

/// §2.7.10.1 with VIRTIO_F_EVENT_IDX: whether the entry number `event` is among those from `from` up to, not
/// including, `to`. Modulo 2^16, so a batch may cross 65535.
[[__nodiscard__]] constexpr bool passes_event(RingIndex event, RingIndex from, RingIndex to) {
    return distance(event, to) != 0 && distance(event, to) <= distance(from, to);
}

}  // namespace virtq::detail
