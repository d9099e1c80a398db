// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// All errors that the library reports, in one list: a kernel needs only one `switch`, and each error has one text.
///
/// The list names things of other folders (a queue, a transport) on purpose. One enumeration per folder would need a
/// conversion at each border that an error crosses on its way up to the kernel. Errors that carry a pointer to their
/// text would link all texts into every kernel.
enum class Error : uint8_t {
    none,

    // queue: its size
    queue_size_zero,
    queue_size_not_power_of_two,
    queue_size_above_maximum,
    queue_size_above_capacity,
    queue_size_fixed_no_power_of_two,
    // queue: its memory
    no_pages,
    queue_size_above_pages,
    queue_reset_failed,
    suspend_timed_out,
    not_live,
    suspend_not_negotiated,
    not_suspended,
    device_was_reset,
    descriptor_tier_in_order,
    pages_misaligned,
    pages_not_contiguous,
    pages_handed_out_twice,
    pages_not_memory,
    pfn_above_32_bits,
    pfn_zero,
    queue_still_live,
    // queue: its features
    ring_packed_not_negotiated,
    feature_not_supported_by_queue,
    // queue: a chain
    queue_full,
    chain_empty,
    segment_empty,
    segment_address_virtual,
    chain_longer_than_queue,
    chain_above_4_gib,
    readable_after_writable,
    // queue: its state
    queue_not_initialised,
    queue_broken,

    // transport: where the registers are
    device_tree_absent,
    device_tree_cut_short,
    device_tree_malformed,
    device_tree_no_address,
    command_line_malformed,
    // transport: which device the registers belong to
    no_device,
    not_virtio,
    version_unknown,
    device_gone,
    // transport: a PCI function
    pci_virtio_absent,
    pci_function_absent,
    pci_vendor_zero,
    pci_access_widths_differ,
    pci_access_echoes,
    pci_access_misplaces_writes,
    pci_capability_list_broken,
    pci_modern_absent,
    pci_legacy_absent,
    pci_structure_missing,
    pci_structure_invalid,
    pci_bar_unassigned,
    pci_window_full,
    pci_bridge_closed,
    pci_not_mapped,
    pci_mappings_overlap,
    pci_command_refused,
    pci_unreachable,
    pci_config_window_off,
    pci_buses_used_up,
    msix_absent,
    msix_refused,
    msi_message_invalid,
    // transport: the device configuration
    config_absent,
    config_refused,
    config_too_short,
    // transport: a queue of the device
    queue_above_transport,
    queue_size_not_taken,
    vector_refused,
    queue_absent,
    queue_too_small,
    queue_in_use,
    queue_not_accepted,

    // device: initialisation
    reset_timed_out,
    reset_refused,
    queue_survived_reset,
    not_restarted,
    init_needs_reset,
    reset_needed,
    transport_not_probed,
    wrong_device_type,
    nothing_offered,
    feature_required_not_offered,
    feature_prerequisite_missing,
    status_not_kept,
    features_refused,
    config_unstable,
    zoned_host_managed,

    // device: a block request
    not_initialised,
    read_only,
    beyond_capacity,
    length_not_block_multiple,
    request_above_queue,
    device_limits_too_small,
    no_such_queue,
    dma_map_failed,
    not_supported,
    io_error,
    status_invalid,
    short_read,
    timed_out,
    request_cancelled,
};

