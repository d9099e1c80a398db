// SPDX-License-Identifier: MIT
//
// One queue with one set of features, driven for `cost`, which counts the instructions of the functions called drive_…
// and the bytes of the driver's code. Prints the bytes of the queue, and the pages of its ring and of its tables.
//
//   cost FEATURES COUNT REQUESTS BATCH     FEATURES of p (packed), e, i, o; COUNT segments a request
#include <virtq/queue/negotiated.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

#ifndef COST_FORMAT
#define COST_FORMAT Split
#endif

using Queue = virtq::VirtQueue<256, virtq::COST_FORMAT>;

#ifdef COST_DRIVER_ONLY

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

#endif

using Segments = virtq::Span<virtq::Segment const>;

[[gnu::noinline]] virtq::Status drive_add(Queue& queue, Segments readable, Segments writable, virtq::Token token) {
    return queue.add(readable, writable, token);
}
[[gnu::noinline]] virtq::Notification drive_publish(Queue& queue) {
    return queue.publish();
}
[[gnu::noinline]] virtq::Completion drive_take(Queue& queue) {
    return queue.take_used();
}

#ifndef COST_DRIVER_ONLY

#include <sim/guest_memory.hpp>
#include <sim/packed_queue.hpp>
#include <sim/split_queue.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace {

Queue queue;

template <class Device, class Config>
void drive(virtq::sim::GuestMemory& memory, Config config, char const* letters, unsigned count, unsigned requests,
           unsigned batch) {
    virtq::QueueAddresses const at = queue.addresses();
    config.size = at.size;
    config.descriptor_area = at.descriptor_area;
    config.driver_area = at.driver_area;
    config.device_area = at.device_area;
    config.event_idx = std::strchr(letters, 'e') != nullptr;
    config.indirect = std::strchr(letters, 'i') != nullptr;
    config.in_order = std::strchr(letters, 'o') != nullptr;
    Device device{memory, config};
    virtq::sim::Buffer const buffer = memory.allocate_buffer(4096);
    virtq::Segment segments[8];
    for (unsigned i = 0; i < 8; ++i) {
        segments[i] = {buffer.phys + 512 * i, 512};
    }
    for (unsigned done = 0; done < requests; done += batch) {
        for (unsigned i = 0; i < batch; ++i) {
            if (!drive_add(queue, {segments, 1}, {segments + 1, count - 1}, virtq::Token{uintptr_t{i}})) {
                std::abort();
            }
        }
        static_cast<void>(drive_publish(queue));
        for (unsigned i = 0; i < batch; ++i) {
            auto const chain = device.fetch();
            device.put_used(chain->head, 1);
        }
        device.flush_used();
        for (unsigned i = 0; i < batch; ++i) {
            if (!drive_take(queue)) {
                std::abort();
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        return 2;
    }
    using virtq::spec::Feature;
    virtq::Features features = virtq::Features::of(Feature::version_1);
    char const* const letters = argv[1];
    std::pair<char, Feature> const bits[] = {{'p', Feature::ring_packed},
                                             {'e', Feature::event_idx},
                                             {'i', Feature::indirect_desc},
                                             {'o', Feature::in_order}};
    for (auto const& [letter, bit] : bits) {
        if (std::strchr(letters, letter) != nullptr) {
            features.set(bit);
        }
    }
    virtq::sim::GuestMemory memory;
    if (!queue.init(memory, 256, features)) {
        return 1;
    }
    std::printf("%zu %zu %zu\n", sizeof(Queue), queue.pages().count, queue.table_pages().count);
    auto const count = static_cast<unsigned>(std::atoi(argv[2]));
    auto const requests = static_cast<unsigned>(std::atoi(argv[3]));
    auto const batch = static_cast<unsigned>(std::atoi(argv[4]));
    if (std::strchr(letters, 'p') != nullptr) {
        drive<virtq::sim::PackedQueue>(memory, virtq::sim::PackedQueueConfig{}, letters, count, requests, batch);
    } else {
        drive<virtq::sim::SplitQueue>(memory, virtq::sim::SplitQueueConfig{}, letters, count, requests, batch);
    }
    queue.detach();
    return queue.release(memory) ? 0 : 1;
}

#endif
