// SPDX-License-Identifier: MIT
#pragma once

namespace virtq::detail {

/// The sentence of a `virtq::Error` that only code of a PCI device returns; null for other errors. See
/// `error_sentence`.
template <class Error>
[[__nodiscard__]] constexpr char const* pci_sentence(Error error) {
    switch (error) {
        case Error::pci_virtio_absent:
            return "No VirtIO function of the wanted type is on these buses. Print describe() of what "
                   "for_each_virtio_function() returned: it says what is there.";
        case Error::pci_function_absent:
            return "No PCI function is here: its vendor ID reads as all ones. That is normal: try the next. If there is "
                   "never one, check the configuration access (ECAM address and mapping, or the ports).";
        case Error::pci_vendor_zero:
            return "The vendor ID reads 0: no configuration space is here. Check the ECAM's address and mapping, or the "
                   "ports 0xcf8 and 0xcfc.";
        case Error::pci_access_widths_differ:
            return "The kernel's read8, read16 and read32 of PCI configuration space see different bytes. With port "
                   "0xcfc, add the low two bits of the offset to the port, or shift the word right by eight times these "
                   "bits. Elsewhere read at the offset itself, in its width.";
        case Error::pci_access_echoes:
            return "All device numbers of this bus, or all functions of a device, answer alike. Check that the "
                   "configuration access puts both numbers into the address (pci_frame()). If it does, only device 0 is "
                   "there: behind some PCI Express ports the hardware answers so.";
        case Error::pci_access_misplaces_writes:
            return "The kernel's write16 to PCI configuration space (and then write8 too) misses its offset, so MSI-X is "
                   "off. With ports, use data port 0xcfc + (offset & 3) for writes as for reads.";
        case Error::pci_capability_list_broken:
            return "This PCI function's capability list loops or leaves its place. Check the offset from which the "
                   "configuration access reads. If it is right, the device is faulty.";
        case Error::pci_modern_absent:
            return "This PCI device has no modern interface. Use PciLegacyTransport (AnyTransport does), or give QEMU's "
                   "device disable-modern=off.";
        case Error::pci_legacy_absent:
            return "This PCI device has no legacy interface in BAR 0. Use PciModernTransport (AnyTransport does), or "
                   "give QEMU's device disable-legacy=off.";
        case Error::pci_structure_missing:
            return "This PCI device is faulty: it lacks a structure that every modern device has (common configuration, "
                   "notification, ISR status; for probe_through_window() the window). Use another one.";
        case Error::pci_structure_invalid:
            return "A register structure of this PCI device is too short, misaligned, outside its BAR, or overlaps "
                   "another. Check that no other driver used the device while its BARs were measured. If none did, it is "
                   "faulty.";
        case Error::pci_bar_unassigned:
            return "A BAR of this PCI device has no address: no firmware gave it one. Give probe() a PciWindow of the "
                   "host bridge: in PciProbeOption::memory, or ::ports for a BAR of I/O ports.";
        case Error::pci_window_full:
            return "The PciWindow of memory or of ports has no room for a BAR of this device (below 4 GiB for a 32-bit "
                   "BAR). Give a larger one.";
        case Error::pci_bridge_closed:
            return "A BAR of this PCI device has no address: the window of the bridge before it is closed, or forwards "
                   "nothing of the given PciWindow. Call number_buses() with the host bridge's windows before any probe. "
                   "If it returned pci_window_full, give it a larger window below 4 GiB. PciProbeOption::config_window "
                   "needs no BAR.";
        case Error::pci_not_mapped:
            return "The kernel did not map a BAR of this device: map_device_memory or map_device_ports returned 0. Map "
                   "the host bridge's windows as device memory.";
        case Error::pci_mappings_overlap:
            return "The kernel has mapped two register structures of this PCI device at the same virtual addresses. Let "
                   "map_device_memory() give each call its own addresses, and leave them mapped.";
        case Error::pci_command_refused:
            return "The command register of this PCI function does not keep memory space, I/O space or bus master on. "
                   "Check that it is powered and enabled, and that the configuration access writes.";
        case Error::pci_unreachable:
            return "No way to this PCI device works: modern interface, legacy interface, configuration window. "
                   "attempts() has the error of each. First fix that of the modern interface.";
        case Error::pci_config_window_off:
            return "No BAR of this PCI device can be used; only its configuration window is left, which is off. First "
                   "fix attempts().modern.error. Otherwise set PciProbeOption::config_window to last_resort, and "
                   "serialise every call of this transport and its driver, on_interrupt() too.";
        case Error::pci_buses_used_up:
            return "There are more PCI bridges, or more in a row, than bus numbers or levels for them. All others were "
                   "numbered. Give number_buses() all buses of the host bridge.";
        case Error::msix_absent:
            return "This PCI function has no MSI-X, or no message was given. Use INTx with on_interrupt().";
        case Error::msix_refused: return "This PCI function does not enable MSI-X. Use INTx with on_interrupt().";
        case Error::msi_message_invalid:
            return "An MSI-X message cannot reach a CPU, so MSI-X is off. On x86 use the address 0xfee00000 | APIC ID << "
                   "12, and in the low 8 bits of the data the CPU's vector, 32 to 255, no interrupt line. Elsewhere take "
                   "both from the ITS or IMSIC.";
        default: return nullptr;
    }
}

}  // namespace virtq::detail
