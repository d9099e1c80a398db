// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <functional>
#include <optional>

/// A function as the bus sees it: its configuration space, and what its BARs decode.
namespace virtq::sim {

enum class PciAddressSpace : uint8_t { memory, io };

/// A place inside a BAR.
struct PciTarget {
    unsigned bar = 0;
    uint64_t offset = 0;
};

class PciEndpoint {
public:
    PciEndpoint() = default;
    PciEndpoint(PciEndpoint const&) = delete;
    PciEndpoint& operator=(PciEndpoint const&) = delete;
    virtual ~PciEndpoint() = default;

    [[nodiscard]] virtual uint32_t read_config(uint16_t offset, unsigned bytes) = 0;
    virtual void write_config(uint16_t offset, uint32_t value, unsigned bytes) = 0;
    /// Whether and where the function answers at this bus address.
    [[nodiscard]] virtual std::optional<PciTarget> decode(PciAddressSpace, uint64_t /*address*/,
                                                          unsigned /*bytes*/) const {
        return {};
    }
    [[nodiscard]] virtual uint32_t read_bar(PciTarget, unsigned /*bytes*/) { return ~uint32_t{0}; }
    virtual void write_bar(PciTarget, uint32_t /*value*/, unsigned /*bytes*/) {}
    /// For a bridge: the function behind it that receives configuration accesses to this address.
    [[nodiscard]] virtual PciEndpoint* find_behind(uint8_t /*bus*/, uint8_t /*device*/, uint8_t /*function*/) {
        return nullptr;
    }
    /// For a bridge: calls `visit` for each function behind it to which it forwards this address.
    virtual void for_each_behind(PciAddressSpace, uint64_t /*address*/, unsigned /*bytes*/,
                                 std::function<void(PciEndpoint&)> const& /*visit*/) {}
    /// Called for function 0 when the device has other functions ([PCI], Header Type).
    virtual void set_multifunction() {}
};

}  // namespace virtq::sim
