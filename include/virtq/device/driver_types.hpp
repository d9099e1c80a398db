// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/base/error.hpp>
#include <virtq/device/negotiation.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/platform/relax.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/queue/split.hpp>
#include <virtq/queue/token.hpp>
#include <virtq/spec/device_id.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

/// What drivers have in common: options, traits, and how a request ends.
namespace virtq {

/// Options of `init`, for every driver that has no more.
struct DriverOption {
    Features unwanted{};               ///< features to leave out, to try a device without them
    PollLimit reset_limit{1'000'000};  ///< poll limit of a reset
    QueueOption queue{};               ///< of every queue: its indirect tables, and what to do about a wrong length
};

/// Compile-time options of every driver. Derive from them, or from those of the driver, and change what differs.
struct DriverTraits {
    using Mapper = NoMapper;  ///< see `DmaMapper`
    using Format = Split;     ///< of the queues: `Split`, `Packed` or `AnyFormat`
};

/// A request that has ended, or why there is none. It has succeeded if `state` is `ready` and `error` is `none`. There
/// is no conversion to bool, because a request that failed has ended, too.
struct RequestCompletion {
    Token token;                                    ///< the caller's, when `state` is `ready`
    uint32_t bytes = 0;                             ///< how many bytes of the data the device wrote
    Error error = Error::none;                      ///< how the request ended
    CompletionState state = CompletionState::none;  ///< `ready` if a request has ended; otherwise why there is none
};

/// What a driver with these traits wants and requires of the rings, beside `own` features of its device type.
template <class Traits>
[[__nodiscard__]] constexpr Negotiation wanted_of(Features const& own = {}) {
    Negotiation negotiation;
    negotiation.wanted = own | Traits::Format::wanted;
    if constexpr (!detail::SameAs<typename Traits::Mapper, NoMapper>) {
        negotiation.wanted.set(spec::Feature::access_platform);
    }
    negotiation.required = Traits::Format::required;
    return negotiation;
}

namespace detail {

/// Puts the descriptions of the errors that this driver may return into the kernel (`ErrorGroup`).
template <spec::DeviceId type>
void bring_descriptions_of() {
    if constexpr (type != spec::DeviceId::block && type != spec::DeviceId::entropy) {
        bring_descriptions<ErrorGroup::further_drivers>();
    }
}

}  // namespace detail

}  // namespace virtq
