// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/base/result.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

/// Consistent reads of the configuration space, §2.5 (Device Configuration Space).
namespace virtq {

namespace detail {

/// Attempts before giving up on a configuration that keeps changing.
inline constexpr unsigned config_attempts = 16;

/// Joins two halves of a 64-bit number. `first` is the one at the lower address.
[[__nodiscard__]] constexpr uint64_t join_halves(ByteOrder order, uint64_t first, uint64_t second) {
    return order == ByteOrder::big ? (first << 32) | second : (second << 32) | first;
}

}  // namespace detail

/// Whether the device configuration has at least `bytes` bytes. A transport without this check is trusted. Errors:
/// `config_absent`, `config_refused`, `config_too_short`.
template <Transport T>
[[__nodiscard__]] Error check_config(T const& transport, uint32_t bytes) {
    if constexpr (requires { transport.check_config(bytes); }) {
        return transport.check_config(bytes).error();
    } else {
        return Error::none;
    }
}

/// Calls `read(value)`, which reads one or more fields, until the result is consistent (§2.5.4). For a modern device the
/// generation must be unchanged. A legacy device has no generation, so two reads must be equal. Error:
/// `config_unstable`. The value is not returned: as a result it would be on the stack of each caller once more.
template <Transport T, class Value, class Read>
[[__nodiscard__]] Error read_config(T& transport, Value& value, Read const& read) {
    for (unsigned attempt = 0; attempt < detail::config_attempts; ++attempt) {
        uint32_t const before = transport.config_generation();
        read(value);
        bool same = before == transport.config_generation();
        if (transport.is_legacy()) {
            Value again;
            read(again);
            same = value == again;
        }
        if (same) {
            return Error::none;
        }
    }
    return Error::config_unstable;
}

/// Reads a 64-bit field with two 32-bit reads (§2.5.1, §4.2.2.2). Call it inside `read_config`, because the field may
/// change between them.
template <Transport T>
[[__nodiscard__]] uint64_t read_config64_once(T& transport, uint16_t offset) {
    uint64_t const first = transport.read_config32(offset);
    uint64_t const second = transport.read_config32(static_cast<uint16_t>(offset + 4));
    // A legacy configuration is in the guest's byte order, and so are the halves.
    return detail::join_halves(transport.is_legacy() ? detail::native_byte_order : detail::ByteOrder::little, first,
                               second);
}

}  // namespace virtq
