// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include <sim/msix_unit.hpp>
#include <sim/pci_config_registers.hpp>
#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire_pci.hpp>

/// How a function on PCI interrupts: by its line, with the reason in the ISR status (§4.1.4.5), or by MSI-X messages
/// (§4.1.5.3, §4.1.5.4).
namespace virtq::sim {

class PciInterrupts {
public:
    static constexpr uint8_t isr_queue = 1;
    static constexpr uint8_t isr_config = 2;

    PciInterrupts(ViolationLog& log, PciConfigRegisters& registers, uint16_t vectors)
        : log_(log),
          registers_(registers),
          msix_(log, vectors, [this](MsixMessage const& message) { send(message); }) {}
    PciInterrupts(PciInterrupts const&) = delete;
    PciInterrupts& operator=(PciInterrupts const&) = delete;

    [[nodiscard]] MsixUnit& msix() { return msix_; }
    [[nodiscard]] MsixUnit const& msix() const { return msix_; }

    /// §4.1.5.3, §4.1.5.4: `vector` is the vector to which the event is mapped.
    void raise_queue(uint16_t vector) { raise(isr_queue, vector); }
    void raise_config(uint16_t vector) { raise(isr_config, vector); }
    /// Raises the line with any bits, or with none.
    void raise_unasked(uint8_t bits) {
        isr_ |= bits;
        assert_line();
    }

    /// §4.1.4.5: a read clears the ISR status, and with it the line.
    [[nodiscard]] uint8_t read_isr() {
        ++isr_reads_;
        auto const value = static_cast<uint8_t>(isr_ | storm_);
        isr_ = 0;
        show_status();
        return value;
    }
    /// Whether the device drives its line.
    [[nodiscard]] bool line() const {
        return !msix_.enabled() && (isr_ | storm_) != 0 &&
               (registers_.command() & wire::pci::command_intx_disable) == 0;
    }
    /// Call it after a write to the configuration space.
    void set_control(uint16_t message_control) {
        msix_.set_control(message_control);
        show_status();
    }
    void reset() {
        isr_ = 0;
        msix_.forget_pending();
        show_status();
    }

    /// Sets bits that no read clears.
    void storm(uint8_t bits) {
        storm_ = bits;
        show_status();
    }

    [[nodiscard]] std::vector<MsixMessage> const& messages() const { return messages_; }
    /// Number of times that the line was asserted, also while it already was, plus the number of messages.
    [[nodiscard]] size_t count() const { return line_count_ + messages_.size(); }
    [[nodiscard]] size_t isr_reads() const { return isr_reads_; }

    std::function<void()> on_line;
    std::function<void(MsixMessage const&)> on_message;

private:
    void raise(uint8_t bit, uint16_t vector) {
        if (!msix_.enabled()) {
            isr_ |= bit;
            return assert_line();
        }
        if (bit == isr_config) {  // §4.1.4.5.1: this bit is also set with MSI-X
            isr_ |= bit;
        }
        if (vector != wire::pci::no_vector) {
            msix_.request(vector);
        }
    }
    void assert_line() {
        show_status();
        if ((registers_.command() & wire::pci::command_intx_disable) == 0) {
            ++line_count_;
            if (on_line) {
                on_line();
            }
        }
    }
    /// §4.1.4.5.1: updates Interrupt Status in the PCI status register.
    void show_status() {
        bool const on = !msix_.enabled() && (isr_ | storm_) != 0;
        uint32_t const others = registers_.peek(wire::pci::status, 2) & ~uint32_t{wire::pci::status_interrupt};
        registers_.poke(wire::pci::status, others | (on ? wire::pci::status_interrupt : 0u), 2);
    }
    void send(MsixMessage const& message) {
        if ((registers_.command() & wire::pci::command_bus_master) == 0) {
            return log_.report(rule::pci_bus_master, message.vector);  // the write never leaves the device
        }
        messages_.push_back(message);
        if (on_message) {
            on_message(message);
        }
    }

    ViolationLog& log_;
    PciConfigRegisters& registers_;
    MsixUnit msix_;
    uint8_t isr_ = 0;
    uint8_t storm_ = 0;
    size_t line_count_ = 0;
    size_t isr_reads_ = 0;
    std::vector<MsixMessage> messages_;
};

}  // namespace virtq::sim
