// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/description.hpp>
#include <virtq/base/detail/error_group.hpp>
#include <virtq/base/detail/transport_sentence.hpp>

namespace virtq::detail {

/// The sentence of a `virtq::Error`. A template, because `error.hpp` declares the enumeration after it includes this.
template <class Error>
[[__nodiscard__]] constexpr char const* error_sentence(Error error) {
    switch (error) {
        case Error::none: return "No error.";

        case Error::queue_size_zero:
            return "The queue size is 0: the device has no such queue, or its size was not read yet. Check the queue's "
                   "number, and read the size first.";
        case Error::queue_size_not_power_of_two:
            return "The size of a split queue must be a power of two (§2.7). Round it down. DeviceInit does so unless "
                   "the device fixes the size, as legacy PCI does.";
        case Error::queue_size_above_maximum:
            return "The queue size is above 32768 (§2.7), or above what the device allows. Ask for less.";
        case Error::queue_size_above_capacity:
            return "The queue size is above this queue's N, often because the device fixes it. Use an N of at least "
                   "required_queue_size() of the driver or DeviceInit, or for VirtQueue::init() of at least that size.";
        case Error::queue_size_fixed_no_power_of_two:
            return "The device fixes a queue size that is no power of two, which a split queue needs (§2.7). Give the "
                   "device another size (QEMU: queue-size=), or use its modern interface. If that fixes it too, use a "
                   "packed queue.";
        case Error::no_pages:
            return "The page allocator returned no pages; nothing was kept. Print the count of allocate_pages(): it is one "
                   "run. Free memory, or use a smaller queue or smaller buffers.";
        case Error::queue_size_above_pages:
            return "The queue's pages have no room for that size. Give restart() at most the size of init().";
        case Error::queue_reset_failed:
            return "The device did not finish the reset of a queue, or offers RING_RESET without having it (QEMU 7.2 on "
                   "virtio-mmio). It may still write to the queue's buffers. Reset the device.";
        case Error::suspend_timed_out:
            return "The device did not confirm within the poll limit that it is suspended, or runs again. Keep polling, "
                   "or reset it.";
        case Error::not_live:
            return "The device is not live: DRIVER_OK is not set. Initialise it before you suspend it.";
        case Error::suspend_not_negotiated:
            return "VIRTIO_F_SUSPEND was not negotiated. Put it into Negotiation::wanted, and give "
                   "Negotiation::negotiated to suspend_device() and resume_device().";
        case Error::not_suspended: return "The device is not suspended (SUSPEND). Suspend it before you resume it.";
        case Error::device_was_reset:
            return "The device was reset while suspended, and its queues are gone. Initialise it again.";
        case Error::descriptor_tier_in_order:
            return "A queue with VIRTIO_F_IN_ORDER uses its descriptors in ring order and hands none out. Use add(), or "
                   "refuse the feature.";
        case Error::pages_misaligned:
            return "The page allocator returned memory that starts at no multiple of 4096, physically or virtually. Hand "
                   "out whole pages.";
        case Error::pages_not_contiguous:
            return "The pages of one allocation are not physically contiguous, or not at Pages::phys. Allocate one "
                   "physical run. Compare Pages::phys with phys_addr(): it may be truncated to 32 bits, off by an "
                   "offset, or a frame number.";
        case Error::pages_not_memory:
            return "The allocator's pages do not keep what is written to them: no RAM is there. Check the memory map, "
                   "and the mapping of these pages.";
        case Error::pages_handed_out_twice:
            return "The page allocator handed out memory that is in use. Wrap it in CheckedPages to see which. Address 0 "
                   "may be a failed allocation that was passed on. An allocator of single pages must refuse to give "
                   "more, and not call one page a run.";
        case Error::pfn_above_32_bits:
            return "The queue's pages are above 16 TiB, but a legacy device takes a 32-bit page number. Allocate them "
                   "lower.";
        case Error::pfn_zero:
            return "The queue's pages start at page number 0, which means 'no queue' to a legacy device. Keep page 0 out "
                   "of the page allocator.";
        case Error::queue_still_live:
            return "The device may still write to this queue, so its pages were kept (§3.3.1). Reset the device, wait "
                   "until its status reads 0, call detach(), and release again.";
        case Error::ring_packed_not_negotiated:
            return "A Packed queue needs VIRTIO_F_RING_PACKED. Put Packed::wanted and Packed::required into the "
                   "Negotiation (QEMU: packed=on), or choose AnyFormat or Split.";
        case Error::feature_not_supported_by_queue:
            return "A ring feature was negotiated that this queue format does not implement. Do not want it, or choose "
                   "the other format.";

        case Error::queue_full:
            return "The queue is full. Take completions (take_used, poll_used, or a driver's take_completed), then "
                   "try again.";
        case Error::chain_empty: return "A chain has no segment. Give it at least one (§2.7.13.1).";
        case Error::segment_empty: return "A segment has length 0, and devices stop at it. Leave it out.";
        case Error::segment_address_virtual:
            return "A segment's address has its top bits set, like a kernel's virtual address. Translate it page by page "
                   "first (virt_to_phys).";
        case Error::chain_longer_than_queue:
            return "The chain has more segments than the queue has descriptors (§2.7.5.3.1), or links to itself. "
                   "Split the request.";
        case Error::chain_above_4_gib: return "The chain is longer than 2^32 bytes (§2.7.5.2). Split the request.";
        case Error::readable_after_writable:
            return "A device-readable descriptor follows a device-writable one (§2.7.4.2). Put the readable ones first.";
        case Error::queue_not_initialised: return "The queue has no memory yet. Call init() first.";
        case Error::queue_broken:
            return "The device wrote an invalid value into this queue: fault() has the reason and the value. Reset the "
                   "device and bring the queue up again.";

        case Error::reset_timed_out:
            return "The device's status did not read 0 after a reset. Give init() a larger poll limit. If that does not "
                   "help, reset the system.";
        case Error::reset_refused:
            return "The device sets FAILED instead of resetting (older Firecracker, once it was live). It may still use "
                   "its queues, so their pages stay taken. Reset the machine.";
        case Error::queue_survived_reset:
            return "The device reports a complete reset, but a queue is still enabled (§4.1.4.3.1, §4.2.2.1). It may "
                   "still use it, so the pages stay taken. Try again, or reset the machine.";
        case Error::not_restarted:
            return "Every request was handed back, and the device has none of our memory. But it did not complete the "
                   "reset that begins its new initialisation. Call reset() again, or release().";
        case Error::init_needs_reset:
            return "The device set DEVICE_NEEDS_RESET during initialisation. Check the addresses of the pages. Some "
                   "devices reach only 32 bits: for these allocate below 4 GiB.";
        case Error::reset_needed:
            return "The driver has stopped: a request timed out, its queue is broken (see fault()), the device set "
                   "DEVICE_NEEDS_RESET (§2.1.2) or was reset by others, or the transport was probed again or "
                   "overwritten. Ask diagnose() which. Call reset(): it hands back every request in flight.";
        case Error::transport_not_probed:
            return "The transport has no device yet. Call its probe() first, and check the result.";
        case Error::wrong_device_type:
            return "The device is of another type than this driver. Compare device_id() of the transport with the "
                   "driver's device_type, and give each device a transport of its own.";
        case Error::nothing_offered:
            return "The device offers no feature at all, yet its status register keeps what is written: this is memory, "
                   "not registers. Check whether a BAR overlaps RAM (a wrong PciWindow), and whether the mapping is that "
                   "of the BAR.";
        case Error::feature_required_not_offered:
            return "The driver needs a feature that the device does not offer, or this library does not implement: see "
                   "negotiation().missing. Check the device's options (QEMU: `-global virtio-mmio.force-legacy=false`, "
                   "for PCI disable-legacy=on; packed=on for a Packed queue; iommu_platform=off).";
        case Error::feature_prerequisite_missing:
            return "A wanted feature needs another one that was not accepted (§2.2.1). Ask for both or neither.";
        case Error::status_not_kept:
            return "The status register does not keep what is written: these are not the device's registers. Check where "
                   "they are mapped (device memory, uncached). On PCI keep each mapping of map_device_memory().";
        case Error::features_refused:
            return "The device refused the accepted features: FEATURES_OK did not stay set. Compare offered and "
                   "negotiated in negotiation(). If the device insists on ACCESS_PLATFORM, switch it off (QEMU: "
                   "iommu_platform=off).";
        case Error::config_unstable: return "The configuration changed during every read of it. Try again later.";
        case Error::zoned_host_managed:
            return "The disk is host-managed zoned (VIRTIO_BLK_Z_HM), which this driver does not support. Attach another "
                   "one.";

        case Error::not_initialised:
            return "The driver is not initialised: init() was not called, or it failed. If it failed, first do what "
                   "describe() of its error says. Then call init().";
        case Error::read_only:
            return "The disk is read-only (VIRTIO_BLK_F_RO). Attach it writable (QEMU: readonly=off), or do not "
                   "write.";
        case Error::beyond_capacity:
            return "The request reaches beyond the end of the disk: compare it with capacity_sectors(). Count in sectors "
                   "of 512 bytes, whatever block_bytes() returns, and give no byte offset.";
        case Error::length_not_block_multiple:
            return "The sector or the length is no multiple of the disk's block size (block_bytes(), 512 if it reports "
                   "none), or the length is 0. Round them.";
        case Error::request_above_queue:
            return "The request takes more descriptors than the queue has: its segments, and two for each part. Without "
                   "SEG_MAX a part has one data segment. Split it, use an N of at least that, or a blocking call, which "
                   "sends part by part.";
        case Error::device_limits_too_small:
            return "One request of the device takes no whole block of these segments, or with LongRequest::refuse not all "
                   "of them. Compare part_limit(). Make each segment a multiple of block_bytes(), set "
                   "BlockOption::data_segments, or split the request.";
        case Error::no_such_queue: return "The driver has no queue of this number. Compare it with queue_count().";
        case Error::dma_map_failed:
            return "The kernel's DMA mapper could not map the data (no bounce buffer, no room in the IOMMU). Nothing "
                   "stays mapped. Wait for completions, then try again.";
        case Error::not_supported:
            return "The device does not know this request. Ask the driver first what the device can do. If it can do "
                   "this, the request was overwritten: check whether its pages were handed out twice.";
        case Error::io_error: return "The device reported an error. Look at the host's log of the device.";
        case Error::status_invalid:
            return "The device completed the request without a status. Do not use the data. Check Pages::phys of all "
                   "pages of the allocator: did the device write it elsewhere? If a disk request has several data "
                   "segments, set BlockOption::data_segments to 1: the device may take only one. Otherwise the device "
                   "is faulty.";
        case Error::short_read:
            return "The device reported success, but a used length below what was asked for. Do not use the rest of the "
                   "buffer (§2.7.8.3). Ask again, in smaller pieces. For a device that reports lengths wrongly, set "
                   "BlockOption::under_reported or QueueOption::over_reported.";
        case Error::timed_out:
            return "The device did not answer within the poll limit, which may be small. Ask diagnose() what it waits "
                   "for. The request's data still belongs to the device: call reset() before you use it.";
        case Error::request_cancelled:
            return "The device was reset before it finished this request, or a Tflush ended it (9P); what it did is unknown. Send "
                   "it again.";
        case Error::answer_invalid:
            return "The device's answer is not one that its type permits. Ask driver_fault() of the driver which rule it "
                   "broke. Try again, or reset the device.";
        case Error::port_absent:
            return "The device has no port of this number now. Compare it with port_count(). Then wait until on_events() "
                   "reports that the port was added.";
        case Error::port_closed:
            return "The host has not opened this port, so output would be lost. Wait until on_events() reports that it was "
                   "opened, then write again.";
        case Error::packet_length_invalid:
            return "The packet is shorter than an Ethernet header (14 bytes), or longer than the device's MTU allows. Check "
                   "its segments. A longer packet has to be split, by the stack or by an offload.";
        case Error::offload_invalid:
            return "The offload does not fit the packet: its checksum would lie outside, or a packet to be split has no "
                   "partial checksum, no segment_bytes, or no header_bytes. Fill NetOffload in as its comments say.";
        case Error::command_refused:
            return "The device refused a command. Look at the host's log of the device, and check the arguments, for example "
                   "the number of addresses or of queue pairs.";
        case Error::no_such_pair: return "The card has no such pair of queues. Compare it with pair_count().";
        case Error::pair_not_in_use:
            return "The card has this pair of queues, but does not use it, so it would never send the packet. Call "
                   "use_pairs() first; after init and reset only pair 0 is in use.";
        case Error::mtu_above_buffers:
            return "A packet of the card's MTU does not fit the receive buffers. Raise buffer_bytes of NetTraits (or N, if "
                   "the card merges buffers), or name MTU in DriverOption::unwanted.";
        case Error::message_invalid:
            return "The 9P message cannot be sent. Its size field must count the message and the data that is sent. The message "
                   "has 7 to request_bytes of P9Traits, and the answer 11 to answer_bytes. Put the rest into the data.";
        case Error::no_such_display: return "The device has no such display. Compare it with display_count().";
        case Error::no_such_picture:
            return "There is no such picture: it was destroyed, or the device was reset since. Call create() again.";
        case Error::picture_invalid:
            return "The picture has no pixels, or more than 16384 a side; or its memory is too small, or has an empty piece or "
                   "more than GpuTraits::segment_max. Or a Framebuffer has another size. Or a cursor is not 64 by 64, or "
                   "was not transferred. Check the sizes and the memory.";
        case Error::pictures_used_up:
            return "All pictures are in use. Call destroy() for one, or raise GpuTraits::picture_max.";
        case Error::rectangle_outside:
            return "The rectangle is empty, or not inside the picture. Clip it to the picture, for example with clipped().";
        case Error::device_out_of_memory:
            return "The device has no memory for this picture. Destroy others, or make it smaller.";
        default: return transport_sentence(error);
    }
}

/// As `error_sentence`, but empty for errors of other groups, and null above the last error of this one.
template <class Error, ErrorGroup group>
[[__nodiscard__]] constexpr char const* sentence_in(Error error) {
    if (group_of(error) == group) {
        return error_sentence(error);
    }
    for (unsigned above = static_cast<unsigned>(error) + 1; above < 256; ++above) {
        if (group_of(static_cast<Error>(above)) == group && error_sentence(static_cast<Error>(above)) != nullptr) {
            return "";
        }
    }
    return nullptr;
}

/// The descriptions of a group, in each kernel whose code has instantiated this.
template <class Error, ErrorGroup group>
inline constexpr Descriptions<sentence_in<Error, group>, 'E', chosen_wording> group_texts{};

}  // namespace virtq::detail
