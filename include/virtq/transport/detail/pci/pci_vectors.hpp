// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/spec/pci.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

/// What an interrupt of a PCI function means: by INTx and the ISR status, or by the vector of MSI-X.
namespace virtq::detail {

/// §4.1.4.5 (ISR status capability): neither for another device on a shared line, and for a device that is gone.
[[__nodiscard__]] constexpr InterruptCause pci_interrupt_cause(uint8_t isr) {
    if (isr == spec::pci::isr_gone) {
        return {};
    }
    return {(isr & spec::pci::isr_queue) != 0, (isr & spec::pci::isr_config) != 0};
}

/// Which MSI-X vector is whose: number 0 is the configuration's, the queues share the others in turn; a device with
/// one vector has it for everything. With none, interrupts come by INTx, or not at all.
class PciVectors {
public:
    constexpr PciVectors() = default;
    explicit constexpr PciVectors(uint16_t count) : count_(count) {}

    [[__nodiscard__]] constexpr bool in_use() const { return count_ != 0; }

    [[__nodiscard__]] constexpr uint16_t of_config() const { return 0; }
    [[__nodiscard__]] constexpr uint16_t of_queue(uint16_t queue) const {
        uint16_t const shared = static_cast<uint16_t>(count_ - 1);
        if (shared == 0) {
            return 0;
        }
        while (queue >= shared) {  // a division is a library call somewhere; queues are few
            queue = static_cast<uint16_t>(queue - shared);
        }
        return static_cast<uint16_t>(1 + queue);
    }

    /// What an interrupt of this vector may mean. The device does not say more: ISR status is unused (§4.1.5.1.2).
    [[__nodiscard__]] constexpr InterruptCause cause(uint16_t vector) const {
        return {vector != of_config() || count_ == 1, vector == of_config()};
    }

private:
    uint16_t count_ = 0;
};

}  // namespace virtq::detail
