// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/diagnosis.hpp>
#include <virtq/diag/interrupt_snapshot.hpp>
#include <virtq/diag/pci_interrupt_state.hpp>
#include <virtq/spec/pci.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Finds out why no interrupt reaches the handler of a device on PCI. The device has answered, and the driver wants
/// interrupts. Reading the ISR status would acknowledge an interrupt, so whether one was raised is only inferred.
class InterruptJudge {
public:
    InterruptJudge(Diagnosis& diagnosis, PciInterruptState const& function)
        : diagnosis_(diagnosis), seen_(diagnosis.device.interrupts), function_(function) {}

    void judge() {
        if (seen_.way == InterruptSnapshot::Way::line) {
            judge_line();
        } else if (seen_.way == InterruptSnapshot::Way::vectors) {
            judge_vectors();
        }
    }

private:
    void judge_line() {
        if (has_control(spec::pci::msix::control_enable)) {
            add(Cause::msix_on_untold, function_.msix_control);
        } else if (function_.is_known && (function_.command & spec::pci::command_interrupt_disable) != 0) {
            add(Cause::intx_disabled, function_.command);
        } else if (seen_.line.pin == 0) {
            return add(Cause::interrupt_pin_missing);
        }
        judge_calls(seen_.line_calls, seen_.vector_calls, Cause::line_handler_never_called);
    }

    void judge_vectors() {
        if (function_.is_known && !has_control(spec::pci::msix::control_enable)) {
            add(Cause::msix_off, function_.msix_control);
        } else if (has_control(spec::pci::msix::control_function_mask)) {
            add(Cause::msix_masked, function_.msix_control);
        } else if (seen_.queue_vector == spec::pci::no_vector) {
            return add(Cause::queue_without_vector, diagnosis_.queue_index);
        }
        judge_calls(seen_.vector_calls, seen_.line_calls, Cause::vector_handler_never_called);
    }

    void judge_calls(uint16_t right, uint16_t wrong, Cause never) {
        if (right == 0) {
            add(wrong != 0 ? Cause::other_handler_called : never);
        }
    }

    [[__nodiscard__]] bool has_control(uint16_t bit) const { return (function_.msix_control & bit) != 0; }
    void add(Cause cause, uint64_t value = 0) { diagnosis_.add({.cause = cause, .value = value}); }

    Diagnosis& diagnosis_;
    InterruptSnapshot const& seen_;
    PciInterruptState const& function_;
};

}  // namespace virtq::detail
