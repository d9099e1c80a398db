// SPDX-License-Identifier: MIT
#pragma once

#include <support/process.hpp>
#include <virtq/transport/any.hpp>
#include <virtq/transport/pci_bridge.hpp>
#include <virtq/transport/pci_scan.hpp>

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include <qtest/access.hpp>
#include <qtest/hot_plug_slot.hpp>
#include <qtest/line_socket.hpp>
#include <qtest/monitor.hpp>
#include <vhost_user/shared_memory.hpp>

namespace virtq::qtest {

using vhost_user::SharedMemory;
using Transport = AnyTransport<MemorySpace, Ports>;

/// The transport of a device, with the interface that QEMU offers.
enum class Way : std::uint8_t { mmio, mmio_legacy, pci, pci_legacy };

[[nodiscard]] constexpr bool is_pci(Way way) {
    return way == Way::pci || way == Way::pci_legacy;
}
[[nodiscard]] constexpr bool is_legacy(Way way) {
    return way == Way::mmio_legacy || way == Way::pci_legacy;
}

/// A machine of QEMU whose processor is off: this process is the kernel. It accesses registers over a socket, and shares
/// the machine's memory.
class Machine {
public:
    Machine() = default;
    Machine(Machine const&) = delete;
    Machine& operator=(Machine const&) = delete;
    ~Machine() { current_bus = nullptr; }

    [[nodiscard]] static bool is_installed() { return std::filesystem::exists(program); }
    /// For the files and sockets of devices.
    [[nodiscard]] std::string path(std::string const& name) const { return folder_.path(name); }

    /// Adds options of QEMU. Before `start`.
    void add(std::vector<std::string> const& options) {
        options_.insert(options_.end(), options.begin(), options.end());
    }
    /// Adds a device, for example `virtio-blk` with the properties `,drive=disk`. QEMU calls it `virtio-blk-pci` on PCI, and
    /// `virtio-blk-device` on MMIO.
    void add_device(std::string const& name, Way way, std::string const& properties) {
        std::string device =
            name + (is_pci(way) ? "-pci,id=device" : "-device,id=device") + (has_slot_ ? ",bus=hot" : "");
        if (is_pci(way)) {
            device +=
                is_legacy(way) ? ",disable-modern=on,disable-legacy=off" : ",disable-modern=off,disable-legacy=on";
        }
        add({"-global", std::string{"virtio-mmio.force-legacy="} + (is_legacy(way) ? "true" : "false"), "-device",
             device + properties});
        way_ = way;
    }
    void start() {
        process_.start(command(), path("log"));
        try {
            bus_.open(path("bus"), process_);
            monitor.open(path("monitor"), process_);
        } catch (std::runtime_error const& error) {
            std::ifstream log{path("log")};
            throw std::runtime_error(error.what() +
                                     (" It printed:\n" + std::string{std::istreambuf_iterator<char>{log}, {}}));
        }
        current_bus = &bus_;
        device_ = way_ == Way::pci || way_ == Way::pci_legacy ? "/machine/peripheral/device/virtio-backend"
                                                              : "/machine/peripheral/device";
    }
    /// Connects to a socket of a device, at `path(name)`.
    void connect(LineSocket& socket, std::string const& name) const { socket.open(path(name), process_); }

    /// Finds the device that was added.
    [[nodiscard]] Status probe(Transport& transport) {
        return is_pci(way_) ? probe_pci(transport) : probe_mmio(transport);
    }

    /// What QEMU knows of the device.
    [[nodiscard]] std::uint64_t of_queue(unsigned queue, std::string const& name) {
        return monitor.of_queue(device_, queue, name);
    }
    [[nodiscard]] std::string status() { return monitor.status(device_); }

    // --- hot plug, on PCI ---

    /// Adds a slot. The device that is added next is in it.
    void add_slot() {
        add(HotPlugSlot::options());
        has_slot_ = true;
    }
    /// Takes the device out while it works. A kernel that is asked first would stop its driver: this one does not.
    void unplug() {
        monitor.run("device_del", "{\"id\": \"device\"}");
        slot_.set_power(ecam_, HotPlugSlot::Power::off);
    }
    [[nodiscard]] bool is_unplugged() { return monitor.has_announced("DEVICE_DELETED"); }
    /// Puts a device into the slot. `properties` are JSON: `"driver": "virtio-blk-pci", "drive": "disk"`.
    void plug(std::string const& properties) {
        monitor.run("device_add", "{\"id\": \"device\", \"bus\": \"hot\", " + properties + "}");
        slot_.set_power(ecam_, HotPlugSlot::Power::on);
        memory_window_ = slot_.memory(ecam_);
    }

    SharedMemory memory{memory_bytes / page_bytes, memory_base};
    Monitor monitor;

private:
    static constexpr char const* program = "/usr/bin/qemu-system-aarch64";
    static constexpr std::uint64_t memory_base = 0x4000'0000;
    static constexpr std::size_t memory_bytes = 32 << 20;
    static constexpr std::uint64_t slots_base = 0x0a00'0000;
    static constexpr std::uint64_t slot_bytes = 0x200;
    static constexpr unsigned slot_count = 32;

    [[nodiscard]] std::vector<std::string> command() const {
        std::string const size = std::to_string(memory_bytes);
        std::string const file = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(memory.file());
        std::vector<std::string> words{program,
                                       "-machine",
                                       "virt,memory-backend=memory",
                                       "-cpu",
                                       "cortex-a72",
                                       "-nodefaults",
                                       "-display",
                                       "none",
                                       "-global",
                                       "cpu.start-powered-off=on",
                                       "-qtest-log",
                                       "/dev/null",
                                       "-m",
                                       std::to_string(memory_bytes >> 20),
                                       "-object",
                                       "memory-backend-file,id=memory,share=on,size=" + size + ",mem-path=" + file,
                                       "-qtest",
                                       "unix:" + path("bus") + ",server=on,wait=off",
                                       "-qmp",
                                       "unix:" + path("monitor") + ",server=on,wait=off"};
        words.insert(words.end(), options_.begin(), options_.end());
        return words;
    }

    [[nodiscard]] Status probe_mmio(Transport& transport) {
        for (unsigned slot = slot_count; slot-- != 0;) {
            Status const found = transport.probe_mmio(MemorySpace{slots_base + slot * slot_bytes});
            if (found.error() != Error::no_device) {
                return found;
            }
        }
        return Error::no_device;
    }
    [[nodiscard]] Status probe_pci(Transport& transport) {
        PciProbeOption const option{.memory = &memory_window_, .ports = &port_window_};
        Result<PciBusRange> const buses = number_buses(ecam_, {0, 1}, option);
        Status result = buses ? Error::no_device : buses.error();
        for_each_virtio_function(ecam_, buses ? *buses : PciBusRange{}, [&](auto const& function, spec::DeviceId) {
            result = transport.probe_pci(function, mapper_, option);
        });
        return result;
    }

    test::TestFolder folder_;
    std::vector<std::string> options_;
    Way way_ = Way::mmio;
    bool has_slot_ = false;
    HotPlugSlot slot_;
    std::string device_;
    test::Process process_;
    Bus bus_;
    Ecam ecam_;
    Unmapped mapper_;
    PciWindow memory_window_{0x1000'0000, 0x2eff'0000};
    PciWindow port_window_{0x1000, 0xf000};
};

}  // namespace virtq::qtest
