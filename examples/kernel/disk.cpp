// SPDX-License-Identifier: MIT
#include "disk.hpp"

#include "console.hpp"

#include <virtq/diag/diag.hpp>

namespace {

void print_features(char const* what, virtq::Features const& features, virtq::spec::DeviceId type) {
    console::print(what);
    for (unsigned bit = 0; bit < virtq::Features::bit_count; ++bit) {
        if (!features.has_bit(bit)) {
            continue;
        }
        console::print(" ");
        if (char const* const feature = virtq::feature_name(type, bit); feature != nullptr) {
            console::print(feature);
        } else {
            console::print(uint64_t{bit});
        }
    }
    console::line();
}

}  // namespace

void Disk::bring_up(PagePool& pages) {
    virtq::Status const status = device.init(transport, pages);
    virtq::spec::DeviceId const type = transport.device_id();
    virtq::Negotiation const& negotiation = device.negotiation();
    print_features("  offered:   ", negotiation.offered, type);
    if (!status) {
        print_features("  wanted:    ", negotiation.wanted, type);
        print_features("  required:  ", negotiation.required, type);
        console::fail("the disk cannot be initialised", status.error());
    }
    print_features("  negotiated:", negotiation.negotiated, type);
    console::line("  queue size ", device.queue_size(), ", ", device.capacity_sectors(), " sectors, ",
                  device.is_read_only() ? "read-only" : "writable");
}

void Disk::expect_interrupts(uint64_t requests) {
    if (way != InterruptWay::none) {
        most_interrupts = interrupts + 2 * requests + 16;
        static_cast<void>(device.enable_used_notifications());  // before the first request, so that it interrupts
    }
}

void Disk::check_interrupts() {
    if (way != InterruptWay::none && interrupts == 0 && !machine::wait()) {
        give_up("the disk did all its work without an interrupt");
    }
}

void Disk::rest() {
    if (way == InterruptWay::none) {
        virtq::SpinRelax{}();
        return;
    }
    // Until the first interrupt, notifications stay enabled: it will come, or has come already. So the kernel sleeps
    // at least once, even for a fast disk.
    bool const may_sleep = interrupts == 0 || device.enable_used_notifications() == virtq::MaySleep::yes;
    if (may_sleep && !machine::wait() && device.enable_used_notifications() == virtq::MaySleep::no &&
        !machine::wait()) {
        // One tick may fall between the device's write and its interrupt, but not a second one.
        give_up("an interrupt was lost: the disk had something to say, and only the tick ended the sleep");
    }
    if (interrupts != 0) {
        device.disable_used_notifications();
    }
    if (config_changed) {
        config_changed = false;
        if (virtq::Result<bool> const changed = device.on_config_change(); !changed || *changed) {
            give_up("the disk became another one while it was used");
        }
    }
}

/// 20 to 50 seconds under QEMU's emulation, with ticks of at most 100 ms. That is less than the time limit of
/// examples/run, so that the kernel itself reports why.
virtq::PollLimit Disk::patience() const {
    if (is_broken_on_purpose()) {
        return virtq::PollLimit{way == InterruptWay::none ? 2'000'000u : 3u};  // nothing will come
    }
    return virtq::PollLimit{way == InterruptWay::none ? 200'000'000u : 300u};
}

bool Disk::is_broken_on_purpose() const {
    char const* name = name_of(transport);
    char const* broken = VIRTQ_EXAMPLE_BREAK;
    for (; *name != '\0' && *name == *broken; ++name, ++broken) {
    }
    return *name == *broken;
}

void Disk::give_up(char const* why) {
    console::line();
    virtq::explain(virtq::diagnose(device), machine::put);
    console::fail("the disk in slot ", slot, ": ", why);
}

void Disk::on_interrupt(virtq::InterruptCause cause) {
    config_changed = config_changed || cause.config_change;
    if (++interrupts > most_interrupts) {
        give_up("an interrupt storm");
    }
}

char const* name_of(Disk::Transport const& transport) {
    using enum Disk::Transport::Kind;
    switch (transport.kind()) {
        case mmio: return transport.is_legacy() ? "mmio-legacy" : "mmio";
        case pci_modern: return "pci";
        case pci_window: return "pci's configuration space";
        case pci_legacy_ports:
        case pci_legacy_memory: return "pci-legacy";
        default: return "nothing";
    }
}
