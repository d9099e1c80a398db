// SPDX-License-Identifier: MIT
#include "disk_search.hpp"

#include "console.hpp"
#include "pci_access.hpp"

namespace {

/// Handlers get only a number, and look for it among these disks.
constinit virtq::Span<Disk> listening{};

constexpr unsigned most_unclaimed = 16;
constinit unsigned unclaimed = 0;

/// PCI devices share lines, so each disk on the line is asked. Asking acknowledges the interrupt: a request that ends
/// later interrupts again.
void on_line(unsigned line) {
    bool claimed = false;
    for (Disk& disk : listening) {
        if (disk.way != InterruptWay::line || disk.number != line) {
            continue;
        }
        virtq::InterruptCause const cause = disk.transport.on_interrupt();
        if (cause.used_buffer || cause.config_change) {
            disk.on_interrupt(cause);
            claimed = true;
        }
    }
    if (!claimed && ++unclaimed > most_unclaimed) {
        console::line();
        console::fail("an interrupt storm: line ", line, " is no disk's");
    }
}

/// One message for the configuration, one for the queue.
constexpr unsigned messages_a_disk = 2;

void on_message(unsigned number) {
    for (Disk& disk : listening) {
        if (disk.way == InterruptWay::message && number - disk.number < messages_a_disk) {
            disk.on_interrupt(disk.transport.on_vector(static_cast<uint16_t>(number - disk.number)));
        }
    }
}

void listen_to_line(Disk& disk, unsigned line) {
    disk.way = InterruptWay::line;
    disk.number = line;
    machine::listen(line, on_line);
    console::line("  interrupts by line ", uint64_t{line});
}

struct DeviceMap {
    uintptr_t map_device_memory(virtq::PhysAddr phys, uint64_t bytes) { return machine::device_memory(phys, bytes); }
    uintptr_t map_device_ports(uint32_t port, uint32_t count) { return machine::device_ports(port, count); }
};

using PciFunction = virtq::PciFunction<machine::PciAccess>;

class DiskSearch {
public:
    DiskSearch(virtq::Span<Disk> disks, PagePool& pages, InterruptWay way) : disks_(disks), pages_(pages), way_(way) {}

    void look_at_slot(unsigned slot) {
        if (found_ == disks_.size()) {
            return;
        }
        Disk& disk = disks_[found_];
        virtq::Status const status = disk.transport.probe_mmio(virtq::MmioSpace{machine::virtio_slot(slot)});
        if (status.error() == virtq::Error::no_device || !is_disk(disk, slot, status)) {
            return;
        }
        if (way_ != InterruptWay::none) {
            listen_to_line(disk, machine::mmio_line(slot));
        }
        take(disk);
    }

    /// Numbers the buses that no firmware has numbered, and scans all buses.
    void look_at_pci(machine::PciAccess& access) {
        virtq::Result<virtq::PciBusRange> const buses = virtq::number_buses(access, {0, 255}, {&memory_, &ports_});
        if (!buses) {
            console::fail("the PCI buses cannot be numbered", buses.error());
        }
        buses_ = *buses;
        virtq::for_each_virtio_function(
            access, buses_, [&](PciFunction const& function, virtq::spec::DeviceId) { look_at(function); });
    }

    void look_at(PciFunction const& function) {
        if (found_ == disks_.size()) {
            return;
        }
        Disk& disk = disks_[found_];
        virtq::Status const status = disk.transport.probe_pci(function, map_, {&memory_, &ports_});
        if (!is_disk(disk, function.address().device, status)) {
            return;
        }
        bool const messages = way_ == InterruptWay::message && machine::has_messages();
        if (way_ != InterruptWay::none && !(messages && listen_to_messages(disk, function))) {
            virtq::PciRootPin const root = virtq::find_root_pin(function, buses_);
            listen_to_line(disk, machine::pci_line(root.device, root.pin, disk.transport.interrupt_line().line));
        }
        take(disk);
    }

    [[nodiscard]] unsigned found() const { return found_; }

private:
    [[nodiscard]] static bool is_disk(Disk& disk, unsigned slot, virtq::Status const& status) {
        if (!status) {
            console::fail("the device in slot ", slot, " cannot be used: ", virtq::describe(status.error()));
        }
        bool const is = disk.transport.device_id() == virtq::spec::DeviceId::block;
        console::line("slot ", slot, is ? ": block" : ": another", " device over ", name_of(disk.transport));
        disk.slot = slot;
        return is;
    }

    /// Sets up messages. False if the device cannot send any.
    [[nodiscard]] bool listen_to_messages(Disk& disk, PciFunction const& function) {
        disk.number = messages_a_disk * found_;
        virtq::MsiMessage messages[messages_a_disk];
        for (unsigned i = 0; i < messages_a_disk; ++i) {
            machine::Message const message = machine::listen_message(disk.number + i, on_message);
            messages[i] = {message.address, message.data};
        }
        virtq::Result<uint16_t> const count = disk.transport.use_msix(function, map_, messages);
        if (count.error() == virtq::Error::msix_absent) {
            return false;
        }
        if (!count) {
            console::fail("MSI-X cannot be used", count.error());
        }
        disk.way = InterruptWay::message;
        console::line("  interrupts by message ", disk.number, ", ", *count, " vectors");
        return true;
    }

    void take(Disk& disk) {
        disk.most_interrupts = UINT64_MAX;
        disk.bring_up(pages_);
        ++found_;
    }

    virtq::Span<Disk> disks_;
    PagePool& pages_;
    InterruptWay way_;
    unsigned found_ = 0;
    virtq::PciBusRange buses_;
    DeviceMap map_{};
    virtq::PciWindow memory_{machine::pci_memory_window().base, machine::pci_memory_window().bytes};
    virtq::PciWindow ports_{machine::pci_port_window().base, machine::pci_port_window().bytes};
};

}  // namespace

unsigned find_disks(virtq::Span<Disk> disks, PagePool& pages, InterruptWay way) {
    listening = disks;
    DiskSearch search{disks, pages, way};
    for (unsigned slot = 0; slot < machine::virtio_slot_count(); ++slot) {
        search.look_at_slot(slot);
    }
    if (machine::has_pci()) {
        machine::PciAccess access = machine::pci_access();
        search.look_at_pci(access);
    }
    return search.found();
}
