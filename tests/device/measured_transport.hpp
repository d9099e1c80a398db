// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/mmio_device.hpp>

#include <cstdint>

namespace virtq::test {

/// A transport that knows how long the configuration is.
struct MeasuredTransport : MmioTransport<sim::MmioRegisters> {
    [[nodiscard]] Status check_config(std::uint32_t bytes) const {
        return bytes <= config_bytes ? Status{} : Status{Error::config_too_short};
    }
    std::uint32_t config_bytes = 0;
};

}  // namespace virtq::test
