// SPDX-License-Identifier: MIT
//
// The code that one queue adds to a kernel's object file, depending on what the kernel calls. Compiled and measured,
// never run.
//
//   SIZE_FORMAT  Split, PlainSplit, Packed or AnyFormat
//   SIZE_TIER    1: chain tier, polled (init, release, add, publish, take_used); 2: with notifications of completions;
//                3: with the descriptor tier
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

using Queue = virtq::VirtQueue<256, virtq::SIZE_FORMAT>;
using Segments = virtq::Span<virtq::Segment const>;

struct Pages {
    virtq::Pages allocate_pages(size_t count);
    void free_pages(virtq::Pages pages);
};

virtq::Status drive_init(Queue& queue, Pages& pages, uint32_t size, virtq::Features const& features) {
    return queue.init(pages, size, features);
}
virtq::Status drive_release(Queue& queue, Pages& pages) {
    return queue.release(pages);
}
virtq::Status drive_add(Queue& queue, Segments readable, Segments writable, virtq::Token token) {
    return queue.add(readable, writable, token);
}
virtq::Notification drive_publish(Queue& queue) {
    return queue.publish();
}
virtq::Completion drive_take_used(Queue& queue) {
    return queue.take_used();
}

#if SIZE_TIER >= 2
virtq::MaySleep drive_enable(Queue& queue) {
    return queue.enable_used_notifications();
}
void drive_disable(Queue& queue) {
    queue.disable_used_notifications();
}
#endif

#if SIZE_TIER >= 3
virtq::Result<virtq::DescIndex> drive_alloc_desc(Queue& queue) {
    return queue.alloc_desc();
}
void drive_free_desc(Queue& queue, virtq::DescIndex desc) {
    queue.free_desc(desc);
}
void drive_free_chain(Queue& queue, virtq::DescIndex head) {
    queue.free_chain(head);
}
void drive_write_desc(Queue& queue, virtq::DescIndex desc, virtq::PhysAddr addr, uint32_t bytes, uint16_t flags,
                      virtq::DescIndex next) {
    queue.write_desc(desc, addr, bytes, flags, next);
}
virtq::Status drive_push_avail(Queue& queue, virtq::DescIndex head, virtq::Token token) {
    return queue.push_avail(head, token);
}
bool drive_has_used(Queue const& queue) {
    return queue.has_used();
}
virtq::UsedChain drive_poll_used(Queue& queue) {
    return queue.poll_used();
}
#endif
