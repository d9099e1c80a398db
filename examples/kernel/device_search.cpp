// SPDX-License-Identifier: MIT
#include "device_search.hpp"

#include "pci_access.hpp"
#include "serial.hpp"

namespace {

/// Handlers get only a number, and look for it among these devices.
constexpr unsigned most_listening = 8;
constinit Device* listening[most_listening] = {};
constinit unsigned listening_count = 0;

constinit SeenDevice seen[16] = {};
constinit size_t seen_count = 0;

constexpr unsigned most_unclaimed = 16;
constinit unsigned unclaimed = 0;

/// PCI devices share lines, so each device on the line is asked. Asking acknowledges the interrupt: a request that ends
/// later interrupts again.
void on_line(unsigned line) {
    bool claimed = false;
    for (unsigned i = 0; i < listening_count; ++i) {
        Device& device = *listening[i];
        if (device.way != InterruptWay::line || device.number != line) {
            continue;
        }
        virtq::InterruptCause const cause = device.transport.on_interrupt();
        if (cause.used_buffer || cause.config_change) {
            device.on_interrupt(cause);
            claimed = true;
        }
    }
    if (!claimed && ++unclaimed > most_unclaimed) {
        serial::line();
        serial::fail("an interrupt storm: line ", line, " is no device's");
    }
}

/// One message for the configuration, one for all queues.
constexpr unsigned messages_a_device = 2;

void on_message(unsigned number) {
    for (unsigned i = 0; i < listening_count; ++i) {
        Device& device = *listening[i];
        if (device.way == InterruptWay::message && number - device.number < messages_a_device) {
            device.on_interrupt(device.transport.on_vector(static_cast<uint16_t>(number - device.number)));
        }
    }
}

void listen_to_line(Device& device, unsigned line) {
    device.way = InterruptWay::line;
    device.number = line;
    machine::listen(line, on_line);
    serial::line("  interrupts by line ", uint64_t{line});
}

struct DeviceMap {
    uintptr_t map_device_memory(virtq::PhysAddr phys, uint64_t bytes) { return machine::device_memory(phys, bytes); }
    uintptr_t map_device_ports(uint32_t port, uint32_t count) { return machine::device_ports(port, count); }
};

using PciFunction = virtq::PciFunction<machine::PciAccess>;
using virtq::spec::DeviceId;

class DeviceSearch {
public:
    DeviceSearch(virtq::Span<WantedDevices> wanted, InterruptWay way) : wanted_(wanted), way_(way) {}

    void look_at_slot(unsigned slot) {
        virtq::MmioTransport<> probe;
        virtq::Status const status = probe.probe(virtq::MmioSpace{machine::virtio_slot(slot)});
        if (status.error() == virtq::Error::no_device) {
            return;
        }
        expect(slot, status);
        Device* const found = next({slot, probe.device_id(), false});
        if (found == nullptr) {
            return;
        }
        Device& device = *found;
        expect(slot, device.transport.probe_mmio(virtq::MmioSpace{machine::virtio_slot(slot)}));
        announce(device, slot);
        if (way_ != InterruptWay::none) {
            listen_to_line(device, machine::mmio_line(slot));
        }
    }

    /// Numbers the buses that no firmware has numbered, and scans all buses.
    void look_at_pci(machine::PciAccess& access) {
        virtq::Result<virtq::PciBusRange> const buses = virtq::number_buses(access, {0, 255}, {&memory_, &ports_});
        if (!buses) {
            serial::fail("the PCI buses cannot be numbered", buses.error());
        }
        buses_ = *buses;
        virtq::for_each_virtio_function(access, buses_,
                                        [&](PciFunction const& function, DeviceId type) { look_at(function, type); });
    }

private:
    static void expect(unsigned slot, virtq::Status status) {
        if (!status) {
            serial::fail("the device in slot ", slot, " cannot be used: ", virtq::describe(status.error()));
        }
    }

