// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/base/result.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

/// Consistent reads of the configuration space, §2.5 (Device Configuration Space).
namespace virtq::detail {

/// How often a read is tried that the device changes meanwhile. A device that never settles ends in an error.
inline constexpr unsigned config_attempts = 16;

/// Whether `bytes` bytes of the configuration can be read. A transport that does not say so is believed. Errors:
/// `config_absent`, `config_refused`, `config_too_short`.
template <Transport T>
[[__nodiscard__]] Status check_config(T const& transport, uint32_t bytes) {
    if constexpr (requires { transport.check_config(bytes); }) {
        return transport.check_config(bytes);
    } else {
        return {};
    }
}

/// Calls `read()`, which reads one or more fields, until nothing changed meanwhile: by generation for a modern device,
/// by two equal reads for a legacy one, which has no generation (§2.5.4). Error: `config_unstable`.
template <Transport T, class Read>
[[__nodiscard__]] auto read_config(T& transport, Read read) -> Result<decltype(read())> {
    for (unsigned attempt = 0; attempt < config_attempts; ++attempt) {
        uint32_t const before = transport.config_generation();
        auto const value = read();
        bool const same = transport.is_legacy() ? value == read() : before == transport.config_generation();
        if (same) {
            return value;
        }
    }
    return Error::config_unstable;
}

/// The 64-bit number of two halves, of which the first stands in front.
[[__nodiscard__]] constexpr uint64_t join_halves(ByteOrder order, uint64_t first, uint64_t second) {
    return order == ByteOrder::big ? (first << 32) | second : (second << 32) | first;
}

/// A 64-bit field: two 32-bit reads (§2.5.1, §4.2.2.2). Inside `read_config`, because they may not belong together.
template <Transport T>
[[__nodiscard__]] uint64_t read_config64_once(T& transport, uint16_t offset) {
    uint64_t const first = transport.read_config32(offset);
    uint64_t const second = transport.read_config32(static_cast<uint16_t>(offset + 4));
    // A legacy configuration is in the guest's order, the order of the halves included.
    return join_halves(transport.is_legacy() ? native_byte_order : ByteOrder::little, first, second);
}

}  // namespace virtq::detail
