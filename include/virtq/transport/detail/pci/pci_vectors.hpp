// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/spec/pci.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

/// The cause of a PCI interrupt: from the ISR status (INTx), or from the vector (MSI-X).
namespace virtq::detail {

/// §4.1.4.5 (ISR status capability). Returns no cause if another device on a shared line interrupted, or if this
/// device is gone.
[[__nodiscard__]] constexpr InterruptCause pci_interrupt_cause(uint8_t isr) {
    if (isr == spec::pci::isr_gone) {
        return {};
    }
    return {(isr & spec::pci::isr_queue) != 0, (isr & spec::pci::isr_config) != 0};
}

/// Assigns the MSI-X vectors. Vector 0 is for configuration changes; the queues share the others in turn. A device
/// with one vector uses it for everything. Without vectors, interrupts come by INTx, or not at all.
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
        while (queue >= shared) {  // some CPUs divide by a library call; queues are few
            queue = static_cast<uint16_t>(queue - shared);
        }
        return static_cast<uint16_t>(1 + queue);
    }

    /// The possible causes of this vector. The device reports no more: with MSI-X the ISR status is unused
    /// (§4.1.5.1.2).
    [[__nodiscard__]] constexpr InterruptCause cause(uint16_t vector) const {
        return {vector != of_config() || count_ == 1, vector == of_config()};
    }

private:
    uint16_t count_ = 0;
};

}  // namespace virtq::detail
