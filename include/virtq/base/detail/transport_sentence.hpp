// SPDX-License-Identifier: MIT
#pragma once

namespace virtq::detail {

/// The sentence of a `virtq::Error` that a transport reports; null for other errors. See `error_sentence`.
template <class Error>
[[__nodiscard__]] constexpr char const* transport_sentence(Error error) {
    switch (error) {
        case Error::device_tree_absent:
            return "No flattened device tree of version 17 starts here. Check the address that the boot loader gave, "
                   "its mapping, and that nothing was written over it.";
        case Error::device_tree_cut_short:
            return "The device tree is longer than the memory that may be read. Map as many bytes as "
                   "device_tree_bytes() returns.";
        case Error::device_tree_malformed:
            return "The device tree contradicts itself or is nested too deep, at the reported position. Check whether "
                   "memory was allocated over it.";
        case Error::device_tree_no_address:
            return "A node of the device tree has no address that the CPU can use. Check its reg (missing or empty?), "
                   "and that each bus around it has ranges for it.";
        case Error::command_line_malformed:
            return "A virtio_mmio.device= of the command line is malformed from the reported position on. Write it as "
                   "<size>@<base>:<interrupt>[:<id>], for example 512@0xfeb00e00:12.";

        case Error::no_device: return "The slot is empty (device ID 0), which is normal. Try the next slot.";
        case Error::not_virtio:
            return "No virtio device is here: a wrong magic value on virtio-mmio, another vendor or device ID on PCI. "
                   "Check the address, and that it is mapped as device memory.";
        case Error::version_unknown:
            return "The virtio-mmio version is neither 2 (modern) nor 1 (legacy). Check that the address is that of "
                   "the register block.";
        case Error::device_gone:
            return "Every register reads as all ones: the device was unplugged, or its registers are not mapped. "
                   "Check the address and the mapping (device memory, uncached), and on PCI that memory space is on.";
        case Error::pci_virtio_absent:
            return "No VirtIO function of the wanted type is on these buses. Print describe() of what "
                   "for_each_virtio_function() returned, to see what is there instead.";
        case Error::pci_function_absent:
            return "No PCI function answers here: its vendor ID reads as all ones. This is normal: try the next. If "
                   "none ever answers, check the configuration access (ECAM address and mapping, or the ports).";
        case Error::pci_vendor_zero:
            return "The vendor ID reads 0, which no PCI function has: no configuration space is here. Check the "
                   "address of the ECAM and its mapping, or the ports 0xcf8 and 0xcfc.";
        case Error::pci_access_widths_differ:
            return "The kernel's read8, read16 and read32 of PCI configuration space see different bytes at one "
                   "place. With port 0xcfc, shift the word right by eight times the low two bits of the offset, or "
                   "add these bits to the port. Elsewhere read at the offset itself, in its width.";
        case Error::pci_access_echoes:
            return "All device numbers of this bus, or all functions of a device, answer alike. Check that the "
                   "kernel's configuration access puts both numbers into the address (pci_frame()). If it does, only "
                   "device 0 is there: behind some PCI Express ports the hardware answers so.";
        case Error::pci_access_misplaces_writes:
            return "The kernel's write16 to PCI configuration space (and then write8 too) does not go to its own "
                   "offset, so MSI-X is off. With ports, use data port 0xcfc + (offset & 3) for writes as for reads.";
        case Error::pci_capability_list_broken:
            return "The capability list of this PCI function loops or leaves its place. Check the offset from which "
                   "the configuration access reads. If it is right, the device is faulty.";
        case Error::pci_modern_absent:
            return "This PCI device has no modern interface. Drive it with PciLegacyTransport (AnyTransport does so), "
                   "or give QEMU's device disable-modern=off.";
        case Error::pci_legacy_absent:
            return "This PCI device has no legacy interface in BAR 0. Drive it with PciModernTransport (AnyTransport "
                   "does so), or give QEMU's device disable-legacy=off.";
        case Error::pci_structure_missing:
            return "This PCI device is faulty: it lacks a structure that every modern device has (common "
                   "configuration, notification, ISR status; for probe_through_window() the window). Use another "
                   "device.";
        case Error::pci_structure_invalid:
            return "A register structure of this PCI device is too short, misaligned, overlaps another or is outside "
                   "its BAR. Check that no other driver used the device while its BARs were measured. If none did, it "
                   "is faulty.";
        case Error::pci_bar_unassigned:
            return "A BAR of this PCI device has no address: no firmware has given it one. Give probe() a PciWindow of "
                   "the host bridge: in PciProbeOption::memory, or ::ports for a BAR of I/O ports.";
        case Error::pci_window_full:
            return "The PciWindow of memory or of ports has no room for a BAR of this device (a 32-bit BAR needs room "
                   "below 4 GiB). Give a larger one.";
        case Error::pci_bridge_closed:
            return "A BAR of this PCI device has no address. The window of the bridge before the device is closed, or "
                   "forwards nothing of the PciWindow that was given. Call number_buses() with the host bridge's windows "
                   "before any probe. If it returned pci_window_full, give it a larger window below 4 GiB. "
                   "PciProbeOption::config_window needs no BAR.";
        case Error::pci_not_mapped:
            return "The kernel could not map a BAR of this device: map_device_memory or map_device_ports returned 0. "
                   "Map the host bridge's windows as device memory.";
        case Error::pci_mappings_overlap:
            return "The kernel has mapped two register structures of this PCI device at the same virtual addresses. "
                   "Let map_device_memory() give each call addresses of its own, and leave them mapped.";
        case Error::pci_command_refused:
            return "The command register of this PCI function does not keep memory space, I/O space or bus master on. "
                   "Check that the function is powered and enabled, and that the configuration access writes.";
        case Error::pci_unreachable:
            return "No way to this PCI device works: modern interface, legacy interface, configuration window. attempts() has "
                   "the error of each that was tried. Fix that of the modern interface first.";
        case Error::pci_config_window_off:
            return "No BAR of this PCI device can be used. Only its configuration window is left, which is off. First fix "
                   "attempts().modern.error. Otherwise set PciProbeOption::config_window to last_resort, and serialise every "
                   "call of this transport and its driver, on_interrupt() too.";
        case Error::pci_buses_used_up:
            return "There are more PCI bridges, or more of them in a row, than bus numbers or levels for them. All "
                   "others were numbered. Give number_buses() all buses of the host bridge.";
        case Error::msix_absent:
            return "This PCI function has no MSI-X, or no message was given. Use INTx with on_interrupt().";
        case Error::msix_refused: return "This PCI function does not enable MSI-X. Use INTx with on_interrupt().";
        case Error::msi_message_invalid:
            return "An MSI-X message cannot reach a CPU, so MSI-X is off. On x86 use the address 0xfee00000 | APIC ID "
                   "<< 12, and in the low 8 bits of the data the CPU's vector, 32 to 255, not the number of an "
                   "interrupt line. Elsewhere take both from the ITS or IMSIC.";
        case Error::config_absent:
            return "The device has no device configuration structure, and this driver needs one. Check the device's "
                   "type and its capabilities (VIRTIO_PCI_CAP_DEVICE_CFG). If they are right, it is faulty.";
        case Error::config_refused:
            return "The device configuration structure of this PCI device is empty, misaligned, or outside a memory "
                   "BAR. Check that no other driver used the device while its BARs were measured. If none did, it is "
                   "faulty.";
        case Error::config_too_short:
            return "The device configuration ends before the fields that this driver reads: the device is faulty. "
                   "Check the length in its capability, or the size of its legacy BAR.";
        case Error::queue_above_transport:
            return "The transport has no room for the doorbell of this queue. Give AnyTransport or PciModernTransport "
                   "a larger queue_count_max.";
        case Error::queue_size_not_taken:
            return "The device does not accept the size that this queue was made for. Release the queue, and set it "
                   "up again.";
        case Error::vector_refused:
            return "The device has no room for the MSI-X vector of this queue. Use fewer vectors, or INTx.";
        case Error::queue_absent:
            return "The device has no queue of this index: its maximum size reads 0. Check the index and the "
                   "negotiated features.";
        case Error::queue_too_small:
            return "The device's queue has fewer descriptors than one request takes. Give the device a larger queue "
                   "(QEMU: queue-size=). A disk needs 4, with a packed ring 3.";
        case Error::queue_in_use: return "The queue is already enabled. Reset the device before you set it up again.";
        case Error::queue_not_accepted:
            return "The device did not accept the queue: its ready or page number register does not read back. Check "
                   "that Pages::phys is physical, in bytes, not truncated to 32 bits, and in memory that the device "
                   "reaches.";
        default: return nullptr;
    }
}

}  // namespace virtq::detail
