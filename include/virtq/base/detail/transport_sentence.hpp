// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/pci_sentence.hpp>

namespace virtq::detail {

/// The sentence of a `virtq::Error` that a transport reports; null for other errors. See `error_sentence`.
template <class Error>
[[__nodiscard__]] constexpr char const* transport_sentence(Error error) {
    switch (error) {
        case Error::device_tree_absent:
            return "No flattened device tree of version 17 starts here. Check the boot loader's address, its mapping, "
                   "and that nothing was written over it.";
        case Error::device_tree_cut_short:
            return "The device tree is longer than the memory that may be read. Map device_tree_bytes() bytes.";
        case Error::device_tree_malformed:
            return "The device tree contradicts itself or is nested too deep, at the reported position. Check whether "
                   "memory was allocated over it.";
        case Error::device_tree_no_address:
            return "A node of the device tree has no address that the CPU can use. Check its reg (missing or empty?), "
                   "and the ranges of each bus around it.";
        case Error::command_line_malformed:
            return "A virtio_mmio.device= of the command line is malformed from the reported position on. Write "
                   "<size>@<base>:<interrupt>[:<id>], for example 512@0xfeb00e00:12.";

        case Error::no_device: return "The slot is empty (device ID 0), which is normal. Try the next slot.";
        case Error::not_virtio:
            return "No virtio device is here: a wrong magic value on virtio-mmio, another vendor or device ID on PCI. "
                   "Check the address, and that it is mapped as device memory.";
        case Error::version_unknown:
            return "The virtio-mmio version is neither 2 (modern) nor 1 (legacy). Check that the registers begin at this "
                   "address.";
        case Error::device_gone:
            return "Every register reads as all ones: the device was unplugged, or is not mapped. Check the address and "
                   "the mapping (device memory, uncached), and on PCI that memory space is on.";
        case Error::config_absent:
            return "The device has no device configuration (VIRTIO_PCI_CAP_DEVICE_CFG), which this driver needs. Check "
                   "the device's type and its capabilities. If they are right, it is faulty.";
        case Error::config_refused:
            return "The device configuration of this PCI device is empty, misaligned, or outside a memory BAR. Check "
                   "that no other driver used the device while its BARs were measured. If none did, it is faulty.";
        case Error::config_too_short:
            return "The device configuration ends before the fields that this driver reads: the device is faulty. Check "
                   "the length in its capability, or the size of its legacy BAR.";
        case Error::queue_above_transport:
            return "The transport has no room for the doorbell of this queue. Give AnyTransport or PciModernTransport "
                   "a larger queue_count_max.";
        case Error::queue_size_not_taken:
            return "The device refuses the size that this queue was made for. Release the queue, and set it up again.";
        case Error::vector_refused:
            return "The device has no room for this queue's MSI-X vector. Use fewer vectors, or INTx.";
        case Error::queue_absent:
            return "The device has no such queue: its maximum size reads 0. Check the index and the negotiated features.";
        case Error::queue_too_small:
            return "The device's queue has fewer descriptors than one request takes. Give the device a larger queue "
                   "(QEMU: queue-size=). A disk needs 4, with a packed ring 3.";
        case Error::queue_in_use: return "The queue is already enabled. Reset the device before you set it up again.";
        case Error::queue_not_accepted:
            return "The device did not accept the queue: its ready or page number register does not read back. Check "
                   "that Pages::phys is physical, in bytes, not truncated to 32 bits, and in memory that the device "
                   "reaches.";
        default: return pci_sentence(error);
    }
}

}  // namespace virtq::detail
