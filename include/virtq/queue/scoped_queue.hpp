// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

namespace virtq {

/// A `VirtQueue` that gives its pages back when it goes out of scope. If the device may still write to the pages, it
/// leaks them instead and calls the allocator's `pages_leaked`.
///
/// Do not make it static: the destructor of a static object needs `__cxa_atexit`, which kernels lack.
template <uint32_t N, class Allocator, class Format = Split>
class ScopedQueue {
    static_assert(detail::check_page_allocator<Allocator>());
    static_assert(ReportsLeaks<Allocator>,
                  "ScopedQueue: the allocator needs pages_leaked(Pages), because a destructor has no other way to "
                  "report leaked pages: see virtq/platform/page_allocator.hpp");

public:
    /// Keeps `allocator` by reference, for `init` and the destructor.
    explicit ScopedQueue(Allocator& allocator) : allocator_(allocator) {}
    ScopedQueue(ScopedQueue const&) = delete;
    ScopedQueue& operator=(ScopedQueue const&) = delete;

    ~ScopedQueue() {
        if (!queue_.release(allocator_)) {
            allocator_.pages_leaked(queue_.pages());
            if (queue_.table_pages().virt != nullptr) {
                allocator_.pages_leaked(queue_.table_pages());
            }
        }
    }

    /// Calls `VirtQueue::init` with the constructor's allocator.
    [[__nodiscard__]] Status init(uint32_t size, Features const& features, QueueOption option = {}) {
        return queue_.init(allocator_, size, features, option);
    }

    /// The queue, for a function that takes a `VirtQueue&`.
    [[__nodiscard__]] VirtQueue<N, Format>& operator*() { return queue_; }
    /// For calls of the queue: `scoped->add(…)`.
    [[__nodiscard__]] VirtQueue<N, Format>* operator->() { return &queue_; }

private:
    Allocator& allocator_;
    VirtQueue<N, Format> queue_;
};

}  // namespace virtq
