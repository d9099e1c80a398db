// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/same_as.hpp>
#include <virtq/device/block_config.hpp>
#include <virtq/device/negotiation.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/platform/relax.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/queue/virtqueue.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

/// What can be chosen of a `BlockDevice`, when it is compiled and when it is brought up.
namespace virtq {

/// What a `BlockDevice` is made of at compile time. Derive and change what differs.
struct BlockTraits {
    using Mapper = NoMapper;                      ///< see `DmaMapper`
    using Format = Split;                         ///< of the queues: or `Packed`, or `Negotiated`
    static constexpr uint16_t queue_maximum = 1;  ///< request queues that are used if the device has them
};

/// What to do with the used length of a read that covers a part of the data, while the status says OK. A length of 0,
/// or of the status byte alone, is no statement: the status decides then.
enum class UnderReportedLength : uint8_t {
    fail_request,  ///< `short_read`: nothing may be assumed of the bytes behind it (§2.7.8.3)
    accept,        ///< for a device in the field that under-reports: the status alone decides
};

/// Options of `BlockDevice::init`.
struct BlockOption {
    Features unwanted{};           ///< bits that the driver shall not want, to try a device without them
    Looks reset_looks{1'000'000};  ///< budget for a reset
    QueueOption queue{};
    /// Most data segments of one request; what has more goes in several requests. 0: as many as the device says, and 1
    /// if it does not say (no SEG_MAX). A larger number is for a device that is known to take more than it says.
    uint32_t data_segments = 0;
    UnderReportedLength under_reported = UnderReportedLength::fail_request;  ///< see also `queue.over_reported`
};

/// What a driver of these traits asks of a disk. ACCESS_PLATFORM needs somebody who translates (§6): the mapper, and
/// for the driver's own pages an allocator whose physical addresses are the device's.
template <class Traits>
[[__nodiscard__]] constexpr Negotiation block_negotiation(BlockOption const& option) {
    Negotiation negotiation;
    negotiation.wanted = block_features(Traits::queue_maximum) | Traits::Format::wanted;
    if constexpr (!SameAs<typename Traits::Mapper, NoMapper>) {
        negotiation.wanted.set(spec::Feature::access_platform);
    }
    negotiation.unwanted = option.unwanted;
    negotiation.required = Traits::Format::required;
    negotiation.needs = spec::block::feature_needs;
    return negotiation;
}

/// §5.2.5: whether completed writes are durable at once, or after a flush.
enum class BlockCacheMode : uint8_t { writethrough = 0, writeback = 1 };

}  // namespace virtq
