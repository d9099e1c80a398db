// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/relax.hpp>
#include <virtq/queue/virtqueue.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

/// VIRTIO_F_RING_RESET, §2.6.1 (Virtqueue Reset): resets one queue while the others keep running. It is for a driver
/// that drives its queues itself; `BlockDevice` resets the whole device. The driver adds the bit to
/// `Negotiation::wanted`, and calls these functions only if it was negotiated.
///
/// **Devices in the field** QEMU 7.2 offers the bit on virtio-mmio without having the register; `reset_queue` detects
/// that. Its block device may keep writing to old buffers after a queue reset, which nobody can detect. There, only a
/// reset of the device gets buffers back.
///
/// ```
/// virtq::Status status = virtq::reset_queue(transport, 0, queue, virtq::PollLimit{1000}, relax);
/// if (status) { status = queue.drain(hand_back); }  // the tokens in flight, once each
/// if (status) { status = virtq::enable_queue_again(transport, 0, queue, queue.size(), negotiated); }
/// ```
namespace virtq {

/// Resets queue `index` of the device and polls until the device confirms it (§2.6.1.1.2). Then the queue is detached:
/// the device writes nothing any more, and `drain`, `restart` and `release` are allowed. Errors: `device_gone`, and
/// `queue_reset_failed` if the device does not confirm within the poll limit. After an error the device may still
/// write, and the queue is live as before: no token may be handed back before a reset of the device. Must not run
/// concurrently with calls on the queue, or with the transport's other set-up calls.
template <Transport T, uint32_t N, class Format, Relax R>
[[__nodiscard__]] Status reset_queue(T& transport, uint16_t index, VirtQueue<N, Format>& queue, PollLimit poll_limit,
                                     R& relax) {
    detail::bring_descriptions<detail::ErrorGroup::further_calls>();
    transport.reset_queue(index);
    for (uint32_t polls = 1; !transport.is_queue_reset(index); ++polls) {
        if (polls >= poll_limit.count) {
            return transport.status().is_gone() ? Error::device_gone : Error::queue_reset_failed;
        }
        relax();
    }
    queue.detach();
    return {};
}

/// Restarts a queue after its reset, in its own pages. Its size and its options may be others than before (§2.6.1.2).
/// Errors: those of `VirtQueue::restart`, `queue_size_above_maximum`, and `queue_not_accepted`.
template <Transport T, uint32_t N, class Format>
[[__nodiscard__]] Status enable_queue_again(T& transport, uint16_t index, VirtQueue<N, Format>& queue, uint32_t size,
                                            Features const& negotiated, QueueOption const& option = {}) {
    if (size > transport.queue_size_max(index)) {
        return Error::queue_size_above_maximum;
    }
    if (Status const restarted = queue.restart(size, negotiated, option); !restarted) {
        return restarted;
    }
    queue.attach();
    return transport.enable_queue(index, queue.addresses());
}

}  // namespace virtq
