// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/bit.hpp>
#include <virtq/device/init.hpp>
#include <virtq/platform/detail/page_run.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A ring and the pages of a driver's own buffers: what every queue of a driver has, whatever it is used for.
template <uint32_t N, class Format>
class DriverQueue {
public:
    using Ring = VirtQueue<N, Format>;

    [[__nodiscard__]] Ring& ring() { return ring_; }
    [[__nodiscard__]] Ring const& ring() const { return ring_; }

    /// Makes what was added visible to the device; see `VirtQueue::publish`.
    Notification publish() { return ring_.publish(); }

    static constexpr unsigned run_count = 3;
    /// Each run of pages: the ring, the ring's indirect tables, and the driver's own buffers.
    [[__nodiscard__]] Pages run(unsigned index) const {
        return index == 0 ? ring_.pages() : index == 1 ? ring_.table_pages() : memory_.run();
    }
    /// Whether this queue shares a page with `other`. With itself: whether two of its runs have a page in common.
    template <class Other>
    [[__nodiscard__]] bool shares_pages_with(Other const& other) const {
        for (unsigned own = 0; own < run_count; ++own) {
            for (unsigned one = 0; one < run_count; ++one) {
                bool const is_itself = static_cast<void const*>(this) == &other && own == one;
                if (!is_itself && share_pages(run(own), other.run(one))) {
                    return true;
                }
            }
        }
        return false;
    }

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
