// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/device/detail/driver_queue.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/queue/burst.hpp>

#include <stdint.h>

namespace virtq {

/// A buffer that the device has filled, as `PostedQueue::take` returns it.
struct FilledBuffer {
    uint16_t number = 0;                            ///< give it to `post` when the buffer has been looked at
    uint32_t bytes = 0;                             ///< how many bytes the device says it wrote: at most the buffer's
    CompletionState state = CompletionState::none;  ///< `ready`: the other members are valid

    /// Whether there is one, for `while (auto filled = queue.take())`.
    [[__nodiscard__]] constexpr explicit operator bool() const { return state == CompletionState::ready; }
};

/// A part of a driver: a queue that the device fills, for what it sends unasked. As many buffers of `Bytes` bytes as the
/// ring has descriptors, in pages of the driver's own.
///
/// **Invariant** Every buffer is with the device, or was taken and not posted again.
/// **Use** `take`, `copy`, `post` for each filled buffer, then `publish` once, and notify. Whatever is decided on is
/// copied first: the device may go on writing to a buffer that it has used.
/// **Threading** The caller serialises the calls. None waits.
template <uint32_t N, class Format, uint32_t Bytes>
class PostedQueue : public detail::DriverQueue<N, Format> {
    using Base = detail::DriverQueue<N, Format>;
    static_assert(Bytes != 0, "PostedQueue<N, Format, Bytes>: a buffer has at least one byte.");
    static_assert(uint64_t{N} * Bytes <= UINT32_MAX,
                  "PostedQueue<N, Format, Bytes>: all buffers together are above 4 GiB. Use a smaller N.");

public:
    using Base::ring;
    using Filled = FilledBuffer;                     ///< what `take` returns
    static constexpr uint32_t buffer_bytes = Bytes;  ///< of each buffer

    /// The most pages that it takes.
    [[__nodiscard__]] static constexpr uint32_t page_count(IndirectOption const& indirect = {}) {
        return Base::Ring::page_count(N, indirect) + detail::align_up(N * Bytes, page_bytes) / page_bytes;
    }

    /// For `DriverCore`: the buffers are the driver's own, whose addresses are the device's already.
    template <class Mapper>
    void set_mapper(Mapper*) {}
    /// Before `set_up` or `resume`: each buffer is given to the device in two pieces, the first of `bytes` bytes, so that there are
    /// half as many; 0: in one. Some legacy devices want their header so.
    void split_at(uint32_t bytes) { first_bytes_ = bytes; }

    /// For `DriverCore`: step 7 of §3.1.1, and the pages of the buffers. Then the device has all buffers.
    template <class T, PageAllocator Allocator>
    [[__nodiscard__]] Status set_up(DeviceInit<T>& init, uint16_t index, Allocator& allocator,
                                    Features const& negotiated, QueueOption const& option) {
        Status const made = init.set_up_queue(index, ring(), allocator, negotiated, option);
        if (!made) {
            return made;
        }
        room_ = ring_room();
        if (room_ == 0) {
            return init.fail(Error::queue_too_small);
        }
        if (Error const error = this->take_memory(allocator, room_ * Bytes); error != Error::none) {
            return init.fail(error);
        }
        post_all();
        return {};
    }
    /// For `DriverCore`: the same after a reset, in the pages that it has.
    template <class T>
    [[__nodiscard__]] Status resume(DeviceInit<T>& init, uint16_t index, Features const& negotiated,
                                    QueueOption const& option) {
        Status const made = init.resume_queue(index, ring(), negotiated, option);
        if (made) {
            this->zero_memory();
            post_all();
        }
        return made;
    }
    /// For `DriverCore`, after DRIVER_OK: the notification for the buffers that were posted before it (§3.1.1).
    [[__nodiscard__]] Notification first_notification() const { return first_; }
    /// For `DriverCore`: the device has stopped, and the buffers are the driver's again.
    void stop_with(Error) {
        ring().detach();
        first_ = {};
    }
    /// For `DriverCore`: these buffers have no tokens of the kernel's.
    template <class Each>
    void hand_back(Each&) {}
    /// For `DriverCore`: no call is refused.
    [[__nodiscard__]] Error last_error() const { return Error::none; }

    /// How many buffers the device has at most. After a reset the ring may have room for more than there are pages for.
    [[__nodiscard__]] uint16_t count() const { return ring_room() < room_ ? ring_room() : room_; }

    /// Takes the next buffer that the device has filled. It is the caller's until `post`.
    [[__nodiscard__]] FilledBuffer take() {
        Completion const completion = ring().take_used();
        return completion ? FilledBuffer{static_cast<uint16_t>(completion.token.value()), completion.written,
                                         completion.state}
                          : FilledBuffer{0, 0, completion.state};
    }

    /// Copies `bytes` bytes of a filled buffer, from `offset` on. Each byte is read once.
    void copy(FilledBuffer const& filled, uint32_t offset, void* to, uint32_t bytes) const {
        VIRTQ_ASSERT(
            offset <= filled.bytes && bytes <= filled.bytes - offset,
            "A driver copies more of a buffer than the device filled. Compare with FilledBuffer::bytes first.");
        platform::copy_out(to, data(filled) + offset, bytes);
    }
    /// The bytes themselves, which the device may still change: only for data that nothing is decided on.
    [[__nodiscard__]] uint8_t const* data(FilledBuffer const& filled) const {
        return this->virt(filled.number * Bytes);
    }

    /// Gives many buffers back and makes them visible at once: no `publish` after it.
    [[__nodiscard__]] Notification post_burst(Span<uint16_t const> numbers) {
        if (first_bytes_ != 0) {
            for (uint16_t const number : numbers) {
                post(number);
            }
            return this->publish();
        }
        auto const buffer = [&](size_t i) {
            return WritableBuffer{{{this->phys(numbers[i] * Bytes), Bytes}}, Token{uintptr_t{numbers[i]}}};
        };
        return ring().submit_burst(numbers.size(), buffer).notification;  // refuses only if the queue is broken
    }

    /// Gives a buffer back to the device, which sees it after `publish`.
    void post(uint16_t number) {
        // Fails only if the queue is broken: there are enough descriptors for all buffers.
        static_cast<void>(first_bytes_ == 0 ? post_whole(number) : post_split(number));
    }

private:
    [[__nodiscard__]] uint16_t ring_room() const {
        uint16_t const size = ring().size();
        return first_bytes_ == 0 ? size : static_cast<uint16_t>(size / 2);
    }
    [[__nodiscard__]] Status post_whole(uint16_t number) {
        Segment const writable[] = {{this->phys(number * Bytes), Bytes}};
        return ring().add(NoSegments{}, writable, Token{uintptr_t{number}});
    }
    [[__nodiscard__]] Status post_split(uint16_t number) {
        PhysAddr const begin = this->phys(number * Bytes);
        Segment const writable[] = {{begin, first_bytes_}, {begin + first_bytes_, Bytes - first_bytes_}};
        return ring().add(NoSegments{}, writable, Token{uintptr_t{number}});
    }

    void post_all() {
        for (uint16_t number = 0; number < count(); ++number) {
            post(number);
        }
        first_ = this->publish();
    }

    uint32_t first_bytes_ = 0;
    uint16_t room_ = 0;  ///< buffers that have pages
    Notification first_{};
};

}  // namespace virtq
