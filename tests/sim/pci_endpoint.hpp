// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <functional>
#include <optional>

/// What a bus sees of a function: its configuration space, and what its BARs decode.
namespace virtq::sim {

enum class PciAddressSpace : uint8_t { memory, io };

/// A place behind a BAR.
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
    /// Whether the function answers at this address of the bus.
    [[nodiscard]] virtual std::optional<PciTarget> decode(PciAddressSpace, uint64_t /*address*/,
                                                          unsigned /*bytes*/) const {
        return {};
    }
    [[nodiscard]] virtual uint32_t read_bar(PciTarget, unsigned /*bytes*/) { return ~uint32_t{0}; }
    virtual void write_bar(PciTarget, uint32_t /*value*/, unsigned /*bytes*/) {}
    /// Of a bridge: the function behind it that a configuration access to this bus goes to.
    [[nodiscard]] virtual PciEndpoint* find_behind(uint8_t /*bus*/, uint8_t /*device*/, uint8_t /*function*/) {
        return nullptr;
    }
    /// Of a bridge: calls `visit` for each function behind it to which it passes this address on.
    virtual void for_each_behind(PciAddressSpace, uint64_t /*address*/, unsigned /*bytes*/,
                                 std::function<void(PciEndpoint&)> const& /*visit*/) {}
    /// The bus says that this function 0 has siblings ([PCI], Header Type).
    virtual void set_multifunction() {}
};

}  // namespace virtq::sim
