// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// Why a device does not answer, as far as it can be seen from the driver's side. In the order in which they are
/// looked for: what comes first would explain what comes later.
enum class Cause : uint8_t {
    none,
    nothing_in_flight,

    // the registers
    transport_not_probed,
    registers_all_ones,
    registers_all_zero,
    not_virtio,
    version_unknown,
    slot_empty,
    legacy_driven_as_modern,
    device_type_differs,

    // the device status
    device_gone,
    device_was_reset,
    device_not_initialised,
    driver_not_initialised,
    features_not_accepted,
    driver_gave_up,

    // the negotiated features
    feature_not_offered,
    version_1_missing,
    feature_not_given_to_queue,
    queue_feature_not_negotiated,
    event_idx_not_given_to_queue,
    event_idx_not_negotiated,

    // the set-up of the queue
    queue_not_initialised,
    queue_absent,
    queue_not_enabled,
    queue_elsewhere,
    queue_size_above_maximum,
    ring_address_zero,
    ring_address_virtual,
    ring_outside_ram,

    // live?
    device_suspended,
    driver_ok_missing,

    // the memory of the ring
    rings_swapped,
    avail_index_overwritten,
    avail_flags_overwritten,
    avail_entry_overwritten,
    driver_event_overwritten,
    descriptor_overwritten,
    pages_shifted,
    padding_overwritten,
    used_index_restarted,
    used_index_ahead,
    queue_broken,

    // the buffers
    buffer_address_zero,
    buffer_address_virtual,
    buffer_inside_ring,
    buffer_outside_ram,
    not_a_block_request,

    device_reads_elsewhere,
    device_needs_reset,

    // who waits for whom
    interrupts_off,
    interrupt_not_handled,
    completions_not_taken,
    slept_on_completions,
    not_published,
    never_notified,
    used_ring_elsewhere,
    device_uses_event_idx,
    event_idx_not_accepted,
    not_answered,
    ring_not_seen,
    ring_told_elsewhere,
    buffer_address_cut,
    descriptors_not_freed,
};

