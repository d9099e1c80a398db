// SPDX-License-Identifier: MIT
//
// What describe() returns in kernels with and without the code that returns an error. See ./error_groups, which compiles
// this file with one of the macros below, or two.
#include <virtq/virtq.hpp>

struct Devices {
    uintptr_t map_device_memory(virtq::PhysAddr, uint64_t) { return 0; }
    uintptr_t map_device_ports(uint32_t, uint32_t) { return 0; }
};
using Modern = virtq::PciModernTransport<>;
using Function = virtq::PciFunction<virtq::EcamAccess>;

#ifdef PROBES
bool probe(Modern& transport, Function const& function, Devices& devices) {
    return transport.probe(function, devices).ok();
}
#endif

#ifdef PLACES
bool place(Modern& transport, Function const& function, Devices& devices, virtq::PciWindow& window) {
    return transport.probe(function, devices, {.memory = &window}).ok();
}
#endif

#ifdef NUMBERS_BUSES
bool number(virtq::EcamAccess& access) {
    return virtq::number_buses(access, {0, 0}).ok();
}
#endif

#ifdef PROBES_ANY
bool probe_any(virtq::AnyTransport<>& transport, Function const& function, Devices& devices) {
    return transport.probe_pci(function, devices).ok();
}
#endif

#ifdef USES_MSIX
bool use_msix(Modern& transport, Function const& function, Devices& devices,
              virtq::Span<virtq::MsiMessage const> all) {
    return transport.use_msix(function, devices, all).ok();
}
#endif

#ifdef READS_TREE
bool read_tree(virtq::DeviceTree const& tree) {
    return virtq::device_tree_bytes(tree).ok();
}
#endif

#ifdef READS_LINE
void read_line(virtq::KernelCommandLine const& line) {
    static_cast<void>(virtq::for_each_mmio_slot(line, [](virtq::MmioSlot const&) {}));
}
#endif

#ifdef SUSPENDS
bool suspend(virtq::MmioTransport<>& transport, virtq::Features const& negotiated, virtq::SpinRelax& relax) {
    return virtq::suspend_device(transport, negotiated, virtq::PollLimit{1}, relax).ok();
}
#endif

#ifdef RESETS_QUEUE
bool reset(virtq::MmioTransport<>& transport, virtq::VirtQueue<8>& queue, virtq::SpinRelax& relax) {
    return virtq::reset_queue(transport, 0, queue, virtq::PollLimit{1}, relax).ok();
}
#endif

#if defined(HAS_CONSOLE) || defined(HAS_SCREEN)
struct Memory {
    virtq::Pages allocate_pages(size_t) { return {}; }
    void free_pages(virtq::Pages) {}
    virtq::PhysAddr phys_addr(void const*) { return {}; }
};
#endif

#ifdef HAS_SCREEN
bool start(virtq::GpuDevice<virtq::MmioTransport<>>& screen, virtq::MmioTransport<>& transport, Memory& memory) {
    return screen.init(transport, memory).ok();
}
#endif

#ifdef HAS_CONSOLE
bool start(virtq::ConsoleDevice<virtq::MmioTransport<>>& console, virtq::MmioTransport<>& transport, Memory& memory) {
    return console.init(transport, memory).ok();
}
#endif

#ifdef DESCRIBES
using virtq::Error;
static_assert(*virtq::describe(Error::pci_virtio_absent) != '\0');  // the compiler knows all

extern "C" int puts(char const* line);
extern "C" int main() {
    Error volatile const errors[] = {Error::pci_window_full,   Error::msi_message_invalid, Error::pci_virtio_absent,
                                     Error::pci_buses_used_up, Error::device_tree_absent,  Error::device_was_reset,
                                     Error::port_absent,       Error::queue_reset_failed,  Error::config_absent};
    for (Error const error : errors) {
        puts(virtq::describe(error));
    }
    return 0;
}
#endif
