// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/description.hpp>

#include <stdint.h>

namespace virtq {

/// Why a device does not answer, as far as the driver can see it. Listed in the order of the checks: an earlier cause
/// would explain the later ones.
enum class Cause : uint8_t {
    none,
    nothing_in_flight,
    nothing_asked,
    request_refused,

    // the objects of the kernel
    driver_moved,

    // the registers
    transport_lost,
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
    registers_are_memory,
    version_1_not_offered,
    features_refused,
    features_not_accepted,
    driver_gave_up,

    // the negotiated features
    offered_changed,
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
    queue_size_differs,
    queue_size_above_maximum,
    ring_address_zero,
    ring_address_virtual,
    ring_outside_ram,

    // DRIVER_OK and SUSPEND
    device_suspended,
    driver_ok_missing,
    driver_ok_lost,

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
    buffer_shared,
    receive_buffer_too_small,
    not_a_block_request,
    block_status_in_data,
    block_data_not_sectors,

    device_reads_elsewhere,
    device_needs_reset,
    device_type_violated,

    // who waits for whom
    answered_too_late,
    interrupts_off,
    intx_disabled,
    interrupt_pin_missing,
    msix_off,
    msix_masked,
    msix_on_untold,
    queue_without_vector,
    other_handler_called,
    line_handler_never_called,
    vector_handler_never_called,
    interrupt_not_handled,
    interrupt_not_acknowledged,
    completions_not_taken,
    slept_on_completions,
    not_published,
    never_notified,
    other_queue_notified,
    used_ring_elsewhere,
    device_uses_event_idx,
    event_idx_not_accepted,
    poll_limit_too_small,
    not_answered,
    nothing_arrived,
    no_receive_buffers,
    second_driver,
    ring_not_seen,
    ring_configured_elsewhere,
    buffer_address_truncated,
    descriptors_not_freed,
};

namespace detail {

[[__nodiscard__]] constexpr char const* cause_sentence(Cause cause) {
    switch (cause) {
        case Cause::none: return "Nothing wrong is visible from here.";
        case Cause::nothing_in_flight:
            return "Nothing wrong is visible from here. Nothing is in flight on this queue, so nothing will come.";
        case Cause::nothing_asked:
            return "Nothing is in flight on this queue, and nothing was ever requested on it, so nothing will come.";
        case Cause::request_refused:
            return "Nothing is in flight: the driver refused the last request, and the device never saw it.";

        case Cause::driver_moved:
            return "The driver object is not where init() left it: it was copied or moved, or is used through another "
                   "mapping. Two such objects keep separate counts of one ring.";
        case Cause::transport_lost:
            return "The transport with which the driver was initialised is gone: it was moved, or its memory was "
                   "reused. A local variable of the function that called init() is gone when that returns: make it "
                   "static.";
        case Cause::transport_not_probed:
            return "The transport does not know where its device's registers are: probe() was not called, or failed, "
                   "or the transport was moved or overwritten since.";
        case Cause::registers_all_ones:
            return "The registers read as all ones: they are not mapped, the address is wrong, or the device is gone.";
        case Cause::registers_all_zero:
            return "The registers read as zero: this is the address of ordinary memory, or of nothing.";
        case Cause::not_virtio: return "There is no virtio-mmio device at this address: the magic value is wrong.";
        case Cause::version_unknown: return "The version register is neither 2 (modern) nor 1 (legacy).";
        case Cause::slot_empty: return "The virtio-mmio slot is empty (device ID 0): this is normal for most slots.";
        case Cause::legacy_driven_as_modern:
            return "A legacy device (version 1) is driven as a modern one (version 2). It has neither FEATURES_OK nor "
                   "VERSION_1, and its queue is placed by QueuePFN.";
        case Cause::device_type_differs:
            return "The transport now reaches another device than the one that the driver initialised: probe() was "
                   "called again.";

        case Cause::device_gone:
            return "The device status reads as all ones: the device was unplugged, or its registers are not reached "
                   "(on PCI: memory space is off, or the BAR is not mapped).";
        case Cause::device_was_reset:
            return "The device status reads 0 although the device was given a queue: somebody has reset the device, "
                   "and it has lost the queue.";
        case Cause::device_not_initialised:
            return "The device is not initialised: init() was not called, or it failed and gave the device back "
                   "(ACKNOWLEDGE and DRIVER are not both set).";
        case Cause::registers_are_memory:
            return "The device offers no feature at all, and yet its status keeps what is written to it. This is "
                   "memory, not the registers of a device.";
        case Cause::version_1_not_offered:
            return "The device does not offer VIRTIO_F_VERSION_1, and no modern one can be driven without it (§6.1).";
        case Cause::features_refused:
            return "The device refused the features: FEATURES_OK was written, and does not stay set (§3.1.1).";
        case Cause::features_not_accepted:
            return "FEATURES_OK is not set: the device refused the features, or was never asked (§3.1.1).";
        case Cause::driver_gave_up: return "FAILED is set: the driver gave the device up during initialisation.";

        case Cause::offered_changed:
            return "The device offers other features than when it was initialised: these are another device's "
                   "registers.";
        case Cause::feature_not_offered: return "The device does not offer a negotiated feature.";
        case Cause::version_1_missing: return "VIRTIO_F_VERSION_1 was not negotiated with a modern device (§6.1).";
        case Cause::feature_not_given_to_queue:
            return "A feature was negotiated, and the queue was initialised without it. The device uses it.";
        case Cause::queue_feature_not_negotiated:
            return "The queue was initialised with a feature that was not negotiated. The device ignores it.";
        case Cause::event_idx_not_given_to_queue:
            return "VIRTIO_F_EVENT_IDX was negotiated, and the queue was initialised without it. The device waits for "
                   "event indices that nobody updates.";
        case Cause::event_idx_not_negotiated:
            return "The queue uses VIRTIO_F_EVENT_IDX, and it was not negotiated. The device reads flags that nobody "
                   "sets.";

        case Cause::driver_not_initialised: return "The driver is not initialised: init() was not called, or failed.";
        case Cause::queue_not_initialised: return "The queue has no memory: init() was not called, or failed.";
        case Cause::queue_absent: return "The device has no queue of this number: its maximum size reads 0.";
        case Cause::queue_not_enabled: return "The device does not know this queue: it is not enabled.";
        case Cause::queue_elsewhere:
            return "The device's registers hold another address than this queue's (a page number on a legacy device). "
                   "A second driver has initialised it, or they are another device's registers.";
        case Cause::queue_size_differs:
            return "The device is configured with another size of this queue than the driver's.";
        case Cause::queue_size_above_maximum: return "The queue is larger than the device allows.";
        case Cause::ring_address_zero: return "The pages of the queue have the physical address 0.";
        case Cause::ring_address_virtual:
            return "The pages of the queue were given with a virtual address where a physical one belongs.";
        case Cause::ring_outside_ram: return "The pages of the queue are outside the given memory map.";

        case Cause::device_suspended: return "The device is suspended (SUSPEND is set, §3.4).";
        case Cause::driver_ok_missing: return "DRIVER_OK is not set: the device is not live, and ignores its queues.";

        case Cause::driver_ok_lost:
            return "The driver set DRIVER_OK, and it is not set any more. The device is not live, and ignores its "
                   "queues.";

        case Cause::rings_swapped:
            return "The device writes its used ring's flags over those of the available ring: the two addresses were "
                   "swapped.";
        case Cause::avail_index_overwritten:
            return "The index of the available ring is not what the driver wrote. The memory of the ring was "
                   "overwritten, or other memory is mapped there.";
        case Cause::avail_flags_overwritten:
            return "The flags of the available ring are not what the driver wrote. The memory of the ring was "
                   "overwritten.";
        case Cause::avail_entry_overwritten:
            return "The available ring names an invalid descriptor: the memory of the ring was overwritten.";
        case Cause::driver_event_overwritten:
            return "The driver event suppression structure is not what the driver wrote. The memory of the ring was "
                   "overwritten, or the addresses of the two structures were swapped.";
        case Cause::descriptor_overwritten:
            return "A descriptor in flight is not what the driver wrote: the memory of the ring was overwritten.";
        case Cause::pages_shifted:
            return "The device writes whole pages away from where the driver reads: it was given a shifted address.";
        case Cause::padding_overwritten:
            return "Somebody wrote between the parts of the queue, where nothing belongs. The device was given "
                   "another size or place of the rings, or the pages are in use elsewhere.";
        case Cause::used_index_restarted:
            return "The device started this queue anew: it was reset and the queue was not, or its memory was "
                   "cleared.";
        case Cause::used_index_ahead:
            return "The used index counts more chains than are in flight. If this comes soon after a reset, the "
                   "device continues with its old state, although it reported the reset as complete.";
        case Cause::queue_broken: return "The device wrote an invalid value, and the queue is broken.";

        case Cause::buffer_address_zero: return "A buffer of a request has the address 0.";
        case Cause::buffer_address_virtual:
            return "A buffer of a request has a virtual address, and the device needs the physical one.";
        case Cause::buffer_inside_ring: return "A buffer of a request is inside the pages of the queue itself.";
        case Cause::buffer_outside_ram: return "A buffer of a request is outside the given memory map.";
        case Cause::buffer_shared:
            return "Two requests in flight let the device write to the same memory. Each needs a status byte and a "
                   "buffer of its own.";
        case Cause::receive_buffer_too_small:
            return "A buffer of a receive queue is too small for what the device may write there.";
        case Cause::not_a_block_request:
            return "A chain is no block request: that needs a device-readable header of 16 bytes first, and a "
                   "device-writable status byte last (§5.2.6).";
        case Cause::block_status_in_data:
            return "The status byte of a block request is inside its data. A disk writes it to the last "
                   "device-writable byte of the chain, and here whole sectors end there (§5.2.6).";
        case Cause::block_data_not_sectors:
            return "The data of a block request is not whole sectors: its length is no multiple of 512 (§5.2.6.1).";

        case Cause::device_reads_elsewhere:
            return "The chains look valid, and the device rejected them. It probably reads other memory (a wrong "
                   "Pages::phys, a freed buffer), or assumes another queue size.";
        case Cause::device_needs_reset:
            return "The device set DEVICE_NEEDS_RESET: it rejected something in a queue or a request.";
        case Cause::device_type_violated:
            return "The device wrote something that its type does not permit. The driver ignored it, or ended a request "
                   "with answer_invalid.";

        case Cause::answered_too_late:
            return "The device is well, and answered after the driver had stopped waiting. The poll limit was too "
                   "small.";
        case Cause::interrupts_off:
            return "The device has answered, and nobody has polled. Used buffer notifications are off, so no "
                   "interrupt comes.";
        case Cause::intx_disabled:
            return "The function's interrupt line is off: Interrupt Disable is set in its command register.";
        case Cause::interrupt_pin_missing:
            return "The function has no interrupt line (its interrupt pin reads 0), and MSI-X is not in use. No "
                   "interrupt can come.";
        case Cause::msix_off:
            return "The queues have MSI-X vectors, and somebody switched MSI-X off in the function's capability.";
        case Cause::msix_masked:
            return "All MSI-X vectors of the function are masked: Function Mask is set in its capability.";
        case Cause::msix_on_untold:
            return "MSI-X is on in the function's capability and silences its line. The transport knows of no "
                   "vectors.";
        case Cause::queue_without_vector:
            return "The device has no MSI-X vector for this queue (it reads NO_VECTOR), so no interrupt comes.";
        case Cause::other_handler_called:
            return "The handler calls the wrong one of two: on_vector() is for MSI-X, on_interrupt() for a line. The "
                   "other one never reports that there is something to take.";
        case Cause::line_handler_never_called:
            return "The device has answered, and no interrupt has ever come: on_interrupt() was never called.";
        case Cause::vector_handler_never_called:
            return "The device has answered, and no interrupt has ever come by MSI-X: on_vector() was never called.";
        case Cause::interrupt_not_handled:
            return "The device has answered and raised its interrupt, and nobody has acknowledged it. The interrupt "
                   "does not reach its handler.";
        case Cause::interrupt_not_acknowledged:
            return "The completions were taken, and nobody has acknowledged the device's interrupt: the handler does "
                   "not call on_interrupt(). The line stays raised.";
        case Cause::completions_not_taken: return "The device has answered, and nobody has taken the completions.";
        case Cause::slept_on_completions:
            return "Perhaps the kernel sleeps although enable_used_notifications() returned MaySleep::no. No "
                   "interrupt comes for a completion that is already there.";
        case Cause::not_published:
            return "Chains were added and not published since: the device does not know of them.";
        case Cause::never_notified: return "The device was probably never notified of what waits in the queue.";
        case Cause::other_queue_notified:
            return "The last notify() was for another queue than the one that waits, so the device looks there.";
        case Cause::used_ring_elsewhere:
            return "The device raised its interrupt for a used buffer, and the ring shows none. The device writes it "
                   "elsewhere.";
        case Cause::device_uses_event_idx:
            return "The device wrote an event index although the queue does not use VIRTIO_F_EVENT_IDX. It has "
                   "accepted that feature, and waits for event indices that nobody updates.";
        case Cause::event_idx_not_accepted:
            return "The device has never written avail_event although the queue uses VIRTIO_F_EVENT_IDX. Perhaps that "
                   "feature was not accepted, and the device waits for a notification.";
        case Cause::poll_limit_too_small:
            return "The device saw the request, and had not answered when the driver gave up. The poll limit may be "
                   "small.";
        case Cause::second_driver:
            return "The device has answered from these pages before, and does not use them any more. A second driver, "
                   "or a second init() of this device, has reset it and given it another queue.";
        case Cause::nothing_arrived:
            return "The device answers on this queue when it has something (a packet, a key, random bytes), and "
                   "perhaps it has nothing.";
        case Cause::no_receive_buffers:
            return "The receive queue has no buffer. Whatever arrives is lost, or waits in the device.";
        case Cause::not_answered: return "The device was notified of the requests and has not answered yet.";
        case Cause::ring_not_seen:
            return "The device shows no sign that it sees what waits in this queue. It reads other memory than the "
                   "driver, or is only slow.";
        case Cause::ring_configured_elsewhere:
            return "The device does not know of what waits in this queue. It was given other addresses than those "
                   "above, or was never notified.";
        case Cause::buffer_address_truncated:
            return "A buffer of a request is below 4 GiB, and the queue is above. Perhaps its address was truncated "
                   "to 32 bits.";
        case Cause::descriptors_not_freed:
            return "The caller holds all descriptors, and none is in flight. Nothing can be added.";
    }
    return nullptr;
}

}  // namespace detail

/// What is wrong, in a sentence without a line end.
[[__nodiscard__]] constexpr char const* describe(Cause cause) {
    return detail::description_of<detail::cause_sentence, 'C'>(cause);
}

}  // namespace virtq
