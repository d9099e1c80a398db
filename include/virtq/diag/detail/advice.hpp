// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/cause.hpp>

namespace virtq::detail {

[[__nodiscard__]] constexpr char const* advice_sentence(Cause cause) {
    switch (cause) {
        case Cause::none:
            return "If you wait for something, compare with `info virtio-queue-status` in QEMU's monitor, and check "
                   "the other queues.";
        case Cause::nothing_in_flight:
            return "If you wait, check what the call returned (the device never sees what the driver refuses), "
                   "whether it was for this queue, and whether its completion was taken before. If it completed with "
                   "wrong data or an error status, check its physical addresses, the WRITE flags (data that the "
                   "device writes, status), and that the header is little-endian. Keep header, data and status byte "
                   "where they are until the completion.";

        case Cause::nothing_asked:
            return "Check that the call was made at all, for this queue and of this object. Check what it returned: "
                   "the device never sees what the driver refuses.";
        case Cause::request_refused: return "Check what submit(), read() … return; the device has no part in it.";

        case Cause::driver_moved:
            return "Make the driver static, or hand its address around: no memcpy, and no list that moves its "
                   "elements. Use it through the address at which init() was called.";
        case Cause::transport_lost:
            return "Make the transport static, as the driver is, and hand its address around. If it is static, find "
                   "what writes over it.";
        case Cause::transport_not_probed:
            return "Call probe() with the mapped registers before init() of a driver, and check what it returns.";
        case Cause::registers_all_ones:
        case Cause::registers_all_zero:
        case Cause::not_virtio:
            return "Check the address with `info mtree` in QEMU's monitor, and map it as device memory.";
        case Cause::version_unknown: return "Check that the address is that of the register block: `info mtree`.";
        case Cause::slot_empty:
            return "Try the next slot. QEMU fills them from the last to the first, 0x200 apart (riscv64: 0x1000). An "
                   "address that lost its offset in the page is another slot. If there should be a device, check that "
                   "it is a `-device virtio-…-device`.";
        case Cause::legacy_driven_as_modern:
            return "Start QEMU with `-global virtio-mmio.force-legacy=false`, or ask MmioTransport::is_legacy() when "
                   "you negotiate, as DeviceInit does.";

        case Cause::device_type_differs:
            return "Give each device a transport of its own: do not call probe() for others on one in use.";

        case Cause::device_gone:
            return "If it was unplugged, release the driver; buffers are the caller's again. If it is there, check "
                   "that the memory space bit of its command register is on, and map the BAR as device memory "
                   "(uncached).";
        case Cause::device_was_reset:
            return "Find who writes 0 to the status: a second driver for this slot, a second probe, or a release. "
                   "Initialise the device again.";
        case Cause::device_not_initialised:
            return "Print describe() of the error that init(), or the step of DeviceInit, returned. diagnose() of a driver "
                   "prints that error too; diagnose() of a transport does not know it.";
        case Cause::registers_are_memory:
            return "Check whether the BAR overlaps RAM (a PciWindow that is not the host bridge's), and whether "
                   "map_device_memory() maps the address that it is given. Compare with `info mtree` and `info pci`.";
        case Cause::version_1_not_offered:
            return "Check how the device is configured on the host (QEMU: disable-modern=off). A legacy one has "
                   "version 1 in its registers.";
        case Cause::features_refused:
        case Cause::features_not_accepted:
            return "Check what init() returned, and print negotiation(). Accept VERSION_1, and no feature without "
                   "another one that it needs.";
        case Cause::driver_gave_up:
            return "Print describe() of the error that init() returned. diagnose() of a driver prints that error too; "
                   "diagnose() of a transport does not know it.";

        case Cause::offered_changed:
            return "Check whether two devices have one address (BARs placed by two windows that overlap: use one "
                   "PciWindow for all), whether the mapping was changed since probe(), and whether the device was "
                   "replaced.";
        case Cause::feature_not_offered:
            return "Give the negotiated features (both offered and wanted), not the wanted ones.";
        case Cause::version_1_missing: return "Accept VIRTIO_F_VERSION_1, as DeviceInit does.";
        case Cause::feature_not_given_to_queue:
        case Cause::queue_feature_not_negotiated:
        case Cause::event_idx_not_given_to_queue:
        case Cause::event_idx_not_negotiated:
            return "Give init() of the queue exactly the features that were negotiated.";

        case Cause::driver_not_initialised:
            return "If init() failed, first do what describe() of its error says. Then call init(). To see the device "
                   "itself, call diagnose(transport).";
        case Cause::queue_not_initialised:
            return "If init() failed, first do what describe() of its error says. Then call init().";
        case Cause::queue_absent: return "Check the number of the queue, and the features that add it.";
        case Cause::queue_not_enabled:
            return "Call enable_queue() with the queue's number and addresses() after init() and before DRIVER_OK, "
                   "and check what it returns.";
        case Cause::queue_elsewhere:
            return "Look for a second driver or a second init() of this device. Look for two devices with overlapping "
                   "BARs (use one PciWindow for all) or with one address from map_device_memory(), and for a queue "
                   "that was initialised again without a reset. By hand, check the order of the three addresses, and "
                   "both halves of each. GuestPageSize of a legacy device is 4096.";
        case Cause::queue_size_differs:
            return "Write the queue's size() to queue_size before queue_enable, for this queue (queue_select). If "
                   "that is done, look for a second driver.";
        case Cause::queue_size_above_maximum:
            return "Ask queue_size_max() first, and give init() no more. Newer versions of QEMU refuse such a queue.";
        case Cause::ring_address_zero:
            return "Look for a failed allocation whose address 0 was passed on: let allocate_pages() return Pages{} "
                   "then. Check that Pages::phys is filled in, and not truncated to 32 bits.";
        case Cause::ring_address_virtual:
            return "Let allocate_pages() return the physical address in Pages::phys. If the allocator has "
                   "phys_addr(), init() verifies it.";
        case Cause::ring_outside_ram:
            return "Compare Pages::phys with the memory map: is it truncated to 32 bits, or is the offset of the "
                   "direct map wrong?";

        case Cause::device_suspended: return "Resume the device with resume_device().";
        case Cause::driver_ok_missing:
            return "Set DRIVER_OK after all queues are enabled (DeviceInit::go_live()), then notify.";

        case Cause::driver_ok_lost:
            return "Find who else writes to the device: a second driver, or a PCI core that writes the command "
                   "register after probe() (QEMU takes DRIVER_OK back when bus mastering goes off). Then call "
                   "reset().";

        case Cause::rings_swapped:
            return "Give the available ring (driver area) as the second address, the used ring (device area) as the "
                   "third.";
        case Cause::avail_index_overwritten:
        case Cause::avail_flags_overwritten:
        case Cause::avail_entry_overwritten:
        case Cause::driver_event_overwritten:
        case Cause::descriptor_overwritten:
            return "Find who else uses these pages: were they handed out twice, freed while in use, or mapped elsewhere "
                   "(uncached, another frame)? Did the allocator give fewer pages than count? Does a second driver use "
                   "the queue? Set a watchpoint on the word.";
        case Cause::pages_shifted:
            return "Check whether Pages::phys is off by that distance (a header page of the heap?), or the address "
                   "that the device was given. If the allocator has phys_addr(), init() verifies it.";
        case Cause::padding_overwritten:
            return "Give the device the size() of the queue and the three addresses of addresses(). Compare them with "
                   "`info virtio-queue-status PATH QUEUE` in QEMU's monitor.";
        case Cause::used_index_restarted:
            return "After a reset of the device call detach() and restart() of the queue before it is enabled again; "
                   "a driver's reset() does so. If nobody reset it, find who cleared these pages: look for a second "
                   "driver or user of them.";
        case Cause::used_index_ahead:
            return "Reset the device before init() of the queue, and look for a second driver or a second user of "
                   "these pages. If it began after reset() (vhost-user back ends, the export of QEMU 7.2), take all "
                   "completions before the reset. After a time-out reset again, until the device has finished.";
        case Cause::queue_broken:
            return "Reset the device and bring the queue up again. If the device is sound, look for a second driver, "
                   "for descriptors changed in flight, and for a queue size that differs from the device's. If it "
                   "began after reset(), the device continues with its old state, as some vhost-user back ends do.";

        case Cause::buffer_address_zero:
        case Cause::buffer_address_virtual:
            return "Translate the buffer's address page by page before it goes into a Segment.";
        case Cause::buffer_inside_ring:
            return "Do not use the queue's pages for anything else. Check whether they were handed out twice.";
        case Cause::buffer_outside_ram:
            return "Compare the address with the memory map: is it virtual, truncated to 32 bits, or is the offset of "
                   "the direct map wrong?";

        case Cause::buffer_shared:
            return "Keep header, data and status byte in a record of the request, not in one for all. Free it only "
                   "after its completion.";
        case Cause::receive_buffer_too_small:
            return "Make each buffer as large as the standard asks, with WRITE. For a network card (§5.1.9.3) that is "
                   "header and largest packet, or accept MRG_RXBUF.";
        case Cause::not_a_block_request:
            return "Chain a header of 16 bytes without WRITE; the data, with WRITE if it is a read; and a status byte "
                   "with WRITE, apart from the data.";
        case Cause::block_status_in_data:
            return "Put one more segment with WRITE behind the data: the status byte, and nothing behind it.";
        case Cause::block_data_not_sectors:
            return "Round the data's length. Do not count the header (16 bytes) and the status byte (1).";

        case Cause::device_reads_elsewhere:
            return "Check Pages::phys of all pages, those of headers too. Compare the queue size and the three "
                   "addresses that the device was given, in their order and with both halves, with size() and "
                   "addresses(). `info virtio-queue-status PATH QUEUE` shows them.";
        case Cause::device_needs_reset:
            return "Run QEMU with `-d guest_errors -trace 'virtio_*'` to see what it rejected: usually an address or "
                   "a length in a descriptor, or a queue size that differs. Then reset the device.";

        case Cause::device_type_violated:
            return "Follow the line `violation` above: it names the rule, the queue, and what to do. If the device is "
                   "sound, the driver may read other memory than it writes: check Pages::phys.";
        case Cause::poll_limit_too_small:
        case Cause::answered_too_late:
            return "Give the call a larger poll limit (a poll takes nanoseconds, a disk milliseconds, random bytes "
                   "perhaps seconds) or a relax hook that pauses. Then reset(): it hands back what was in flight.";
        case Cause::interrupts_off:
            return "Call take_used(), or the driver's take_completed(). To sleep, call enable_used_notifications() "
                   "first, and sleep only if it returns MaySleep::yes.";
        case Cause::intx_disabled:
            return "probe() clears the bit. Find who sets it afterwards: a PCI core that expects MSI, or one that "
                   "saves and restores the command register.";
        case Cause::interrupt_pin_missing: return "Call use_msix() between probe() and init(), or poll.";
        case Cause::msix_off:
            return "Find who writes the capability after use_msix(): a PCI core, or a second probe() of the function.";
        case Cause::msix_masked: return "Clear Function Mask, as use_msix() does. Find who sets it afterwards.";
        case Cause::msix_on_untold:
            return "If the kernel programs MSI-X by itself, call use_vectors() of the transport between probe() and "
                   "init(). Otherwise find who switched it on after probe().";
        case Cause::queue_without_vector:
            return "Call use_msix() or use_vectors() before init(). Find who resets the device or writes its vectors "
                   "afterwards.";
        case Cause::other_handler_called:
            return "After use_msix() register a handler for each vector, and call on_vector() with its number there. "
                   "Without it register one for the line, and call on_interrupt().";
        case Cause::line_handler_never_called:
            return "Register a handler for the line that the machine gives the pin (on a PC with an I/O APIC not "
                   "always the line register's), and unmask it in the interrupt controller, level-triggered. PCI "
                   "devices share lines: check that no other device's registration replaced the handler. Check that "
                   "the CPU takes interrupts. Sleep only after MaySleep::yes: the completion may have been there "
                   "before.";
        case Cause::vector_handler_never_called:
            return "Check the messages given to use_msix(): on a PC the address is 0xfee00000 | APIC ID << 12 and the "
                   "data a vector with a gate in the IDT; elsewhere both come from the ITS or IMSIC. Check that the "
                   "local APIC is on and the CPU takes interrupts. Sleep only after MaySleep::yes: the completion may "
                   "have been there before.";
        case Cause::interrupt_not_handled:
            return "Check the line or vector, that the interrupt controller lets it through, that the CPU takes "
                   "interrupts, and that the last one was ended at the controller (EOI). Call on_interrupt() of the "
                   "transport in the handler.";
        case Cause::interrupt_not_acknowledged:
            return "Call on_interrupt() of the transport first in the handler, then take the completions. If "
                   "interrupts are masked at this moment, or the kernel polls, this is normal: disable the "
                   "notifications.";
        case Cause::completions_not_taken:
            return "Call take_used(), or the driver's take_completed(), on this queue until it returns none. If the "
                   "kernel sleeps, let the handler wake it. If no interrupt came, check the line or the MSI message, "
                   "that all devices of a shared line are asked, and that the last interrupt was ended at the "
                   "controller (EOI).";
        case Cause::slept_on_completions:
            return "Sleep only after MaySleep::yes. Otherwise take what is there, and enable again.";
        case Cause::not_published:
            return "Call the driver's kick_device(). For a queue without a driver call publish(), after push_avail() "
                   "too, and notify() if it asks for it.";
        case Cause::never_notified:
            return "Call the driver's kick_device() after each submit. For a queue without a driver call notify() of "
                   "the transport if publish() asks for it, with the number of this queue. To try, call notify() once "
                   "more by hand: if things go on, this was it.";
        case Cause::other_queue_notified:
            return "Give notify() the number that enable_queue() was given for this queue.";
        case Cause::used_ring_elsewhere:
            return "Check the third address that the device was given (device area): high and low half, and that it "
                   "is physical. `info virtio-queue-status PATH QUEUE` shows it.";
        case Cause::device_uses_event_idx:
        case Cause::event_idx_not_accepted:
            return "Give init() of the queue exactly the features that were written to the device.";
        case Cause::nothing_arrived:
            return "Send something to it: press a key, ping the guest from outside. If it arrives only as an answer, "
                   "send its request first: check the transmit queue. Random bytes come when the host has some: check "
                   "its source (QEMU: -object rng-…).";
        case Cause::no_receive_buffers:
            return "For a network card call give_back(), or submit_receive() for buffers of your own. For a queue "
                   "without a driver add buffers after init(), then publish() and notify(). Add each again when its "
                   "completion was taken.";
        case Cause::not_answered:
            return "Check type, lengths and directions of the request. Run QEMU with `-d guest_errors -trace "
                   "'virtio_*'` to see what the host reports, and look at `info virtio-queue-status PATH QUEUE`.";
        case Cause::second_driver:
            return "Give each device one transport and one driver. Look for two transports probed at one address, and "
                   "for a second init(). `info virtio-queue-status PATH QUEUE` shows where the device reads.";
        case Cause::ring_not_seen:
            return "Use a larger poll limit first: a poll takes nanoseconds, a disk milliseconds, random bytes perhaps "
                   "seconds. Then check Pages::phys: is it truncated to 32 bits, off by an offset, frames instead of "
                   "bytes, or not contiguous? Give the allocator phys_addr(), and init() verifies it, or wrap it in "
                   "CheckedPages. Otherwise look for a second driver or a second init() of this device. Compare with "
                   "`info virtio-queue-status PATH QUEUE`, and the memory with `xp`.";
        case Cause::ring_configured_elsewhere:
            return "Check that all three addresses were written in their order, with their high halves, in bytes and "
                   "not in frames. Check Pages::phys (give the allocator phys_addr(), and init() verifies it). Look "
                   "for a second driver. Compare with `info virtio-queue-status PATH QUEUE`.";
        case Cause::buffer_address_truncated: return "Keep physical addresses in 64 bits all the way.";
        case Cause::descriptors_not_freed:
            return "Call free_chain(), or push the chain again: poll_used() gives a chain back to the caller.";
    }
    return nullptr;
}

/// What to do next, in a sentence or two without a line end: names and numbers have no advice.
[[__nodiscard__]] constexpr char const* advise(Cause cause) {
    return description_of<advice_sentence, 'A', Wording::sentences>(cause);
}

}  // namespace virtq::detail
