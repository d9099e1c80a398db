// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/device/detail/block/block_queue.hpp>

#include <stdint.h>

namespace virtq::detail {

/// All request queues of a disk. `BlockDevice` tracks how many are in use.
template <uint32_t N, class Traits>
class BlockQueueSet {
public:
    using Queue = BlockQueue<N, Traits>;

    /// For an index that is known to be valid.
    [[__nodiscard__]] Queue& operator[](uint16_t queue) { return queues_[queue]; }

    /// For an index that the kernel gives.
    [[__nodiscard__]] Queue& at(uint16_t queue) { return queues_[checked(queue)]; }
    [[__nodiscard__]] Queue const& at(uint16_t queue) const { return queues_[checked(queue)]; }

    /// How many queues have pages. They get them in order, so these are the first ones.
    [[__nodiscard__]] uint16_t with_pages() const {
        uint16_t count = 0;
        while (count < Traits::queue_count_max && queues_[count].ring().size() != 0) {
            ++count;
        }
        return count;
    }

private:
    /// If assertions are compiled out, a wrong index means queue 0: no access is outside of the array.
    static uint16_t checked(uint16_t queue) {
        VIRTQ_ASSERT(queue < Traits::queue_count_max, "This disk has no such queue. Compare it with queue_count().");
        return queue < Traits::queue_count_max ? queue : 0;
    }

    Queue queues_[Traits::queue_count_max];
};

}  // namespace virtq::detail