/// What happened, and what to do next. A constant string without a line end.
[[__nodiscard__]] constexpr char const* describe(Error error) {
    switch (error) {
        case Error::none: return "No error.";

        case Error::queue_size_zero:
            return "The queue size is 0: the device has no such queue, or its size was not read yet. Check the "
                   "queue's number, and read the size from the device first.";
        case Error::queue_size_not_power_of_two:
            return "The size of a split queue must be a power of two (§2.7). Round it down. DeviceInit does so where the "
                   "device lets the driver choose; a legacy PCI device does not.";
        case Error::queue_size_above_maximum:
            return "The queue size is above 32768, the maximum (§2.7), or above what the device allows. Ask for less.";
        case Error::queue_size_above_capacity:
            return "The queue size is above this queue's N, often because the device fixes the size. Use at least the "
                   "N that required_queue_size() of the driver or DeviceInit returns. For init() of a VirtQueue, use "
                   "an N of at least that size.";
        case Error::queue_size_fixed_no_power_of_two:
            return "The device fixes a queue size that is not a power of two; a split queue needs one (§2.7). Give the device "
                   "another size (QEMU: queue-size=), or use its modern interface. If the size is fixed there too, use a "
                   "packed queue.";
        case Error::no_pages:
            return "The page allocator returned no pages, so nothing was kept. Free memory, or use a smaller queue.";
        case Error::queue_size_above_pages:
            return "The queue's pages have no room for that size. Give restart() at most the size of init().";
        case Error::queue_reset_failed:
            return "The device did not finish the reset of one queue, or offers RING_RESET without implementing it "
                   "(as QEMU 7.2 on virtio-mmio). It may still write to the queue's buffers. Reset the device.";
        case Error::suspend_timed_out:
            return "The device did not confirm within the poll limit that it is suspended, or running again. Keep "
                   "polling, or reset it.";
        case Error::not_live:
            return "The device is not live: DRIVER_OK is not set. Initialise it first; only a live device can be "
                   "suspended.";
        case Error::suspend_not_negotiated:
            return "VIRTIO_F_SUSPEND was not negotiated. Put it into Negotiation::wanted, and give "
                   "Negotiation::negotiated to suspend_device() and resume_device().";
        case Error::not_suspended:
            return "The device is not suspended: SUSPEND is not set. Suspend it before you resume it.";
        case Error::device_was_reset:
            return "The device was reset while it was suspended, and its queues are gone. Initialise it again.";
        case Error::descriptor_tier_in_order:
            return "A queue with VIRTIO_F_IN_ORDER uses its descriptors in ring order and hands none out. Use add(), "
                   "or do not accept the feature.";
        case Error::pages_misaligned:
            return "The page allocator returned memory that does not start on a 4096-byte boundary, physically or "
                   "virtually. Hand out whole pages.";
        case Error::pages_not_contiguous:
            return "The pages of one allocation are not physically contiguous, or are not at Pages::phys. Allocate "
                   "them from one physical run. Compare Pages::phys with phys_addr(): it may be truncated to 32 bits, "
                   "off by an offset, or a frame number.";
        case Error::pages_not_memory:
            return "The pages of the allocator do not keep what is written to them: there is no RAM at that address. "
                   "Check the memory map, and the mapping of these pages.";
        case Error::pages_handed_out_twice:
            return "The page allocator handed out memory that is still in use. Wrap it in CheckedPages to see which "
                   "pages these are. For address 0, look for a failed allocation that was passed on. An allocator of "
                   "single pages must refuse a request for more, and not call one page a run.";
        case Error::pfn_above_32_bits:
            return "The queue's pages are above 16 TiB, and a legacy device takes a 32-bit page number. Allocate them "
                   "lower.";
        case Error::pfn_zero:
            return "The queue's pages start at page number 0, and a legacy device reads 0 as 'no queue'. Keep page 0 "
                   "out of the page allocator.";
        case Error::queue_still_live:
            return "The device may still write to this queue, so its pages were not given back (§3.3.1). Reset the "
                   "device, wait until its status reads 0, call detach(), and release again.";
        case Error::ring_packed_not_negotiated:
            return "A Packed queue needs VIRTIO_F_RING_PACKED among the negotiated features. Put Packed::wanted and "
                   "Packed::required into the Negotiation (QEMU: packed=on), or choose AnyFormat or Split.";
        case Error::feature_not_supported_by_queue:
            return "This queue format does not implement a ring feature that was negotiated. Leave it out of the "
                   "wanted features, or choose the other format.";

        case Error::queue_full:
            return "The queue is full. Take completions (take_used, poll_used, or a driver's take_completed), then "
                   "try again.";
        case Error::chain_empty: return "A chain has no segment. Give it at least one (§2.7.13.1).";
        case Error::segment_empty:
            return "A segment has length 0, and devices stop at such a descriptor. Leave the segment out.";
        case Error::segment_address_virtual:
            return "A segment's address has its top bits set, like a kernel's virtual address. Translate it page by "
                   "page (virt_to_phys) first.";
        case Error::chain_longer_than_queue:
            return "The chain has more segments than the queue has descriptors (§2.7.5.3.1), or links to itself. "
                   "Split the request.";
        case Error::chain_above_4_gib:
            return "The chain is longer than 2^32 bytes in total (§2.7.5.2). Split the request.";
        case Error::readable_after_writable:
            return "A device-readable descriptor follows a device-writable one (§2.7.4.2). Put all readable ones "
                   "first.";
        case Error::queue_not_initialised: return "The queue has no memory yet. Call init() first.";
        case Error::queue_broken:
            return "The device wrote an invalid value into this queue; fault() has the reason and the value. Reset "
                   "the device and bring the queue up again.";

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
            return "A BAR of this PCI device has no address: no firmware has given it one. Give probe() a PciWindow "
                   "of the host bridge (PciProbeOption).";
        case Error::pci_window_full:
            return "The PciWindow has no room for a BAR of this device (a 32-bit BAR needs room below 4 GiB). Give a "
                   "larger one.";
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
            return "The device's queue has fewer descriptors than one request takes. Give the device a queue of at "
                   "least 4 (QEMU: queue-size=); 3 are enough for a packed one.";
        case Error::queue_in_use: return "The queue is already enabled. Reset the device before you set it up again.";
        case Error::queue_not_accepted:
            return "The device did not accept the queue: its ready or page number register does not read back. Check "
                   "that Pages::phys is physical, in bytes, not truncated to 32 bits, and in memory that the device "
                   "reaches.";

        case Error::reset_timed_out:
            return "The device's status did not read 0 after a reset. Give init() a larger poll limit. If that does "
                   "not help, the device is stuck: reset the system.";
        case Error::reset_refused:
            return "The device sets FAILED instead of resetting (older Firecracker does, once a device was live). It "
                   "may still use its queues, so their pages stay taken. Reset the machine.";
        case Error::queue_survived_reset:
            return "The device reports a complete reset, and a queue is still enabled (§4.1.4.3.1, §4.2.2.1). It may "
                   "still use that queue, so the pages stay taken. Try again, or reset the machine.";
        case Error::not_restarted:
            return "Every request was handed back, but the device did not complete the reset that begins its new "
                   "initialisation. The device has none of our memory. Call reset() again, or release().";
        case Error::init_needs_reset:
            return "The device set DEVICE_NEEDS_RESET during initialisation: it entered an error state. Check the "
                   "addresses of the pages. Some devices reach only 32 bits: for these allocate below 4 GiB.";
        case Error::reset_needed:
            return "The driver has stopped: a request timed out, its queue is broken (see fault()), the device set "
                   "DEVICE_NEEDS_RESET (§2.1.2) or was reset by somebody else, or the transport was probed again or "
                   "overwritten. Ask diagnose() which. Call reset(): it hands back every request in flight.";
        case Error::transport_not_probed:
            return "The transport has no device yet. Call its probe() first, and check what it returns.";
        case Error::wrong_device_type: return "The device is of another type than this driver. Check device_id().";
        case Error::nothing_offered:
            return "The device offers no feature at all, unlike every modern device, and yet its status register "
                   "keeps what is written to it. This is memory, not registers. Check whether a BAR overlaps RAM (a "
                   "wrong PciWindow), and whether the mapping is that of the BAR.";
        case Error::feature_required_not_offered:
            return "The driver cannot work without a feature that the device does not offer, or this library does not "
                   "implement. See negotiation().missing, and the device's options (QEMU: `-global "
                   "virtio-mmio.force-legacy=false` or, for PCI, disable-legacy=on; packed=on for a Packed queue; "
                   "iommu_platform=off).";
        case Error::feature_prerequisite_missing:
            return "A wanted feature needs another one that was not accepted (§2.2.1). Ask for both or for neither.";
        case Error::status_not_kept:
            return "The status register does not read back what is written to it: these are not the device's "
                   "registers. Check where they are mapped (device memory, uncached). On PCI keep each mapping that "
                   "map_device_memory() gave.";
        case Error::features_refused:
            return "The device refused the accepted features: FEATURES_OK did not stay set. Compare offered and "
                   "negotiated in negotiation(). If the device insists on ACCESS_PLATFORM, switch that feature off "
                   "(QEMU: iommu_platform=off).";
        case Error::config_unstable:
            return "The configuration changed during every attempt to read it. Try again later.";
        case Error::zoned_host_managed:
            return "The disk is host-managed zoned (VIRTIO_BLK_Z_HM), and this driver does not support that. Attach "
                   "another one.";

        case Error::not_initialised:
            return "The driver is not initialised. Call init() first, and check what it returns.";
        case Error::read_only:
            return "The disk is read-only (VIRTIO_BLK_F_RO). Attach it writable (QEMU: readonly=off), or do not "
                   "write.";
        case Error::beyond_capacity:
            return "The request reaches beyond the end of the disk. Compare it with capacity_sectors(). Count sectors "
                   "in 512 bytes, whatever block_bytes() returns, and do not give a byte offset.";
        case Error::length_not_block_multiple:
            return "The sector or the length is not a multiple of the disk's block size (block_bytes(), 512 if it "
                   "reports none), or the length is 0. Round them.";
        case Error::request_above_queue:
            return "The request takes more descriptors than the queue has: its segments, and two for each part. "
                   "Without SEG_MAX a part has one data segment. Split it, use an N of at least that, or a blocking "
                   "call: that sends part by part.";
        case Error::device_limits_too_small:
            return "The device's size_max and seg_max (1 without SEG_MAX) do not allow a whole block of these "
                   "segments in one request. Make each segment a multiple of block_bytes(), or set "
                   "BlockOption::data_segments.";
        case Error::no_such_queue: return "There is no request queue of this number. Compare it with queue_count().";
        case Error::dma_map_failed:
            return "The kernel's DMA mapper could not map the data (no bounce buffer, no room in the IOMMU). Nothing "
                   "was left mapped. Wait for completions, then try again.";
        case Error::not_supported:
            return "The device does not know this request (VIRTIO_BLK_S_UNSUPP). Ask can_flush(), can_discard() … "
                   "first. After a read or write its header was overwritten: check whether its pages were handed out "
                   "twice.";
        case Error::io_error:
            return "The device reported an I/O error (VIRTIO_BLK_S_IOERR). Look at the host's log of the disk.";
        case Error::status_invalid:
            return "The device completed the request without a status byte. Do not use the data. Check Pages::phys of "
                   "all pages of the allocator: did the device write it elsewhere? If the request has several data "
                   "segments, set BlockOption::data_segments to 1: the device may take only one. Otherwise the device "
                   "is faulty.";
        case Error::short_read:
            return "The device reported success and a used length below what was asked for. Do not use the rest of "
                   "the buffer (§2.7.8.3). Ask again, in smaller pieces. For a device that reports lengths wrongly, "
                   "set BlockOption::under_reported or QueueOption::over_reported.";
        case Error::timed_out:
            return "The device did not answer within the poll limit, which may be small. Ask diagnose() what it waits "
                   "for. Data of the request still belongs to the device: call reset() before you use it again.";
        case Error::request_cancelled:
            return "The device was reset before it finished this request, and what it did is unknown. Send the "
                   "request again.";
    }
    return "An unknown error number.";
}

}  // namespace virtq