/// What is wrong, in a sentence without a line end.
[[nodiscard]] constexpr char const* describe(Cause cause) {
    switch (cause) {
        case Cause::none: return "Nothing wrong that can be seen from here.";
        case Cause::nothing_in_flight:
            return "Nothing wrong that can be seen from here: nothing is in flight on this queue, so nothing will "
                   "come.";

        case Cause::transport_not_probed:
            return "The transport was not told where its device is: probe() was not called.";
        case Cause::registers_all_ones:
            return "The registers read as all ones: they are not mapped, the address is wrong, or the device is gone.";
        case Cause::registers_all_zero:
            return "The registers read as zero: the address is that of ordinary memory, or of nothing.";
        case Cause::not_virtio: return "There is no virtio-mmio device at this address: the magic value is wrong.";
        case Cause::version_unknown: return "The version register is neither 2 (modern) nor 1 (legacy).";
        case Cause::slot_empty: return "The virtio-mmio slot is empty (device ID 0): this is normal for most slots.";
        case Cause::legacy_driven_as_modern:
            return "The device is a legacy one (version 1) and is driven as a modern one (version 2): it has neither "
                   "FEATURES_OK nor VERSION_1, and its queue is placed by QueuePFN.";
        case Cause::device_type_differs:
            return "Behind the transport is another device than the one for which the driver was initialised: probe() "
                   "was called again.";

        case Cause::device_gone:
            return "The device status reads as all ones: the device was unplugged, or its registers are not reached "
                   "(on PCI: memory space is off, or the BAR is not mapped).";
        case Cause::device_was_reset:
            return "The device status reads 0 although a queue was given to the device: somebody has reset the "
                   "device, and it has forgotten the queue.";
        case Cause::device_not_initialised:
            return "The device is not initialised: init() was not called, or it failed and gave the device back "
                   "(ACKNOWLEDGE and DRIVER are not both set).";
        case Cause::features_not_accepted:
            return "FEATURES_OK is not set: the device refused the features, or was never asked (§3.1.1).";
        case Cause::driver_gave_up: return "FAILED is set: the driver gave the device up during initialisation.";

        case Cause::feature_not_offered: return "A negotiated feature is not among those that the device offers.";
        case Cause::version_1_missing: return "VIRTIO_F_VERSION_1 was not negotiated with a modern device (§6.1).";
        case Cause::feature_not_given_to_queue:
            return "A feature was negotiated, but the queue was initialised without it: the device goes by it.";
        case Cause::queue_feature_not_negotiated:
            return "The queue was initialised with a feature that was not negotiated: the device does not go by it.";
        case Cause::event_idx_not_given_to_queue:
            return "VIRTIO_F_EVENT_IDX was negotiated, but the queue was initialised without it: the device waits for "
                   "event indices that nobody moves.";
        case Cause::event_idx_not_negotiated:
            return "The queue uses VIRTIO_F_EVENT_IDX, which was not negotiated: the device looks at flags that "
                   "nobody sets.";

        case Cause::driver_not_initialised: return "The driver is not initialised: init() was not called, or failed.";
        case Cause::queue_not_initialised: return "The queue has no memory: init() was not called, or failed.";
        case Cause::queue_absent: return "The device has no queue of this number: its maximum size reads 0.";
        case Cause::queue_not_enabled: return "The device was not told of this queue: it is not enabled.";
        case Cause::queue_elsewhere: return "The device has another page number for this queue than the driver.";
        case Cause::queue_size_above_maximum: return "The queue is larger than the device allows.";
        case Cause::ring_address_zero: return "The pages of the queue are said to lie at physical address 0.";
        case Cause::ring_address_virtual:
            return "The pages of the queue were given with a virtual address where a physical one belongs.";
        case Cause::ring_outside_ram: return "The pages of the queue lie outside the memory that was named.";

        case Cause::device_suspended: return "The device is suspended (SUSPEND is set, §3.4).";
        case Cause::driver_ok_missing:
            return "DRIVER_OK is not set: the device is not live, and does not look at its queues.";

        case Cause::rings_swapped:
            return "The device writes its used ring's flags over those of the available ring: the two addresses were "
                   "swapped.";
        case Cause::avail_index_overwritten:
            return "The index of the available ring is not what the driver wrote: the memory of the ring was "
                   "overwritten, or is not the memory that the driver believes.";
        case Cause::avail_flags_overwritten:
            return "The flags of the available ring are not what the driver wrote: the memory of the ring was "
                   "overwritten.";
        case Cause::avail_entry_overwritten:
            return "The available ring names a descriptor that cannot be: the memory of the ring was overwritten.";
        case Cause::driver_event_overwritten:
            return "The driver event suppression structure is not what the driver wrote: the memory of the ring was "
                   "overwritten, or the addresses of the two structures were swapped.";
        case Cause::descriptor_overwritten:
            return "A descriptor in flight is not what the driver wrote: the memory of the ring was overwritten.";
        case Cause::pages_shifted:
            return "The device writes whole pages beside the place where the driver reads: it was told a shifted "
                   "address.";
        case Cause::padding_overwritten:
            return "Somebody wrote between the parts of the queue, where nothing belongs: the device was told another "
                   "size or place of the rings, or the pages are in use elsewhere.";
        case Cause::used_index_restarted:
            return "The device began anew in this queue: it was reset and the queue was not, or its memory was "
                   "cleared.";
        case Cause::used_index_ahead: return "The used index says that more chains were used than are in flight.";
        case Cause::queue_broken: return "The device wrote something impossible, and the queue is broken.";

        case Cause::buffer_address_zero: return "A buffer of a request has the address 0.";
        case Cause::buffer_address_virtual:
            return "A buffer of a request has a virtual address: the device needs the physical one.";
        case Cause::buffer_inside_ring: return "A buffer of a request lies in the pages of the queue itself.";
        case Cause::buffer_outside_ram: return "A buffer of a request lies outside the memory that was named.";
        case Cause::not_a_block_request:
            return "A chain is no request of a disk: 16 bytes or more that the device reads, and a last one that it "
                   "writes (§5.2.6).";

        case Cause::device_reads_elsewhere:
            return "What is in flight is sound as far as can be seen, and the device cannot bear it: it reads "
                   "elsewhere, or counts in another queue size.";
        case Cause::device_needs_reset:
            return "The device set DEVICE_NEEDS_RESET: it found something in a queue or a request that it cannot "
                   "bear.";

        case Cause::interrupts_off:
            return "The device has answered, and nobody has looked: used buffer notifications are off, so no "
                   "interrupt comes.";
        case Cause::interrupt_not_handled:
            return "The device has answered and raised its interrupt, which nobody has acknowledged: the interrupt "
                   "does "
                   "not reach its handler.";
        case Cause::completions_not_taken: return "The device has answered, and nobody has taken the completions.";
        case Cause::slept_on_completions:
            return "Perhaps the kernel sleeps although enable_used_notifications() said something_there: for what is "
                   "there already no interrupt comes.";
        case Cause::not_published:
            return "Chains were added, and publish() was not called since: the device does not know of them.";
        case Cause::never_notified: return "The device was probably never notified of what waits in the queue.";
        case Cause::used_ring_elsewhere:
            return "The device raised its interrupt for a used buffer, but the ring does not show any: the "
                   "device "
                   "writes it elsewhere.";
        case Cause::device_uses_event_idx:
            return "The device wrote an event index although the queue does not use VIRTIO_F_EVENT_IDX: the device "
                   "has "
                   "accepted that feature, and waits for event indices that nobody moves.";
        case Cause::event_idx_not_accepted:
            return "The device has never written avail_event although the queue uses VIRTIO_F_EVENT_IDX: was that "
                   "feature really accepted? Without it the device waits for a notification.";
        case Cause::not_answered: return "The device was told of the requests and has not answered yet.";
        case Cause::ring_not_seen:
            return "The device does not see what waits in this queue: it looks at other memory than the driver.";
        case Cause::ring_told_elsewhere:
            return "The device does not know of what waits in this queue: it was given other addresses than those "
                   "above, or it was never notified.";
        case Cause::buffer_address_cut:
            return "A buffer in flight lies below 4 GiB while the queue lies above: perhaps its address was cut to 32 "
                   "bits.";
        case Cause::descriptors_not_freed:
            return "All descriptors are the caller's, and none is in flight: nothing can be added.";
    }
    return "An unknown cause.";
}

