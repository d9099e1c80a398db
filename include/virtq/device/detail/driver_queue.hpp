// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/bit.hpp>
#include <virtq/device/init.hpp>
#include <virtq/platform/detail/page_run.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The page runs of one queue of a driver: its ring, the ring's indirect tables, and the driver's own buffers.
struct QueueRuns {
    static constexpr unsigned count = 3;
    Pages run[count];

    /// Whether a page is in two runs, of this queue and of `other`.
    [[__nodiscard__]] bool shares_pages_with(QueueRuns const& other) const {
        for (Pages const& own : run) {
            for (Pages const& one : other.run) {
                if (share_pages(own, one)) {
                    return true;
                }
            }
        }
        return false;
    }
    /// Whether a page is in two runs of this queue.
    [[__nodiscard__]] bool shares_pages() const {
        return share_pages(run[0], run[1]) || share_pages(run[0], run[2]) || share_pages(run[1], run[2]);
    }
};

/// A ring and the pages of a driver's own buffers: what every queue of a driver has, whatever it is used for.
template <uint32_t N, class Format>
class DriverQueue {
public:
    using Ring = VirtQueue<N, Format>;

    [[__nodiscard__]] Ring& ring() { return ring_; }
    [[__nodiscard__]] Ring const& ring() const { return ring_; }

    /// Makes what was added visible to the device; see `VirtQueue::publish`.
    Notification publish() { return ring_.publish(); }

    [[__nodiscard__]] QueueRuns runs() const { return {{ring_.pages(), ring_.table_pages(), memory_.run()}}; }

    /// Gives all pages back. The device must have stopped, or must never have got this queue.
    template <PageAllocator Allocator>
    void release(Allocator& allocator) {
        ring_.detach();
        static_cast<void>(ring_.release(allocator));  // cannot fail: the ring is detached
        if (memory_.held()) {
            memory_.give_back(allocator);
        }
    }

protected:
    /// Takes zeroed pages for `bytes` bytes of buffers; none for 0. Errors: those of `PageRun::take`.
    template <PageAllocator Allocator>
    [[__nodiscard__]] Error take_memory(Allocator& allocator, uint32_t bytes) {
        if (bytes == 0) {
            return Error::none;
        }
        Error const error = memory_.take(allocator, align_up(bytes, page_bytes) / page_bytes);
        if (error == Error::none) {
            memory_.zero();
        }
        return error;
    }
    [[__nodiscard__]] uint8_t* virt(uint32_t offset) const { return static_cast<uint8_t*>(memory_.virt()) + offset; }
    [[__nodiscard__]] PhysAddr phys(uint32_t offset) const { return memory_.phys() + offset; }
    void zero_memory() const {
        if (memory_.held()) {
            memory_.zero();
        }
    }

private:
    PageRun memory_;
    Ring ring_;
};

}  // namespace virtq::detail
