// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/cause.hpp>

namespace virtq::detail {

/// What to do next, in a sentence or two without a line end.
[[__nodiscard__]] constexpr char const* advise(Cause cause) {
    switch (cause) {
        case Cause::none:
            return "If you wait for something, compare with `info virtio-queue-status` in QEMU's monitor, and look at "
                   "the other queues.";
        case Cause::nothing_in_flight:
            return "If you wait: look at what the call returned (what the driver refuses, the device never sees), "
                   "whether it was for this queue, and whether its completion was taken before. If it completed with "
                   "wrong data or an error status: check its physical addresses, the WRITE flags (data that the "
                   "device writes, status), that the header is little-endian, and that header, data and status byte "
                   "stay where they are until the completion.";

        case Cause::nothing_asked:
            return "Look at what the call returned that should have asked: what the driver refuses, the device never "
                   "sees. Was it called at all, for this queue, and of this object?";
        case Cause::request_refused: return "Look at what submit(), read() … return; the device has no part in it.";

        case Cause::driver_moved:
            return "Make it static, or hand its address around; no memcpy, and no list that moves its elements. Use "
                   "it through the address at which init() was called.";
        case Cause::transport_lost:
            return "Make the transport static, as the driver is, and hand its address around; if it is static, look "
                   "who writes over it.";
        case Cause::transport_not_probed:
            return "Call probe() with the mapped registers, and look at what it returns, before init() of a driver.";
        case Cause::registers_all_ones:
        case Cause::registers_all_zero:
        case Cause::not_virtio:
            return "Check the address with `info mtree` in QEMU's monitor, and map it as device memory.";
        case Cause::version_unknown: return "Check that the address is that of the register block: `info mtree`.";
        case Cause::slot_empty:
            return "Try the next slot; QEMU fills them from the last to the first, 0x200 apart (riscv64: 0x1000), so "
                   "an address whose offset in the page was lost is another slot. If there should be a device, check "
                   "that it is a `-device virtio-…-device`.";
        case Cause::legacy_driven_as_modern:
            return "Start QEMU with `-global virtio-mmio.force-legacy=false`, or negotiate with "
                   "MmioTransport::is_legacy() in mind, as DeviceInit does.";

        case Cause::device_type_differs:
            return "Give each device a transport of its own: a scan for others must not probe() with one in use.";

        case Cause::device_gone:
            return "If it was unplugged: release the driver; buffers are the caller's again. If it is there: look "
                   "whether the memory space bit of its command register is on, and map the BAR as device memory "
                   "(uncached).";
        case Cause::device_was_reset:
            return "Look who writes 0 to the status: a second driver for this slot, a second probe, or a release. "
                   "Initialise the device again.";
        case Cause::device_not_initialised:
            return "Look at what init(), or the step of DeviceInit, returned: describe() has a sentence for it.";
        case Cause::registers_are_memory:
            return "Look whether the BAR lies over RAM (a PciWindow that is not the host bridge's), and whether "
                   "map_device_memory() maps the address that it is given; compare with `info mtree` and `info pci`.";
        case Cause::version_1_not_offered:
            return "Look how the device is configured on the host (QEMU: disable-modern=off); a legacy one has "
                   "version 1 in its registers.";
        case Cause::features_refused:
        case Cause::features_not_accepted:
            return "Look at what init() returned, and print negotiation(): accept VERSION_1, and nothing that another "
                   "accepted feature needs and is missing.";
        case Cause::driver_gave_up: return "Look at what init() returned: describe() has a sentence for it.";

        case Cause::offered_changed:
            return "Look whether two devices have one address (BARs placed by two windows that overlap: one PciWindow "
                   "for all), whether the mapping was changed since probe(), and whether the device was replaced.";
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
                   "and look at what it returns.";
        case Cause::queue_elsewhere:
            return "Look for a second driver or a second init() of this device, for two devices whose BARs overlap "
                   "(one PciWindow for all devices?) or to which map_device_memory() gave one address, and for a "
                   "queue that was initialised again without a reset. By hand: the three addresses in their order, "
                   "both halves; GuestPageSize of a legacy device is 4096.";
        case Cause::queue_size_differs:
            return "Write the queue's size() to queue_size before queue_enable, for this queue (queue_select); or "
                   "look for a second driver.";
        case Cause::queue_size_above_maximum:
            return "Ask queue_size_max() first, and give init() no more; newer versions of QEMU refuse such a queue.";
        case Cause::ring_address_zero:
            return "Look for a failed allocation whose address 0 was passed on: allocate_pages() says so with "
                   "Pages{}. Or was Pages::phys not filled in, or cut to 32 bits?";
        case Cause::ring_address_virtual:
            return "Let allocate_pages() return the physical address in Pages::phys; with phys_addr() in the "
                   "allocator init() verifies it.";
        case Cause::ring_outside_ram:
            return "Compare Pages::phys with the memory map: a cut to 32 bits, or a wrong offset of the direct map.";

        case Cause::device_suspended: return "Resume the device.";
        case Cause::driver_ok_missing:
            return "Set DRIVER_OK after all queues are enabled (DeviceInit::go_live()), then notify.";

        case Cause::driver_ok_lost:
            return "Look who else writes to the device: a second driver, or a PCI core that writes the command "
                   "register after probe() (QEMU takes DRIVER_OK back when bus mastering goes off). Then reset().";

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
                   "a driver's reset() does so. If nobody reset it: who cleared these pages? Look for a second driver "
                   "or user of these pages.";
        case Cause::used_index_ahead:
            return "Reset the device before init() of the queue, and look for a second driver or a second user of "
                   "these pages. If it began after reset() (vhost-user back ends, the export of QEMU 7.2): take all "
                   "completions before the reset; after a time-out reset again, until the device has finished.";
        case Cause::queue_broken:
            return "Reset the device and bring the queue up again. If the device is sound, look for a second driver, "
                   "for descriptors changed in flight, and for a queue size that differs from the device's. If it "
                   "began after reset(): the device goes on with what it had before, as some vhost-user back ends do.";

        case Cause::buffer_address_zero:
        case Cause::buffer_address_virtual:
            return "Translate the buffer's address page by page before it goes into a Segment.";
        case Cause::buffer_inside_ring:
            return "Do not use the queue's pages for anything else: were they handed out twice?";
        case Cause::buffer_outside_ram:
            return "Compare the address with the memory map: a virtual address, a cut to 32 bits, or a wrong offset "
                   "of the direct map.";

        case Cause::buffer_shared:
            return "Keep header, data and status byte in a record of the request, not in one for all; free it only "
                   "after its completion.";
        case Cause::receive_buffer_too_small:
            return "Make each buffer as large as the standard asks (§5.1.6.3 for a network card: header and largest "
                   "packet, or accept MRG_RXBUF), with WRITE.";
        case Cause::not_a_block_request:
            return "Chain a header of 16 bytes without WRITE; the data, with WRITE if it is a read; and a status byte "
                   "with WRITE, apart from the data.";
        case Cause::block_status_in_data:
            return "Put one more segment behind the data, with WRITE: the status byte, and nothing behind it.";
        case Cause::block_data_not_sectors:
            return "Round the data's length. Header and status byte do not count: they are 16 bytes and 1 apart from "
                   "it.";

        case Cause::device_reads_elsewhere:
            return "Check Pages::phys of all pages, those of headers too; the queue size and the three addresses that "
                   "the device was given, both halves of each and in their order: size() and addresses(); `info "
                   "virtio-queue-status PATH QUEUE` shows them.";
        case Cause::device_needs_reset:
            return "Run QEMU with `-d guest_errors -trace 'virtio_*'`: it says what it could not bear; usually an "
                   "address or a length in a descriptor, or a queue size that differs. Then reset the device.";

        case Cause::budget_too_small:
        case Cause::answered_too_late:
            return "Give the call a larger poll limit (a poll takes nanoseconds, a disk milliseconds) or a relax "
                   "hook that pauses; then reset(), which hands back what was in flight.";
        case Cause::interrupts_off:
            return "Call take_used(), or the driver's take_completed(). To sleep, call enable_used_notifications() "
                   "first, and sleep only if it says MaySleep::yes.";
        case Cause::intx_disabled:
            return "probe() clears the bit; look who sets it afterwards: a PCI core that expects MSI, or one that "
                   "saves and restores the command register.";
        case Cause::interrupt_pin_missing: return "Call use_msix() between probe() and init(), or poll.";
        case Cause::msix_off:
            return "Look who writes the capability after use_msix(): a PCI core, or a second probe() of the function.";
        case Cause::msix_masked: return "Clear Function Mask, which use_msix() does; look who sets it afterwards.";
        case Cause::msix_on_untold:
            return "If the kernel programs MSI-X by itself, tell the transport with use_vectors() between probe() and "
                   "init(); otherwise look who switched it on after probe().";
        case Cause::queue_without_vector:
            return "Call use_msix() or use_vectors() before init(), and look who resets the device or writes its "
                   "vectors afterwards.";
        case Cause::other_handler_called:
            return "After use_msix() register a handler for each vector, which calls on_vector() with its number; "
                   "without it one for the line, which calls on_interrupt().";
        case Cause::line_handler_never_called:
            return "Is a handler registered for the line that the machine gives the pin (on a PC with an I/O APIC not "
                   "always the line register's), and unmasked in the interrupt controller, as level-triggered? Or did "
                   "the registration of another device on the same line replace the handler: PCI devices share lines? "
                   "Does the CPU take interrupts? Or was the completion there before: does it sleep only after "
                   "MaySleep::yes?";
        case Cause::vector_handler_never_called:
            return "Check the messages given to use_msix(): on a PC the address is 0xfee00000 | APIC ID << 12 and the "
                   "data a vector with a gate in the IDT; elsewhere what the ITS or IMSIC says. Is the local APIC on, "
                   "does the CPU take interrupts? Or was the completion there before: does it sleep only after "
                   "MaySleep::yes?";
        case Cause::interrupt_not_handled:
            return "Check the line or vector, that the interrupt controller lets it through, that the CPU takes "
                   "interrupts, that the controller was told when the last one was done, and that the handler calls "
                   "on_interrupt() of the transport.";
        case Cause::interrupt_not_acknowledged:
            return "Call on_interrupt() of the transport first in the handler, then take the completions. If "
                   "interrupts are masked at this moment, or the kernel polls, it is normal: then disable the "
                   "notifications.";
        case Cause::completions_not_taken:
            return "Call take_used(), or the driver's take_completed(), until it says none, on this queue. If the "
                   "kernel sleeps: does the handler wake it? If no interrupt came, check the line or the MSI message, "
                   "that all devices of a shared line are asked, and that the interrupt controller was told that the "
                   "last one is done.";
        case Cause::slept_on_completions:
            return "Sleep only if it says MaySleep::yes; otherwise take what is there, and enable again.";
        case Cause::not_published:
            return "Call publish(), and notify() if it says so; a driver's kick_device() does both. After "
                   "push_avail() too.";
        case Cause::never_notified:
            return "If publish() says so, call notify() of the transport with the number of this queue; check that "
                   "number. To try, call notify() once more by hand: if things go on, this was it.";
        case Cause::other_queue_notified:
            return "Give notify() the number that enable_queue() was given for this queue.";
        case Cause::used_ring_elsewhere:
            return "Check the third address that the device was given (device area): high and low half, and that it "
                   "is physical. `info virtio-queue-status PATH QUEUE` shows it.";
        case Cause::device_uses_event_idx:
        case Cause::event_idx_not_accepted:
            return "Give init() of the queue exactly the features that were written to the device.";
        case Cause::nothing_arrived:
            return "Send something to it: press a key, ping the guest from outside. What arrives only as an answer "
                   "needs its request first: look at the transmit queue.";
        case Cause::no_receive_buffers:
            return "Add buffers after init(), publish() and notify(), and add each again when its completion was "
                   "taken.";
        case Cause::not_answered:
            return "Check type, lengths and directions of the request, and what the host says: run QEMU with "
                   "`-d guest_errors -trace 'virtio_*'`, and look at `info virtio-queue-status PATH QUEUE`.";
        case Cause::second_driver:
            return "Give each device one transport and one driver: look whether two transports were probed at one "
                   "address, and who calls init() again. `info virtio-queue-status PATH QUEUE` shows where the device "
                   "looks.";
        case Cause::ring_not_seen:
            return "Was the poll limit small (a poll takes nanoseconds, a disk milliseconds)? If not, check what "
                   "the allocator says in Pages::phys: cut to 32 bits, an offset, frames instead of bytes, pages that "
                   "are not contiguous? Give it phys_addr(), and init() verifies them, or wrap it in CheckedPages. "
                   "Otherwise look for a second driver or a second init() of this device; compare with "
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

}  // namespace virtq::detail
