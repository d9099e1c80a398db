// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/base/span.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

namespace virtq {

namespace detail {

/// The interface through which a device is driven (§1.3.1).
enum class Interface : uint8_t { modern, legacy };

/// The byte order of rings and requests, which driver and device share (§2.7.3).
[[__nodiscard__]] constexpr ByteOrder byte_order(Interface device_interface) {
    return device_interface == Interface::legacy ? native_byte_order : ByteOrder::little;
}

}  // namespace detail

/// The feature sets of one negotiation (§2.2), kept so that a refusal can be explained.
struct Negotiation {
    Features wanted{};                ///< what the driver can use
    Features required{};              ///< what the driver needs; `negotiate` adds it to `wanted`
    Span<FeatureNeed const> needs{};  ///< which wanted features need another one (§2.2.1)
    Features offered{};               ///< what the device offers
    Features negotiated{};            ///< what both have agreed on

    Features unwanted{};  ///< never negotiated unless it is required, even if it is in `wanted`
    Features missing{};   ///< required, but the device or the library lacks it: `Error::feature_required_not_offered`
};

}  // namespace virtq
