// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/dma_mapper.hpp>
#include <virtq/platform/relax.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

/// What can be chosen of a `BlockDevice`, when it is compiled and when it is brought up.
namespace virtq {

/// What a `BlockDevice` is made of at compile time. Derive and change what differs.
struct BlockTraits {
    using Mapper = NoMapper;                      ///< see `DmaMapper`
    static constexpr uint16_t queue_maximum = 1;  ///< request queues that are used if the device has them
};

/// Options of `BlockDevice::init`.
struct BlockOption {
    Features unwanted{};           ///< bits that the driver shall not want, to try a device without them
    Looks reset_looks{1'000'000};  ///< budget for a reset
    QueueOption queue{};
};

/// §5.2.5: whether completed writes are durable at once, or after a flush.
enum class BlockCacheMode : uint8_t { writethrough = 0, writeback = 1 };

}  // namespace virtq
