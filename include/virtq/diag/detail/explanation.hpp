// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/diag/detail/advice.hpp>
#include <virtq/diag/detail/packed/packed_text.hpp>
#include <virtq/diag/detail/text_writer.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/spec/block.hpp>
#include <virtq/spec/device_status.hpp>
#include <virtq/spec/feature_name.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Prints a `Diagnosis`: one line for each thing that was read, then the sentences.
template <class Sink>
class Explanation {
public:
    Explanation(Diagnosis const& diagnosis, Sink& sink) : diagnosis_(diagnosis), out_(sink) {}

    void print_all() {
        print_device();
        if (diagnosis_.has_queue) {
            print_features("negotiated", diagnosis_.negotiated);
            print_queue();
        }
        if (diagnosis_.violation) {
            print_violation(diagnosis_.violation);
        }
        print_findings();
    }

private:
    static constexpr unsigned indent = 14;
    static constexpr unsigned hex_columns = 19;   ///< for 64 bits and a full stop
    static constexpr unsigned name_columns = 27;  ///< for the longest name of a feature and a full stop

    TextWriter<Sink>& label(char const* name) { return out_.text("  ").text(name).column(indent); }

    void print_device() {
        DeviceSnapshot const& device = diagnosis_.device;
        out_.text("virtq: ");
        if (device.reach == DeviceSnapshot::Reach::nothing) {
            out_.text("no device was read").line();
            if (!diagnosis_.missing.empty()) {
                print_features("missing", diagnosis_.missing);
            }
            return;
        }
        if (diagnosis_.has_queue) {
            out_.text("queue ").decimal(diagnosis_.queue_index).text(" of ");
        }
        out_.text("a device of type ").decimal(static_cast<uint32_t>(device.device_id));
        out_.text(device.legacy ? ", legacy" : ", modern").line();
        if (device.is_mmio) {
            label("registers");
            if (device.registers != 0) {
                out_.text("at ").hex(device.registers).text(", ");
            }
            out_.text("magic ").hex(device.magic).text(", version ").hex(device.version).line();
        }
        if (device.reach < DeviceSnapshot::Reach::status) {
            return;
        }
        print_status(device.status);
        if (device.interrupt_status != 0) {
            label("interrupt").hex(device.interrupt_status).text(", not acknowledged").line();
        }
        if (device.offered.has_value()) {
            print_features("offered", *device.offered);
        }
    }

    void print_status(DeviceStatus status) {
        struct Name {
            spec::StatusBit bit;
            char const* name;
        };
        constexpr Name names[] = {{spec::StatusBit::acknowledge, " ACKNOWLEDGE"},
                                  {spec::StatusBit::driver, " DRIVER"},
                                  {spec::StatusBit::features_ok, " FEATURES_OK"},
                                  {spec::StatusBit::driver_ok, " DRIVER_OK"},
                                  {spec::StatusBit::suspend, " SUSPEND"},
                                  {spec::StatusBit::device_needs_reset, " DEVICE_NEEDS_RESET"},
                                  {spec::StatusBit::failed, " FAILED"}};
        label("status").hex(status.bits());
        for (Name const& name : names) {
            if (status.has(name.bit)) {
                out_.words(name.name, indent);
            }
        }
        out_.line();
    }

