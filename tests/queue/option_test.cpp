// SPDX-License-Identifier: MIT
#include <virtq/queue/option.hpp>

#include <queue/ring_pair.hpp>

#include <cstdint>

namespace virtq::test {
namespace {

TEST(QueueOption, DoesNotTrustTheDeviceByDefault) {
    QueueOption const option;
    EXPECT_EQ(option.over_reported, OverReportedLength::break_queue);
    EXPECT_EQ(option.first_index, RingIndex{0});
    EXPECT_EQ(option.indirect.tables + option.indirect.length + option.indirect.shortest, 0);
}

TEST(QueueOption, DecidesAboutALengthTooLarge) {
    for (OverReportedLength const over_reported : {OverReportedLength::break_queue, OverReportedLength::clamp}) {
        RingPair<> ring({.over_reported = over_reported});
        ring.hostile = true;
        ASSERT_TRUE(ring.add_writable(1, 64).ok());
        ASSERT_TRUE(ring.queue.publish());
        ring.device->put_used_raw(ring.device->fetch()->head, 65);
        ring.device->flush_used();
        Completion const done = ring.queue.take_used();
        if (over_reported == OverReportedLength::clamp) {
            EXPECT_EQ(done.state, CompletionState::ready);
            EXPECT_EQ(done.written, 64u);
        } else {
            EXPECT_EQ(done.state, CompletionState::broken);
        }
    }
}

// A device with restored state resumes elsewhere than at 0.
TEST(QueueOption, StartsTheRingsElsewhere) {
    RingPair<> ring({.first_index = 65535});
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_EQ(ring.queue.publish().next, 0);  // behind the wrap
    ring.device_uses_next();
    EXPECT_TRUE(ring.queue.take_used());
}

// One table for every fourth descriptor, 16 descriptors each: 16 tables of 256 bytes for a queue of 64.
TEST(QueueOption, SizesTheIndirectTables) {
    sim::GuestMemory memory;
    VirtQueue<64> queue;
    Features const features = modern() | Features::of(spec::Feature::indirect_desc);
    std::uint32_t const ring_pages = Split::ring_pages(64);
    ASSERT_TRUE(queue.init(memory, 64, features).ok());
    EXPECT_EQ(memory.pages_outstanding(), ring_pages + 1);
    ASSERT_TRUE(queue.release(memory).ok());
    ASSERT_TRUE(queue.init(memory, 64, features, {.indirect = {.tables = 8, .length = 64}}).ok());
    EXPECT_EQ(memory.pages_outstanding(), ring_pages + 2);
    ASSERT_TRUE(queue.release(memory).ok());
}

}  // namespace
}  // namespace virtq::test
