// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/base/span.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

namespace virtq {

namespace detail {

/// Through which of its two interfaces a device is driven (§1.3.1).
enum class Interface : uint8_t { modern, legacy };

/// The order of the bytes that driver and device share, in rings and in requests (§2.7.3).
[[__nodiscard__]] constexpr ByteOrder byte_order(Interface device_interface) {
    return device_interface == Interface::legacy ? native_byte_order : ByteOrder::little;
}

}  // namespace detail

/// The feature sets of one negotiation (§2.2), kept so that a refusal can be explained.
struct Negotiation {
    Features wanted;                  ///< what the driver can use
    Features required;                ///< what it cannot do without; part of `wanted`
    Span<FeatureNeed const> needs{};  ///< which of the wanted ones need another (§2.2.1)
    Features offered;                 ///< what the device offers
    Features negotiated;              ///< what both have agreed on

    Features unwanted;  ///< kept out, unless it is required, whatever else wants it
    Features missing;   ///< required, and not offered or not known here: why `Error::feature_required_not_offered`
};

}  // namespace virtq
