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
            return "The queue size is 0: the device has no such queue, or the size was not read from the device yet.";
        case Error::queue_size_not_power_of_two:
            return "The size of a split queue must be a power of two (§2.7): take the next lower one. DeviceInit "
                   "does so, where the device lets the driver choose; a legacy PCI device does not.";
        case Error::queue_size_above_maximum:
            return "The queue size is above 32768, the maximum (§2.7), or above what the device allows: ask for less.";
        case Error::queue_size_above_capacity:
            return "The device fixes a queue size above the N of this queue. Use at least the N that "
                   "required_queue_size() of the driver or DeviceInit returns; for init() of a VirtQueue, its size.";
        case Error::queue_size_fixed_no_power_of_two:
            return "The device fixes a queue size that is not a power of two, as a split queue requires (§2.7). Give "
                   "the device another size (QEMU: queue-size=), or use its modern interface, with a packed queue if "
                   "the size is fixed there too.";
        case Error::no_pages:
            return "The page allocator returned no pages: free memory, or use a smaller queue. Nothing was kept.";
        case Error::queue_size_above_pages:
            return "The queue's pages have no room for that size: restart() takes at most the size of init().";
        case Error::queue_reset_failed:
            return "The device did not finish the reset of one queue, or offers RING_RESET without having it (as QEMU "
                   "7.2 on virtio-mmio): it may still write to the queue's buffers. Reset the device.";
        case Error::suspend_timed_out:
            return "The device did not say that it is suspended, or running again, within the poll limit: keep "
                   "polling, or reset it.";
        case Error::not_live:
            return "The device is not live (DRIVER_OK is not set): only a device that works can be suspended.";
        case Error::suspend_not_negotiated:
            return "VIRTIO_F_SUSPEND was not negotiated: put it into Negotiation::wanted, and give the calls "
                   "Negotiation::negotiated.";
        case Error::not_suspended:
            return "The device is not suspended (SUSPEND is not set): suspend it before it is resumed.";
        case Error::device_was_reset:
            return "The device was reset while it was suspended, and its queues are gone: initialise it again.";
        case Error::descriptor_tier_in_order:
            return "A queue with VIRTIO_F_IN_ORDER takes its descriptors in ring order and hands none out: use add(), "
                   "or do not accept the feature.";
        case Error::pages_misaligned:
            return "The page allocator returned memory that does not start on a 4096-byte boundary, physically or "
                   "virtually: it must hand out whole pages.";
        case Error::pages_not_contiguous:
            return "The pages of one allocation are not physically contiguous, or are not where the allocator says: "
                   "allocate them from one physical run, and compare Pages::phys with phys_addr() (cut to 32 bits? an "
                   "offset? a frame number?).";
        case Error::pages_not_memory:
            return "What is written to the pages of the allocator cannot be read back: there is no RAM at that "
                   "address. Check the memory map, and the mapping of these pages.";
        case Error::pages_handed_out_twice:
            return "The page allocator handed out memory that it had handed out before and that is in use: wrap it in "
                   "CheckedPages, which says which pages these are. Address 0 is a failed allocation that was passed "
                   "on. An allocator of single pages must refuse a request for more, and not call one page a run.";
        case Error::pfn_above_32_bits:
            return "A legacy device takes a 32-bit page number, and the queue's pages lie above it (16 TiB): "
                   "allocate them lower.";
        case Error::pfn_zero:
            return "A legacy device takes page number 0 for 'no queue', and the queue's pages lie there: keep page 0 "
                   "out of the page allocator.";
        case Error::queue_still_live:
            return "The device may still write to this queue: reset the device, wait until its status reads 0, call "
                   "detach(), and release again (§3.3.1). The pages were not given back.";
        case Error::ring_packed_not_negotiated:
            return "A Packed queue needs VIRTIO_F_RING_PACKED among the negotiated features: put Packed::wanted and "
                   "Packed::required into the Negotiation (QEMU: packed=on), or choose AnyFormat or Split.";
        case Error::feature_not_supported_by_queue:
            return "A ring feature was negotiated that this queue format does not implement: leave it out of the "
                   "wanted features, or choose the other format.";

        case Error::queue_full:
            return "The queue is full: take completions (take_used, poll_used, or a driver's complete) and try again.";
        case Error::chain_empty: return "A chain needs at least one segment (§2.7.13.1).";
        case Error::segment_empty:
            return "A segment has length 0: devices stop at such a descriptor. Leave the segment out.";
        case Error::segment_address_virtual:
            return "A segment's address has its top bits set, as the kernel's virtual addresses have: translate it "
                   "page by page (virt_to_phys) first.";
        case Error::chain_longer_than_queue:
            return "The chain has more segments than the queue has descriptors (§2.7.5.3.1), or links to itself: "
                   "split the request.";
        case Error::chain_above_4_gib:
            return "The chain is longer than 2^32 bytes in total (§2.7.5.2): split the request.";
        case Error::readable_after_writable:
            return "A device-readable descriptor follows a device-writable one (§2.7.4.2): put all readable ones "
                   "first.";
        case Error::queue_not_initialised: return "The queue has no memory yet: call init() first.";
        case Error::queue_broken:
            return "The device wrote something impossible into this queue; fault() has the reason and the value. "
                   "Reset the device and bring the queue up again.";

        case Error::device_tree_absent:
            return "No flattened device tree of version 17 starts here: check the address that the boot loader gave, "
                   "its mapping, and that nothing was written over it.";
        case Error::device_tree_cut_short:
            return "The device tree is longer than the memory that may be read: map as much as device_tree_bytes() "
                   "says.";
        case Error::device_tree_malformed:
            return "The device tree contradicts itself or is nested too deep, at the position given: look whether "
                   "memory was allocated over it.";
        case Error::device_tree_no_address:
            return "A node of the device tree has no address that the CPU can use: its reg is missing or empty, or a "
                   "bus around it has no ranges for it.";
        case Error::command_line_malformed:
            return "A virtio_mmio.device= of the command line cannot be read from the position given on: its form is "
                   "<size>@<base>:<interrupt>[:<id>], as in 512@0xfeb00e00:12.";

        case Error::no_device: return "The slot is empty (device ID 0): this is normal, try the next slot.";
        case Error::not_virtio:
            return "No virtio device here (on virtio-mmio a wrong magic value, on PCI another vendor or device ID): "
                   "check the address, and that it is mapped as device memory.";
        case Error::version_unknown:
            return "The virtio-mmio version is neither 2 (modern) nor 1 (legacy): check that the address is that of "
                   "the register block.";
        case Error::device_gone:
            return "Every register reads as all ones: the device was unplugged, or its registers are not mapped. "
                   "Check the address and the mapping (device memory, uncached); on PCI whether memory space is on.";
        case Error::pci_virtio_absent:
            return "No VirtIO function of the type that was looked for is on these buses: describe() of what "
                   "for_each_virtio_function() returned says what is there instead.";
        case Error::pci_function_absent:
            return "No PCI function answers here (its vendor ID reads as all ones): this is normal, try the next; if "
                   "none ever does, check the configuration access (ECAM address and mapping, or the ports).";
        case Error::pci_vendor_zero:
            return "The vendor ID reads 0, which no PCI function has: no configuration space is here. Check the "
                   "address of the ECAM and its mapping, or the ports 0xcf8 and 0xcfc.";
        case Error::pci_access_widths_differ:
            return "The kernel's read8, read16 and read32 of PCI configuration space see different bytes at one "
                   "place: through port 0xcfc shift the word right by eight times the low two bits of the offset, or "
                   "use port 0xcfc plus these; elsewhere read at the offset itself, in its width.";
        case Error::pci_access_echoes:
            return "Every device number of this bus, or every function of a device, answers the same: the kernel's "
                   "configuration access leaves the device or function number out of the address (pci_frame()). If it "
                   "does not: behind some PCI Express ports the hardware does so, and only device 0 is there.";
        case Error::pci_access_misplaces_writes:
            return "The kernel's write16 (and then write8, too) to PCI configuration space does not go to its own "
                   "offset: with ports the data port is 0xcfc + (offset & 3), for writes as for reads. MSI-X is off.";
        case Error::pci_capability_list_broken:
            return "The capability list of this PCI function loops or leaves its place: the device is faulty, or the "
                   "configuration access reads from the wrong offset.";
        case Error::pci_modern_absent:
            return "This PCI device has no modern interface: drive it with PciLegacyTransport (AnyTransport does so), "
                   "or give QEMU's device disable-modern=off.";
        case Error::pci_legacy_absent:
            return "This PCI device has no legacy interface in BAR 0: drive it with PciModernTransport (AnyTransport "
                   "does so), or give QEMU's device disable-legacy=off.";
        case Error::pci_structure_missing:
            return "This PCI device lacks one of the structures that every modern device has (common configuration, "
                   "notification, ISR status; for probe_through_window() the window): it is faulty.";
        case Error::pci_structure_invalid:
            return "A register structure of this PCI device is too short, misaligned, overlaps another or lies "
                   "outside of its BAR: the device is faulty, or its BARs were measured while another driver used it.";
        case Error::pci_bar_unassigned:
            return "A BAR of this PCI device has no address, since no firmware has given it one: give probe() a "
                   "PciWindow of the host bridge (PciProbeOption).";
        case Error::pci_window_full:
            return "The PciWindow has no room for a BAR of this device (a 32-bit BAR needs room below 4 GiB): give a "
                   "larger one.";
        case Error::pci_bridge_closed:
            return "A BAR of this PCI device has no address, and the window of the bridge before the device is closed "
                   "or elsewhere: it passes on nothing of the PciWindow that was given. Call number_buses() with the "
                   "host bridge's windows before any probe. If it returned pci_window_full, give it a larger one below "
                   "4 GiB. PciProbeOption::config_window needs no BAR.";
        case Error::pci_not_mapped:
            return "The kernel could not map a BAR of this device (map_device_memory or map_device_ports returned 0): "
                   "map the host bridge's windows as device memory.";
        case Error::pci_mappings_overlap:
            return "The kernel has mapped two register structures of this PCI device at the same virtual addresses: "
                   "map_device_memory() has to give each call addresses of its own, and to leave them mapped.";
        case Error::pci_command_refused:
            return "The command register of this PCI function does not keep memory space, I/O space or bus master on: "
                   "the function is powered down or disabled, or the configuration access does not write.";
        case Error::pci_unreachable:
            return "No way to this PCI device works: neither the modern interface, nor the legacy one, nor the "
                   "configuration window. attempts() has the error of each that was tried: first mend that of the "
                   "modern interface.";
        case Error::pci_config_window_off:
            return "No BAR of this PCI device can be used; only its configuration window is left, which is off. First "
                   "mend what attempts().modern.error says. Otherwise set PciProbeOption::config_window to "
                   "last_resort, and serialise every call of this transport and its driver, on_interrupt() too.";
        case Error::pci_buses_used_up:
            return "There are more PCI bridges, or more of them in a row, than bus numbers or levels for them: give "
                   "number_buses() all buses of the host bridge. Those behind the others were numbered.";
        case Error::msix_absent:
            return "This PCI function has no MSI-X, or no message was given: use INTx, on_interrupt().";
        case Error::msix_refused: return "This PCI function does not switch MSI-X on: use INTx, on_interrupt().";
        case Error::msi_message_invalid:
            return "An MSI-X message cannot reach a CPU: on x86 the address is 0xfee00000 | APIC ID << 12, and the "
                   "low 8 bits of the data are the CPU's vector, 32 to 255, not the number of an interrupt line; "
                   "elsewhere both are what the ITS or IMSIC says. MSI-X is off.";
        case Error::config_absent:
            return "The device has no device configuration structure, which this driver reads: the device is faulty, "
                   "or of another type. Look at its capabilities (VIRTIO_PCI_CAP_DEVICE_CFG).";
        case Error::config_refused:
            return "The device configuration structure of this PCI device is empty, misaligned, or outside of a memory "
                   "BAR: the device is faulty, or its BARs were measured while another driver used it.";
        case Error::config_too_short:
            return "The device configuration ends before the fields that this driver reads: the device is faulty. "
                   "Look at the length in its capability, or at the size of its legacy BAR.";
        case Error::queue_above_transport:
            return "The transport has no room for the doorbell of this queue: give AnyTransport or PciModernTransport "
                   "a larger queue_count_max.";
        case Error::queue_size_not_taken:
            return "The device does not take the size that this queue was made for: release it, and set it up anew.";
        case Error::vector_refused:
            return "The device has no room for the MSI-X vector of this queue: use fewer vectors, or INTx.";
        case Error::queue_absent:
            return "The device has no queue of this index (its maximum size reads 0): check the index and the "
                   "negotiated features.";
        case Error::queue_too_small:
            return "The device's queue has fewer descriptors than one request takes. Give the device a queue of at "
                   "least 4 (QEMU: queue-size=); 3 are enough for a packed one.";
        case Error::queue_in_use: return "The queue is already enabled: reset the device before it is set up again.";
        case Error::queue_not_accepted:
            return "The device did not take over the queue (its ready or page number register does not read back): "
                   "look whether Pages::phys is physical, in bytes, not cut to 32 bits, and in memory of the device.";

        case Error::reset_timed_out:
            return "The device's status did not read 0 after a reset: give init() a larger budget, or the device is "
                   "stuck and needs a system reset.";
        case Error::reset_refused:
            return "The device sets FAILED instead of resetting (older Firecracker does, once a device was live). It "
                   "may still use its queues, so their pages stay taken: reset the machine.";
        case Error::queue_survived_reset:
            return "The device reports a complete reset, and a queue is still enabled (§4.1.4.3.1, §4.2.2.1). It may "
                   "still use that queue, so the pages stay taken: try again, or reset the machine.";
        case Error::not_restarted:
            return "The device stopped and every request was handed back, but it does not complete the reset that begins "
                   "its new initialisation. Nothing is left with the device: call reset() again, or release().";
        case Error::init_needs_reset:
            return "The device set DEVICE_NEEDS_RESET during initialisation: it went into an error state. Check the "
                   "addresses of the pages: some devices reach only 32 bits, so allocate below 4 GiB.";
        case Error::reset_needed:
            return "The driver has stopped: a request timed out, its queue is broken (fault() says how), the device "
                   "set DEVICE_NEEDS_RESET (§2.1.2) or was reset by somebody else, or the transport was probed again "
                   "or overwritten. diagnose() says which. Call reset(), which hands every request in flight back.";
        case Error::transport_not_probed:
            return "The transport knows of no device yet: call its probe() first, and look at what it returned.";
        case Error::wrong_device_type: return "The device is of another type than this driver: look at device_id().";
        case Error::nothing_offered:
            return "The device offers no feature at all, which no modern device does, and yet its status register "
                   "keeps what is written to it: this is memory, not registers. Look whether a BAR lies over RAM (a "
                   "wrong PciWindow), and whether the mapping is that of the BAR.";
        case Error::feature_required_not_offered:
            return "The driver cannot work without a feature that the device does not offer, or this library does not "
                   "implement: see negotiation().missing, and the device's options (QEMU: `-global "
                   "virtio-mmio.force-legacy=false` or, for PCI, disable-legacy=on; packed=on for a Packed queue; "
                   "iommu_platform=off).";
        case Error::feature_prerequisite_missing:
            return "A wanted feature needs another one that was not accepted (§2.2.1): ask for both or for neither.";
        case Error::status_not_kept:
            return "What is written to the status register cannot be read back: these are not the device's registers. "
                   "Check where they are mapped (device memory, uncached; on PCI each mapping that "
                   "map_device_memory() gave has to stay).";
        case Error::features_refused:
            return "The device refused the accepted features (FEATURES_OK did not stay set): compare offered and "
                   "negotiated in negotiation(). A device that insists on ACCESS_PLATFORM does so (QEMU: "
                   "iommu_platform=off).";
        case Error::config_unstable:
            return "The configuration changed during every attempt to read it: try again later.";
        case Error::zoned_host_managed:
            return "The disk is host-managed zoned (VIRTIO_BLK_Z_HM), which this driver does not support: attach "
                   "another one.";

        case Error::not_initialised:
            return "The driver is not initialised: call init() first, and look at what it returned.";
        case Error::read_only:
            return "The disk is read-only (VIRTIO_BLK_F_RO): attach it writable (QEMU: readonly=off), or do not "
                   "write.";
        case Error::beyond_capacity:
            return "The request reaches beyond the end of the disk: compare with capacity_sectors(). Was a byte "
                   "offset given? Sectors are counted in 512 bytes, whatever block_bytes() says.";
        case Error::length_not_block_multiple:
            return "The sector or the length is not a multiple of the disk's block size (block_bytes(), 512 if it "
                   "says nothing), or the length is 0: round them.";
        case Error::request_above_queue:
            return "The request takes more descriptors than the queue has: its segments, and two for each part. Without SEG_MAX "
                   "a part has one data segment. Split it, use an N of at least that, or a blocking call, which sends part by part.";
        case Error::device_limits_too_small:
            return "The device's size_max and seg_max (1 without SEG_MAX) do not allow a whole block of these "
                   "segments in one request: make each segment a multiple of block_bytes(), or set "
                   "BlockOption::data_segments.";
        case Error::no_such_queue: return "There is no request queue of this number: compare with queue_count().";
        case Error::dma_map_failed:
            return "The kernel's DMA mapper could not map the data (no bounce buffer, no room in the IOMMU): wait for "
                   "completions and try again. Nothing was left mapped.";
        case Error::not_supported:
            return "The device does not know this request (VIRTIO_BLK_S_UNSUPP): ask can_flush(), can_discard() … "
                   "first. After a read or write its header was overwritten: look whether its pages were handed out "
                   "twice.";
        case Error::io_error:
            return "The device reported an I/O error (VIRTIO_BLK_S_IOERR): look at the host's log of the disk.";
        case Error::status_invalid:
            return "The device completed the request and its status byte is not there: it wrote it elsewhere (is "
                   "Pages::phys right, for all pages of the allocator?), or it is faulty. If the request has more "
                   "than one data segment, the device may take only one: set BlockOption::data_segments to 1. Do not "
                   "use the data.";
        case Error::short_read:
            return "The device reported success and a used length below what was asked for: the rest of the buffer is "
                   "not to be used (§2.7.8.3). Ask again, in smaller pieces. For a device that reports lengths "
                   "wrongly there are BlockOption::under_reported and QueueOption::over_reported.";
        case Error::timed_out:
            return "The device did not answer within the poll limit, which may be small: diagnose() says what it "
                   "waits for. Data of the request still belongs to the device: call reset() before using it again.";
        case Error::request_cancelled:
            return "The device was reset before it had finished this request; nothing is known of what it did.";
    }
    return "An unknown error number.";
}

}  // namespace virtq
