// SPDX-License-Identifier: MIT
#include "device.hpp"

#include "serial.hpp"

#include <virtq/diag/diag.hpp>

namespace {

void print_features(char const* what, virtq::Features const& features, virtq::spec::DeviceId type) {
    serial::print(what);
    for (unsigned bit = 0; bit < virtq::Features::bit_count; ++bit) {
        if (!features.has_bit(bit)) {
            continue;
        }
        serial::print(" ");
        if (char const* const feature = virtq::feature_name(type, bit); feature != nullptr) {
            serial::print(feature);
        } else {
            serial::print(uint64_t{bit});
        }
    }
    serial::line();
}

}  // namespace

void Device::on_interrupt(virtq::InterruptCause cause) {
    config_changed = config_changed || cause.config_change;
    if (++interrupts > most_interrupts) {
        serial::line();
        virtq::explain(virtq::diagnose(transport), machine::put);
        serial::fail("the device in slot ", slot, ": an interrupt storm");
    }
}

/// 20 to 50 seconds under QEMU's emulation, with ticks of at most 100 ms. That is less than the time limit of
/// examples/run, so that the kernel itself reports why.
virtq::PollLimit Device::patience() const {
    if (is_broken_on_purpose()) {
        return virtq::PollLimit{way == InterruptWay::none ? 2'000'000u : 3u};  // nothing will come
    }
    return virtq::PollLimit{way == InterruptWay::none ? 200'000'000u : 300u};
}

bool Device::is_broken_on_purpose() const {
    char const* name = name_of(transport);
    char const* broken = VIRTQ_EXAMPLE_BREAK;
    for (; *name != '\0' && *name == *broken; ++name, ++broken) {
    }
    return *name == *broken;
}

char const* name_of(Device::Transport const& transport) {
    using enum Device::Transport::Kind;
    switch (transport.kind()) {
        case mmio: return transport.is_legacy() ? "mmio-legacy" : "mmio";
        case pci_modern: return "pci";
        case pci_window: return "pci's configuration space";
        case pci_legacy_ports:
        case pci_legacy_memory: return "pci-legacy";
        default: return "nothing";
    }
}

void print_negotiation(virtq::Negotiation const& negotiation, virtq::spec::DeviceId type, virtq::Status status) {
    print_features("  offered:   ", negotiation.offered, type);
    if (!status) {
        print_features("  wanted:    ", negotiation.wanted, type);
        print_features("  required:  ", negotiation.required, type);
        serial::fail("the device cannot be initialised", status.error());
    }
    print_features("  negotiated:", negotiation.negotiated, type);
}
