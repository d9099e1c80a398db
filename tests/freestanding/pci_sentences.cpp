// SPDX-License-Identifier: MIT
//
// What describe() returns for errors of PCI devices, in a kernel with and without code for PCI. See ./pci_sentences.
//
//   DESCRIBES  this file has main(), which prints three sentences
//   PROBES     this file has code for PCI
#include <virtq/virtq.hpp>

#ifdef PROBES
struct Devices {
    uintptr_t map_device_memory(virtq::PhysAddr, uint64_t) { return 0; }
    uintptr_t map_device_ports(uint32_t, uint32_t) { return 0; }
};
bool probe(virtq::PciModernTransport<>& transport, virtq::PciFunction<virtq::EcamAccess> const& function) {
    Devices devices;
    return transport.probe(function, devices).ok();
}
#endif

#ifdef DESCRIBES
using virtq::Error;
static_assert(*virtq::describe(Error::pci_virtio_absent) == 'N');  // the compiler knows all

extern "C" int puts(char const* line);
extern "C" int main() {
    Error volatile const errors[] = {Error::pci_virtio_absent, Error::msi_message_invalid, Error::config_absent};
    for (Error const error : errors) {
        puts(virtq::describe(error));
    }
    return 0;
}
#endif