    void look_at(PciFunction const& function, DeviceId type) {
        unsigned const slot = function.address().device;
        Device* const found = next({slot, type, true});
        if (found == nullptr) {
            return;
        }
        Device& device = *found;
        expect(slot, device.transport.probe_pci(function, map_, {&memory_, &ports_}));
        announce(device, slot);
        bool const messages = way_ == InterruptWay::message && machine::has_messages();
        if (way_ != InterruptWay::none && !(messages && listen_to_messages(device, function))) {
            virtq::PciRootPin const root = virtq::find_root_pin(function, buses_);
            listen_to_line(device, machine::pci_line(root.device, root.pin, device.transport.interrupt_line().line));
        }
    }

    /// Records a device, and returns where it is to be kept. Prints a device that nobody wants, and returns null.
    [[nodiscard]] Device* next(SeenDevice const& device) {
        if (seen_count != sizeof seen / sizeof *seen) {
            seen[seen_count++] = device;
        }
        for (WantedDevices& wanted : wanted_) {
            if (device.type == wanted.type && wanted.found != wanted.devices.size() &&
                listening_count != most_listening) {
                Device* const place = wanted.devices[wanted.found++];
                place->most_interrupts = UINT64_MAX;
                listening[listening_count++] = place;
                return place;
            }
        }
        serial::line("slot ", device.slot, ": ", name_of(device.type), " device, not used");
        return nullptr;
    }

    static void announce(Device& device, unsigned slot) {
        device.slot = slot;
        serial::line("slot ", slot, ": ", name_of(device.transport.device_id()), " device over ",
                     name_of(device.transport));
    }

    /// Sets up messages. False if the device cannot send any.
    [[nodiscard]] bool listen_to_messages(Device& device, PciFunction const& function) {
        device.number = messages_a_device * (listening_count - 1);
        virtq::MsiMessage messages[messages_a_device];
        for (unsigned i = 0; i < messages_a_device; ++i) {
            machine::Message const message = machine::listen_message(device.number + i, on_message);
            messages[i] = {message.address, message.data};
        }
        virtq::Result<uint16_t> const count = device.transport.use_msix(function, map_, messages);
        if (count.error() == virtq::Error::msix_absent) {
            return false;
        }
        if (!count) {
            serial::fail("MSI-X cannot be used", count.error());
        }
        device.way = InterruptWay::message;
        serial::line("  interrupts by message ", device.number, ", ", *count, " vectors");
        return true;
    }

    virtq::Span<WantedDevices> wanted_;
    InterruptWay way_;
    virtq::PciBusRange buses_;
    DeviceMap map_{};
    virtq::PciWindow memory_{machine::pci_memory_window().base, machine::pci_memory_window().bytes};
    virtq::PciWindow ports_{machine::pci_port_window().base, machine::pci_port_window().bytes};
};

}  // namespace

void find_devices(virtq::Span<WantedDevices> wanted, InterruptWay way) {
    DeviceSearch search{wanted, way};
    for (unsigned slot = 0; slot < machine::virtio_slot_count(); ++slot) {
        search.look_at_slot(slot);
    }
    if (machine::has_pci()) {
        machine::PciAccess access = machine::pci_access();
        search.look_at_pci(access);
    }
}

unsigned find_devices(virtq::Span<Device* const> devices, DeviceId type, InterruptWay way) {
    WantedDevices wanted[] = {{type, devices}};
    find_devices(wanted, way);
    return wanted[0].found;
}

char const* name_of(DeviceId type) {
    switch (type) {
        case DeviceId::net: return "network";
        case DeviceId::block: return "block";
        case DeviceId::console: return "console";
        case DeviceId::entropy: return "entropy";
        case DeviceId::balloon:
        case DeviceId::traditional_balloon: return "balloon";
        case DeviceId::scsi_host: return "SCSI";
        case DeviceId::transport_9p: return "9P";
        case DeviceId::gpu: return "GPU";
        case DeviceId::input: return "input";
        case DeviceId::socket: return "socket";
        case DeviceId::sound: return "sound";
        default: return "another";
    }
}

virtq::Span<SeenDevice const> seen_devices() {
    return {seen, seen_count};
}
