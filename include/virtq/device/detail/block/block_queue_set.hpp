// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/device/detail/block/block_queue.hpp>

#include <stdint.h>

namespace virtq::detail {

/// All request queues of a disk, and what is done to all of them at once. BlockDevice tracks how many are in use.
template <uint32_t N, class Traits>
class BlockQueueSet {
public:
    using Queue = BlockQueue<N, Traits>;

    /// For an index that is known to be valid.
    [[__nodiscard__]] Queue& operator[](uint16_t queue) { return queues_[single ? 0 : queue]; }

    /// For an index that the kernel gives.
    [[__nodiscard__]] Queue& at(uint16_t queue) { return queues_[checked(queue)]; }
    [[__nodiscard__]] Queue const& at(uint16_t queue) const { return queues_[checked(queue)]; }

    /// Whether the device may write to the pages of any queue.
    [[__nodiscard__]] bool any_live() const {
        for (Queue const& queue : queues_) {
            if (queue.ring().is_live()) {
                return true;
            }
        }
        return false;
    }

    /// How many queues have pages. They get them in order, so these are the first ones.
    [[__nodiscard__]] uint16_t with_pages() const {
        uint16_t count = 0;
        while (count < Traits::queue_count_max && queues_[count].ring().size() != 0) {
            ++count;
        }
        return count;
    }

    /// Whether queue `index` has a page twice, or shares one with a queue before it.
    [[__nodiscard__]] bool shares_pages(uint16_t index) const {
        for (uint16_t other = 0; other <= index; ++other) {
            if (queues_[index].shares_pages_with(queues_[other])) {
                return true;
            }
        }
        return false;
    }

    /// Ends everything in flight with `error`. The device must have stopped.
    void stop_all(Error error) {
        for (Queue& queue : queues_) {
            queue.ring().detach();
            queue.cancel(error);
        }
    }

    /// Calls `each(BlockCompletion)` for every request that has ended and was not handed out.
    template <class Each>
    void hand_back(Each& each) {
        for (Queue& queue : queues_) {
            for (BlockCompletion ended = queue.take_finished(); ended.state == CompletionState::ready;
                 ended = queue.take_finished()) {
                each(ended);
            }
        }
    }

    /// Gives all pages back. The device must have stopped, or must never have got a queue.
    template <PageAllocator Allocator>
    void release(Allocator& allocator) {
        for (Queue& queue : queues_) {
            queue.release(allocator);
        }
    }

private:
    /// If assertions are compiled out, a wrong index means queue 0: no access is outside of the array.
    static uint16_t checked(uint16_t queue) {
        VIRTQ_ASSERT(queue < Traits::queue_count_max, "This disk has no such queue. Compare it with queue_count().");
        return queue < Traits::queue_count_max ? queue : 0;
    }

    static constexpr bool single = Traits::queue_count_max == 1;  // then nothing has to be computed

    Queue queues_[Traits::queue_count_max];
};

}  // namespace virtq::detail