    void print_features(char const* name, Features const& features) {
        label(name);
        if (features.empty()) {
            out_.text("none");
        }
        for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
            if (!features.has_bit(bit)) {
                continue;
            }
            if (char const* const known = feature_name(diagnosis_.device.device_id, bit); known != nullptr) {
                out_.words(known, indent);
            } else {
                out_.room(7, indent).text("bit ").decimal(bit);
            }
            out_.words(" ", indent);
        }
        out_.line();
    }

    void print_queue() {
        QueueSnapshot const& queue = diagnosis_.queue;
        DeviceSnapshot const& device = diagnosis_.device;
        label("queue").text("size ").decimal(queue.size);
        if (device.queue_size_max.has_value()) {
            out_.text(" of at most ").decimal(*device.queue_size_max);
        }
        if (device.reach == DeviceSnapshot::Reach::queue) {
            out_.text(device.queue_in_use ? ", enabled" : ", not enabled");
        }
        out_.text(", ").decimal(queue.num_free).text(queue.is_packed() ? " free, packed" : " free").line();
        if (queue.size == 0) {
            return;
        }
        label("pages").text("phys ").hex(queue.pages.phys.value).text(", virt ");
        out_.hex(reinterpret_cast<uintptr_t>(queue.pages.virt)).text(", ");
        out_.decimal(static_cast<uint32_t>(queue.pages.count)).line();
        if (!diagnosis_.has_ram) {
            label("memory").words("not compared: name it in DiagnoseOption::ram", indent).line();
        }
        label("descriptors").hex(queue.addresses.descriptor_area.value).line();
        if (queue.is_packed()) {
            print_packed(out_, queue, indent);
        } else {
            print_split(queue);
        }
        if (queue.fault) {
            label("fault").decimal(queue.fault.value).text(": ").words(describe(queue.fault.reason), indent).line();
        }
    }

    void print_split(QueueSnapshot const& queue) {
        label("driver").text("added ").decimal(number(queue.added)).text(", published ");
        out_.decimal(number(queue.published)).text(", decided ").decimal(number(queue.decided)).text(", taken ");
        out_.decimal(number(queue.taken)).text(",").words(" notifications", indent);
        out_.words(queue.notifications_on ? " on" : " off", indent).line();
        print_area("available", queue.addresses.driver_area, queue.avail_idx, queue.avail_flags);
        out_.text(", used_event ").decimal(number(queue.used_event)).line();
        print_area("used", queue.addresses.device_area, queue.used_idx, queue.used_flags);
        out_.text(", avail_event ").decimal(number(queue.avail_event)).line();
    }
    void print_area(char const* name, PhysAddr area, RingIndex index, uint16_t flags) {
        label(name).hex(area.value).column(34).text("idx ").decimal(number(index)).text(", flags ").hex(flags);
    }

    void print_violation(TypeViolation const& violation) {
        label("violation").text("queue ").decimal(violation.queue).text(", value ").decimal(violation.value);
        out_.text(": ").words(violation.sentence, indent).line();
    }

    void print_findings() {
        print_finding("=> ", diagnosis_.first());
        for (unsigned i = 1; i < diagnosis_.findings().size(); ++i) {
            print_finding("or ", diagnosis_.findings()[i]);
        }
    }

    void print_finding(char const* mark, Finding const& finding) {
        out_.text(mark).words(describe(finding.cause), 3);
        print_evidence(finding);
        out_.line();
        if constexpr (chosen_wording == Wording::sentences) {
            out_.text("   ").words(advise(finding.cause), 3).line();
        }
    }

    void print_evidence(Finding const& finding) {
        switch (finding.cause) {
            case Cause::feature_not_offered:
            case Cause::feature_not_given_to_queue:
            case Cause::queue_feature_not_negotiated: print_feature_bit(static_cast<unsigned>(finding.value)); return;
            case Cause::padding_overwritten:
                out_.words(" First at byte ", 3).room(hex_columns, 3).hex(finding.value).words(" of the pages.", 3);
                return;
            case Cause::buffer_address_zero:
            case Cause::buffer_address_virtual:
            case Cause::buffer_inside_ring:
            case Cause::buffer_outside_ram:
            case Cause::buffer_shared:
            case Cause::buffer_address_truncated:
                out_.words(" Descriptor ", 3).room(6, 3).decimal(finding.descriptor).words(" has the address ", 3);
                out_.room(hex_columns, 3).hex(finding.value).text(".");
                print_answered();
                return;
            case Cause::receive_buffer_too_small: print_small_buffer(finding); return;
            case Cause::not_a_block_request: print_bad_shape(finding); return;
            case Cause::block_status_in_data:
            case Cause::block_data_not_sectors:
                print_shape(finding);
                print_answered();
                return;
            case Cause::request_refused:
            case Cause::driver_not_initialised: print_refusal(finding); return;
            case Cause::driver_gave_up: print_step(); return;
            case Cause::nothing_in_flight: print_last(finding); return;
            case Cause::pages_shifted:
                out_.words(" Byte ", 3).room(hex_columns, 3).hex(finding.value).words(" of the pages has", 3);
                out_.words(" what belongs to byte ", 3).room(hex_columns, 3).hex(finding.expected).text(".");
                return;
            case Cause::ring_not_seen:
            case Cause::ring_configured_elsewhere: print_offset(); return;
            case Cause::other_queue_notified:
                out_.words(" It was for queue ", 3).room(11, 3).decimal(static_cast<uint32_t>(finding.value));
                out_.words(" and not ", 3).room(11, 3).decimal(static_cast<uint32_t>(finding.expected)).text(".");
                return;
            case Cause::never_notified:
                if (!diagnosis_.device.notified.value_or({true, 0}).any) {
                    out_.words(" notify() of this transport was not called since the device was reset.", 3);
                }
                return;
            case Cause::line_handler_never_called: print_line(); return;
            case Cause::vector_handler_never_called: print_vector(); return;
            case Cause::interrupt_not_handled: print_calls(); return;
            case Cause::completions_not_taken: print_handled(); return;
            case Cause::not_answered:
                if (finding.expected != 0) {
                    out_.words(" It has answered others before: it may be slow, or the poll limit is small.", 3);
                }
                return;
            case Cause::descriptor_overwritten:
                out_.words(" Descriptor ", 3).room(6, 3).decimal(finding.descriptor).text(":");
                print_difference(finding);
                return;
            case Cause::driver_moved:
            case Cause::registers_all_ones:
            case Cause::registers_all_zero:
            case Cause::not_virtio:
            case Cause::version_unknown:
            case Cause::device_type_differs:
            case Cause::used_index_restarted:
            case Cause::queue_elsewhere:
            case Cause::queue_size_differs:
            case Cause::queue_size_above_maximum:
            case Cause::avail_index_overwritten:
            case Cause::avail_flags_overwritten:
            case Cause::driver_event_overwritten:
            case Cause::used_index_ahead: print_difference(finding); return;
            default: return;  // the evidence is in a line above
        }
    }

    void print_difference(Finding const& finding) {
        out_.words(" Found ", 3).room(hex_columns, 3).hex(finding.value);
        out_.words(", expected ", 3).room(hex_columns, 3).hex(finding.expected).text(".");
    }

    void print_shape(Finding const& finding) {
        out_.words(" The chain from descriptor ", 3).room(5, 3).decimal(finding.descriptor).words(" has ", 3);
        print_bytes(finding.value);
        out_.words(" device-readable and ", 3);
        print_bytes(finding.expected);
        out_.words(" device-writable bytes.", 3);
    }
    void print_small_buffer(Finding const& finding) {
        out_.words(" The chain from descriptor ", 3).room(5, 3).decimal(finding.descriptor).words(" has ", 3);
        print_bytes(finding.value);
        out_.words(" device-writable bytes; at least ", 3);
        print_bytes(finding.expected);
        out_.words(" are needed.", 3);
    }
    void print_bytes(uint64_t bytes) {
        out_.room(10, 3).decimal(bytes > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(bytes));
    }
    void print_bad_shape(Finding const& finding) {
        print_shape(finding);
        bool const has_header = finding.value >= sizeof(spec::block::RequestHeader);
        out_.words(
            has_header ? " The status byte is missing, or lacks WRITE." : " The header is too short, or has WRITE.",
            3);
        print_answered();
    }
    void print_answered() {
        if (diagnosis_.queue.outstanding() == 0) {
            out_.words(" It belongs to the last request, which was answered.", 3);
        }
    }

    /// What the driver's own call returned.
    void print_refusal(Finding const& finding) {
        if (auto const error = static_cast<Error>(finding.value); error != Error::none) {
            out_.words(finding.cause == Cause::request_refused ? " It returned: " : " init() returned: ", 3);
            out_.words(describe(error), 3);
        }
    }

    /// How far initialisation got (§3.1.1).
    void print_step() {
        DeviceSnapshot const& device = diagnosis_.device;
        if (device.status.has(spec::StatusBit::driver_ok)) {
            out_.words(" The device was live before: DRIVER_OK is set.", 3);
        } else if (device.legacy) {
            out_.words(" It reached the features or the queues, steps 4 to 7 of §3.1.1.", 3);
        } else if (device.status.has(spec::StatusBit::features_ok)) {
            out_.words(
                " It reached step 7 of §3.1.1: the features are agreed on, the configuration or a queue failed.", 3);
        } else if (!device.asked_features_ok.value_or(true)) {
            out_.words(
                " It reached step 4 of §3.1.1: a feature that the driver requires is not among those offered,"
                " above.",
                3);
        } else {
            out_.words(" It reached the features, steps 4 to 6 of §3.1.1.", 3);
        }
    }

    /// Prints the last answer of a disk. A read that looks like a write lacks a WRITE flag.
    void print_last(Finding const& finding) {
        if (finding.value == 0) {
            return;
        }
        out_.words(" The last answer was to what looks like ", 3);
        bool const has_readable_data = finding.value > sizeof(spec::block::RequestHeader);
        out_.words(has_readable_data ? "a write:" : finding.expected > 1 ? "a read:" : "a flush:", 3);
        print_shape(finding);
        if (has_readable_data) {
            out_.words(" If it was to be a read, its data lacks WRITE.", 3);
        }
    }

    /// Where the kernel's direct map would have to begin.
    void print_offset() {
        Pages const& pages = diagnosis_.queue.pages;
        uint64_t const virt = reinterpret_cast<uintptr_t>(pages.virt);
        if (virt > pages.phys.value) {
            out_.words(" The pages' virtual address minus the physical one is ", 3).room(hex_columns, 3);
            out_.hex(virt - pages.phys.value).words(": is your direct map there?", 3);
        }
    }

    void print_line() {
        PciLine const line = diagnosis_.device.interrupts.line;
        out_.words(" Its pin is ", 3).decimal(line.pin).words(", its line register reads ", 3);
        out_.room(4, 3).decimal(line.line).text(".");
    }
    void print_vector() {
        out_.words(" The queue's vector is ", 3).room(6, 3);
        out_.decimal(diagnosis_.device.interrupts.queue_vector).text(".");
    }
    void print_calls() {
        InterruptSnapshot const& interrupts = diagnosis_.device.interrupts;
        if (interrupts.way != InterruptSnapshot::Way::mmio) {
            return;
        }
        if (interrupts.line_calls == 0) {
            out_.words(" No interrupt has ever come: on_interrupt() was never called.", 3);
        } else {
            out_.words(" Interrupts came ", 3)
                .room(6, 3)
                .decimal(interrupts.line_calls)
                .words(" time(s), and then", 3);
            out_.words(" no more. End each one at the interrupt controller (EOI, complete of a PLIC).", 3);
        }
    }

    /// Prints that the handler was called, although nobody took the completions.
    void print_handled() {
        InterruptSnapshot const& interrupts = diagnosis_.device.interrupts;
        bool const by_vector = interrupts.way == InterruptSnapshot::Way::vectors;
        if (uint16_t const calls = by_vector ? interrupts.vector_calls : interrupts.line_calls; calls != 0) {
            out_.words(by_vector ? " The handler called on_vector() " : " The handler called on_interrupt() ", 3);
            out_.room(5, 3).decimal(calls).words(" time(s).", 3);
        }
    }

    void print_feature_bit(unsigned bit) {
        char const* const name = feature_name(diagnosis_.device.device_id, bit);
        out_.words(" It is bit ", 3).room(11, 3).decimal(bit);
        if (name != nullptr) {
            out_.words(", ", 3).room(name_columns, 3).text(name);
        }
        out_.text(".");
    }

    Diagnosis const& diagnosis_;
    TextWriter<Sink> out_;
};

}  // namespace virtq::detail
