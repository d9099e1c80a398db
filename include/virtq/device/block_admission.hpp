// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/device/block_config.hpp>
#include <virtq/device/block_part.hpp>
#include <virtq/device/block_request.hpp>
#include <virtq/device/block_rule.hpp>

#include <stdint.h>

namespace virtq {

/// Lets a request into a queue of a disk: checked, and with the limits of the device and of the queue. Returns the
/// number of its record. Errors: those of `BlockDevice::submit`.
template <class Queue>
[[__nodiscard__]] Result<uint16_t> admit(BlockRequest const& request, Queue& queue, BlockConfig const& config,
                                         Features const& negotiated) {
    BlockRule rule{config, negotiated};
    if (Error const error = rule.check(request); error != Error::none) {
        return error;
    }
    return queue.submit(request, rule.data_bytes(),
                        block_limit(config, request.operation, queue.segment_maximum(config.segments)));
}

}  // namespace virtq
