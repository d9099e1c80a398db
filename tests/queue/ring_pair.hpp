// SPDX-License-Identifier: MIT
#pragma once

#include <support/contract.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <sim/guest_memory.hpp>
#include <sim/split_queue.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

/// A driver's queue and the device's side of it, over the same simulated memory. Most tests of the ring use it.
namespace virtq::test {

inline Features modern() {
    return Features::of(spec::Feature::version_1);
}
inline Features modern_event_idx() {
    return Features::of(spec::Feature::version_1, spec::Feature::event_idx);
}
inline Features legacy() {
    return {};
}

inline std::uint16_t flag(spec::DescFlag bit) {
    return static_cast<std::uint16_t>(bit);
}

struct RingSetup {
    Features features = modern();
    std::uint32_t size = 8;
    std::uint16_t first_index = 0;
    OverReportedLength over_reported = OverReportedLength::break_queue;
};

template <std::uint32_t N = 8, class Format = Split>
class RingPair {
public:
    explicit RingPair(RingSetup const& setup = {}) {
        QueueOption option;
        option.over_reported = setup.over_reported;
        option.first_index = RingIndex{setup.first_index};
        Status const up = queue.init(memory, setup.size, setup.features, option);
        EXPECT_TRUE(up.ok()) << describe(up.error());
        sim::SplitQueueConfig config;
        config.size = queue.size();
        config.descriptor_area = queue.phys_desc();
        config.driver_area = queue.phys_avail();
        config.device_area = queue.phys_used();
        config.event_idx = setup.features.has(spec::Feature::event_idx);
        config.start_index = setup.first_index;
        bool const is_legacy = !setup.features.has(spec::Feature::version_1);
        config.order = is_legacy ? sim::guest_order : sim::ByteOrder::little;
        device = std::make_unique<sim::SplitQueue>(memory, config);
    }

    ~RingPair() {
        queue.detach();
        EXPECT_TRUE(queue.release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        if (!hostile) {
            EXPECT_TRUE(memory.violations().empty()) << memory.violations();
        }
    }

    /// A new buffer, as a segment.
    Segment buffer(std::uint32_t bytes) { return {memory.allocate_buffer(bytes).phys, bytes}; }

    /// Adds a chain of one device-writable segment.
    Status add_writable(std::uintptr_t token, std::uint32_t bytes = 64) {
        Segment const writable[] = {buffer(bytes)};
        return queue.add({}, writable, Token{token});
    }

    /// The device fetches the next chain and uses it with `length` bytes written. Returns its head.
    std::uint16_t device_uses_next(std::uint32_t length = 0) {
        auto const chain = device->fetch();
        EXPECT_TRUE(chain.has_value());
        device->use(chain->head, length);
        return chain->head;
    }

    sim::GuestMemory memory;
    VirtQueue<N, Format> queue;
    std::unique_ptr<sim::SplitQueue> device;
    bool hostile = false;  ///< the test breaks rules on purpose
};

}  // namespace virtq::test
