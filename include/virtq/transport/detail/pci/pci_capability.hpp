// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/pci_function.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Walks the capabilities of a function. Bounded: there is room for 48 of them.
template <PciConfigAccess Access>
class CapabilityWalk {
public:
    explicit CapabilityWalk(PciFunction<Access> const& of) : function_(of) {}

    /// Goes to the first capability, or the next one. False: there is none, or the list is broken.
    [[__nodiscard__]] bool next() {
        if (steps_ == 0 && (function_.read(spec::pci::status) & spec::pci::status_capabilities) == 0) {
            return false;
        }
        uint16_t const link = steps_ == 0 ? spec::pci::capabilities_pointer.offset
                                          : static_cast<uint16_t>(offset_ + spec::pci::capability_next);
        offset_ = function_.read8(link) & spec::pci::capability_pointer_mask;
        if (offset_ == 0) {
            return false;
        }
        is_broken_ = offset_ < spec::pci::header_bytes || steps_ == spec::pci::capability_max;
        ++steps_;
        return !is_broken_;
    }

    /// Where the capability is in the configuration space.
    [[__nodiscard__]] uint16_t offset() const { return offset_; }
    [[__nodiscard__]] uint8_t id() const { return function_.read8(offset_); }
    /// Whether the list points into the header or does not end.
    [[__nodiscard__]] bool is_broken() const { return is_broken_; }

private:
    PciFunction<Access> const& function_;
    uint16_t offset_ = 0;
    uint16_t steps_ = 0;
    bool is_broken_ = false;
};

}  // namespace virtq::detail
