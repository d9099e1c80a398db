// SPDX-License-Identifier: MIT
#include "layout.hpp"
#include "machine.hpp"

/// The PCI Express of QEMU's `virt`. There is no firmware: no BAR has an address yet.

namespace {

constexpr machine::Window memory_window{0x40000000, 0x40000000};
constexpr machine::Window port_window{0, 0x10000};
constexpr uintptr_t ports_phys = 0x03000000;

bool is_inside(machine::Window window, uint64_t first, uint64_t bytes) {
    return first >= window.base && bytes <= window.bytes && first - window.base <= window.bytes - bytes;
}

}  // namespace

namespace machine {

bool has_pci() {
    return true;
}

uintptr_t device_memory(virtq::PhysAddr phys, uint64_t bytes) {
    return is_inside(memory_window, phys.value, bytes) ? device_virt + phys.value : 0;
}

/// There are no I/O instructions: a window of memory maps the ports.
uintptr_t device_ports(uint32_t port, uint32_t bytes) {
    return is_inside(port_window, port, bytes) ? device_virt + ports_phys + port : 0;
}

Window pci_memory_window() {
    return memory_window;
}

Window pci_port_window() {
    return port_window;
}

}  // namespace machine
