// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/spec/feature.hpp>

namespace virtq {

/// The feature sets of one negotiation (§2.2), kept so that a refusal can be explained.
struct Negotiation {
    Features wanted;      ///< what the driver can use
    Features required;    ///< what it cannot do without; part of `wanted`
    Features offered;     ///< what the device offers
    Features negotiated;  ///< what both have agreed on

    /// Required but not offered: why `Error::feature_required_not_offered`.
    [[nodiscard]] constexpr Features missing() const { return required.without(offered); }
};

}  // namespace virtq