/// What to do next, in a sentence or two without a line end.
[[nodiscard]] constexpr char const* advise(Cause cause) {
    switch (cause) {
        case Cause::none:
            return "If you wait for something, compare with `info virtio-queue-status` in QEMU's monitor, and look at "
                   "the other queues.";
        case Cause::nothing_in_flight:
            return "If you wait: check that the request was added, to this queue, and that its completion was not "
                   "taken before. If it completed with wrong data or an error status: check its physical addresses, "
                   "the WRITE flags (data that the device writes, status), that the header is little-endian, and that "
                   "header, data and status byte stay where they are until the completion.";

        case Cause::transport_not_probed:
            return "Call probe() with the mapped registers, and look at what it returns, before init() of a driver.";
        case Cause::registers_all_ones:
        case Cause::registers_all_zero:
        case Cause::not_virtio:
            return "Check the address with `info mtree` in QEMU's monitor, and map it as device memory.";
        case Cause::version_unknown: return "Check that the address is that of the register block: `info mtree`.";
        case Cause::slot_empty:
            return "Try the next slot; QEMU fills them from the last to the first, 0x200 apart (riscv64: 0x1000), so "
                   "an "
                   "address whose offset in the page was lost is another slot. If there should be a device, check "
                   "that "
                   "it is a `-device virtio-…-device`.";
        case Cause::legacy_driven_as_modern:
            return "Start QEMU with `-global virtio-mmio.force-legacy=false`, or negotiate with "
                   "MmioTransport::is_legacy() in mind, as DeviceInit does.";

        case Cause::device_type_differs:
            return "Give each device a transport of its own: a scan for others must not probe() with one in use.";

        case Cause::device_gone: return "Release the driver; buffers are the caller's again.";
        case Cause::device_was_reset:
            return "Look who writes 0 to the status: a second driver for this slot, a second probe, or a release. "
                   "Initialise the device again.";
        case Cause::device_not_initialised:
            return "Look at what init(), or the step of DeviceInit, returned: describe() has a sentence for it.";
        case Cause::features_not_accepted:
            return "Look at what init() returned, and print negotiation(): accept VERSION_1, and nothing that another "
                   "accepted feature needs and is missing.";
        case Cause::driver_gave_up: return "Look at what init() returned: describe() has a sentence for it.";

        case Cause::feature_not_offered:
            return "Give the negotiated features, which are offered and wanted ones together, not the wanted ones.";
        case Cause::version_1_missing: return "Accept VIRTIO_F_VERSION_1, as DeviceInit does.";
        case Cause::feature_not_given_to_queue:
        case Cause::queue_feature_not_negotiated:
        case Cause::event_idx_not_given_to_queue:
        case Cause::event_idx_not_negotiated:
            return "Give init() of the queue exactly the features that were negotiated.";

        case Cause::driver_not_initialised:
            return "Call init(), and look at what it returns; diagnose(transport) looks at the device itself.";
        case Cause::queue_not_initialised: return "Call init(), and look at what it returns.";
        case Cause::queue_absent: return "Check the number of the queue, and the features that bring it.";
        case Cause::queue_not_enabled:
            return "Call enable_queue() with the queue's number and addresses() after init() and before DRIVER_OK, "
                   "and "
                   "look at what it returns.";
        case Cause::queue_elsewhere:
            return "Look for a second driver of this device, and for a queue that was initialised again without a "
                   "reset of the device. GuestPageSize must be 4096.";
        case Cause::queue_size_above_maximum:
            return "Ask queue_size_max() first, and give init() no more; newer versions of QEMU refuse such a queue.";
        case Cause::ring_address_zero:
            return "Look for a failed allocation whose address 0 was passed on: allocate_pages() says so with "
                   "Pages{}. "
                   "Or was Pages::phys not filled in?";
        case Cause::ring_address_virtual:
            return "Let allocate_pages() return the physical address in Pages::phys; with phys_addr() in the "
                   "allocator init() verifies it.";
        case Cause::ring_outside_ram:
            return "Compare Pages::phys with the memory map: a cut to 32 bits, or a wrong offset of the direct map.";

        case Cause::device_suspended: return "Resume the device.";
        case Cause::driver_ok_missing:
            return "Set DRIVER_OK after all queues are enabled (DeviceInit::go_live()), then notify.";

        case Cause::rings_swapped:
            return "The second address is the available ring (driver area), the third the used ring (device area).";
        case Cause::avail_index_overwritten:
        case Cause::avail_flags_overwritten:
        case Cause::avail_entry_overwritten:
        case Cause::driver_event_overwritten:
        case Cause::descriptor_overwritten:
            return "Look who else uses these pages: were they handed out twice, freed while in use, mapped elsewhere "
                   "(uncached, another frame), or does a second driver use the queue? A watchpoint on the word tells.";
        case Cause::pages_shifted:
            return "Look at Pages::phys, which is off by that distance (a header page of the heap?), or at the "
                   "address that the device was given. With phys_addr() in the allocator init() verifies it.";
        case Cause::padding_overwritten:
            return "Tell the device the size() of the queue and the three addresses of addresses(); compare them with "
                   "`info virtio-queue-status PATH QUEUE` in QEMU's monitor.";
        case Cause::used_index_restarted:
            return "After a reset of the device call detach() and restart() of the queue before it is enabled again; "
                   "a "
                   "driver's reset() does so. If nobody reset it: who cleared these pages? Look for a second driver "
                   "or user of these pages.";
        case Cause::used_index_ahead:
            return "Reset the device before init() of the queue, and look for a second driver or a second user of "
                   "these pages.";
        case Cause::queue_broken:
            return "Reset the device and bring the queue up again. If the device is sound, look for a second driver, "
                   "for descriptors changed in flight, and for a queue size that differs from the device's.";

        case Cause::buffer_address_zero:
        case Cause::buffer_address_virtual:
            return "Translate the buffer's address page by page before it goes into a Segment.";
        case Cause::buffer_inside_ring:
            return "Do not use the queue's pages for anything else: were they handed out twice?";
        case Cause::buffer_outside_ram:
            return "Compare the address with the memory map: a virtual address, a cut to 32 bits, or a wrong offset "
                   "of "
                   "the direct map.";

        case Cause::not_a_block_request:
            return "Chain a header of 16 bytes without WRITE; the data, with WRITE if it is a read; and a status byte "
                   "with WRITE, apart from the data.";

        case Cause::device_reads_elsewhere:
            return "Check the queue size and the three addresses that the device was given, both halves of each and "
                   "in their order: size() and addresses(); `info virtio-queue-status PATH QUEUE` shows them.";
        case Cause::device_needs_reset:
            return "Run QEMU with `-d guest_errors -trace 'virtio_*'`: it says what it could not bear; usually an "
                   "address or a length in a descriptor, or a queue size that differs. Then reset the device.";

        case Cause::interrupts_off:
            return "Call take_used(), or the driver's complete(). To sleep, call enable_used_notifications() first, "
                   "and "
                   "sleep only if it says nothing_there.";
        case Cause::interrupt_not_handled:
            return "Check the line or vector, that the interrupt controller lets it through, that the CPU takes "
                   "interrupts, and that the handler calls on_interrupt() of the transport.";
        case Cause::completions_not_taken:
            return "Call take_used(), or the driver's complete(), until it says none; check that it is called on this "
                   "queue, also after each interrupt.";
        case Cause::slept_on_completions:
            return "Sleep only if it says nothing_there; otherwise take what is there, and enable again.";
        case Cause::not_published:
            return "Call publish(), and notify() if it says so; a driver's start() does both. After push_avail() too.";
        case Cause::never_notified:
            return "If publish() says so, call notify() of the transport with the number of this queue; check that "
                   "number. To try, call notify() once more by hand: if things go on, this was it.";
        case Cause::used_ring_elsewhere:
            return "Check the third address that the device was given (device area): high and low half, and that it "
                   "is physical. `info virtio-queue-status PATH QUEUE` shows it.";
        case Cause::device_uses_event_idx:
        case Cause::event_idx_not_accepted:
            return "Give init() of the queue exactly the features that were written to the device.";
        case Cause::not_answered:
            return "Check type, lengths and directions of the request, and what the host says: run QEMU with "
                   "`-d guest_errors -trace 'virtio_*'`, and look at `info virtio-queue-status PATH QUEUE`.";
        case Cause::ring_not_seen:
            return "Check what the allocator says in Pages::phys: cut to 32 bits, an offset, frames instead of "
                   "bytes, pages that are not contiguous? Give it phys_addr(), and init() verifies them, or wrap it "
                   "in "
                   "CheckedPages. Otherwise look for a second driver or a second init() of this device; compare with "
                   "`info virtio-queue-status PATH QUEUE`, and the memory with `xp`.";
        case Cause::ring_told_elsewhere:
            return "Were all three addresses written with their high halves, in bytes and not in frames, and in their "
                   "order? Is Pages::phys right (give the allocator phys_addr(), and init() verifies it)? Is there a "
                   "second driver? Compare with `info virtio-queue-status PATH QUEUE`.";
        case Cause::buffer_address_cut: return "Keep physical addresses in 64 bits all the way.";
        case Cause::descriptors_not_freed:
            return "poll_used() gives a chain back to the caller: call free_chain(), or push it again.";
    }
    return "";
}

}  // namespace virtq
