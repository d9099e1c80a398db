// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// Kinds of number that all fit 16 bits and must never be mixed: a type each, without arithmetic. Those that index an
/// array are as wide as a register, so that no use has to widen them.
namespace virtq {

/// A free-running ring index: counts every entry ever written, modulo 2^16 (§2.7.6, §2.7.8).
enum class RingIndex : uint16_t {};

/// A place in a ring: a free-running index modulo the queue size.
enum class Slot : uint32_t {};

/// The number of a descriptor in the descriptor table (§2.7.5).
enum class DescIndex : uint32_t {};

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

[[__nodiscard__]] constexpr uint16_t number(RingIndex index) {
    return static_cast<uint16_t>(index);
}
[[__nodiscard__]] constexpr uint16_t number(Slot slot) {
    return static_cast<uint16_t>(slot);
}
[[__nodiscard__]] constexpr uint16_t number(DescIndex desc) {
    return static_cast<uint16_t>(desc);
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

}  // namespace virtq
