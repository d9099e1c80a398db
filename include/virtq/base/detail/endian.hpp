// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// Byte order by shifts, which a compiler turns into one instruction where the target has one. `__builtin_bswap32`
/// would call libgcc on riscv64.
namespace virtq::detail {

/// The byte order of words in memory that driver and device share.
enum class ByteOrder : uint8_t { little, big };

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
inline constexpr ByteOrder native_byte_order = ByteOrder::little;
#else
inline constexpr ByteOrder native_byte_order = ByteOrder::big;
#endif

[[__nodiscard__]] constexpr uint8_t swap_bytes(uint8_t value) {
    return value;
}

[[__nodiscard__]] constexpr uint16_t swap_bytes(uint16_t value) {
    return static_cast<uint16_t>((value << 8) | (value >> 8));
}

[[__nodiscard__]] constexpr uint32_t swap_bytes(uint32_t value) {
    return (value << 24) | ((value & 0xff00u) << 8) | ((value >> 8) & 0xff00u) | (value >> 24);
}

[[__nodiscard__]] constexpr uint64_t swap_bytes(uint64_t value) {
    return (static_cast<uint64_t>(swap_bytes(static_cast<uint32_t>(value))) << 32) |
           swap_bytes(static_cast<uint32_t>(value >> 32));
}

/// Converts between the host's byte order and little-endian. It is its own inverse.
template <class Word>
[[__nodiscard__]] constexpr Word little_endian(Word value) {
    if constexpr (native_byte_order == ByteOrder::little) {
        return value;
    } else {
        return swap_bytes(value);
    }
}

/// Converts between the host's byte order and `order`. It is its own inverse.
template <class Word>
[[__nodiscard__]] constexpr Word in_order(Word value, ByteOrder order) {
    return order == native_byte_order ? value : swap_bytes(value);
}

}  // namespace virtq::detail
