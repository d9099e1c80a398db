// SPDX-License-Identifier: MIT
#include "disk.hpp"

#include "console.hpp"

namespace {

constinit virtq::Span<Disk> listening{};

/// All that a handler is told is a line, which PCI devices share: so each disk on it is asked.
void on_line(unsigned line) {
    for (Disk& disk : listening) {
        if (disk.line == line) {
            disk.on_interrupt();
        }
    }
}

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

void bring_up(Disk& disk, PagePool& pages) {
    virtq::Status const status = disk.device.init(disk.transport, pages);
    virtq::spec::DeviceId const type = disk.transport.device_id();
    print_features("  offered:   ", disk.device.negotiation().offered, type);
    if (!status) {
        print_features("  wanted:    ", disk.device.negotiation().wanted, type);
        print_features("  required:  ", disk.device.negotiation().required, type);
        console::fail("the disk cannot be initialised", status.error());
    }
    print_features("  negotiated:", disk.device.negotiation().negotiated, type);
    console::line("  queue size ", disk.device.queue_size(), ", ", disk.device.capacity_sectors(), " sectors, ",
                  disk.device.is_read_only() ? "read-only" : "writable");
}

}  // namespace

void Disk::on_interrupt() {
    static_cast<void>(transport.on_interrupt());  // acknowledges: what ends after this interrupts again
    if (++interrupts > most_interrupts) {
        console::line();
        console::fail("an interrupt storm: ", interrupts, " interrupts of the disk in slot ", slot);
    }
}

void listen_to(virtq::Span<Disk> disks) {
    listening = disks;
    for (Disk& disk : disks) {
        disk.most_interrupts = UINT64_MAX;
        machine::listen(disk.line, on_line);
    }
}

unsigned find_disks(virtq::Span<Disk> disks, PagePool& pages) {
    unsigned found = 0;
    for (unsigned slot = 0; slot < machine::virtio_slot_count() && found < disks.size(); ++slot) {
        Disk& disk = disks[found];
        virtq::Status const status = disk.transport.probe(virtq::MmioSpace{machine::virtio_slot(slot)});
        if (status.error() == virtq::Error::no_device) {
            continue;
        }
        if (!status) {
            console::fail("a virtio-mmio slot cannot be used", status.error());
        }
        char const* const kind = disk.transport.is_legacy() ? ": legacy device of type " : ": modern device of type ";
        console::line("slot ", slot, kind, static_cast<uint32_t>(disk.transport.device_id()));
        if (disk.transport.device_id() == virtq::spec::DeviceId::block) {
            disk.slot = slot;
            disk.line = machine::mmio_line(slot);
            bring_up(disk, pages);
            ++found;
        }
    }
    return found;
}
