// SPDX-License-Identifier: MIT
#include <virtq/diag/take_snapshot.hpp>

#include <diag/queue_machine.hpp>
#include <queue/ring_pair.hpp>

namespace virtq::test {
namespace {

TEST(TakeSnapshot, IsEmptyBeforeInit) {
    VirtQueue<8> const queue;
    QueueSnapshot const seen = take_snapshot(queue);
    EXPECT_EQ(seen.size, 0);
    EXPECT_EQ(seen.outstanding(), 0);
}

TEST(TakeSnapshot, ShowsBothSidesOfEachIndex) {
    RingPair<> ring({.features = modern_event_idx(), .first_index = 65534});
    for (std::uintptr_t i = 0; i < 4; ++i) {
        ASSERT_TRUE(ring.add_writable(i).ok());
        if (i == 2) {
            static_cast<void>(ring.queue.publish());  // three of the four
        }
    }
    ring.device_uses_next();
    ring.device_uses_next();
    ASSERT_TRUE(ring.queue.take_used());
    ring.device->set_avail_event(77);
    ring.device->write_used_flags_raw(3);
    ring.device->scribble_used_event(99);
    ring.device->scribble_available_flags(5);
    ring.hostile = true;

    QueueSnapshot const seen = take_snapshot(ring.queue);
    EXPECT_EQ(seen.size, 8);
    EXPECT_EQ(seen.num_free, 5);
    EXPECT_TRUE(seen.live);
    EXPECT_TRUE(seen.event_idx);
    EXPECT_FALSE(seen.notifications_on);
    EXPECT_EQ(seen.added, RingIndex{2});
    EXPECT_EQ(seen.published, RingIndex{1});
    EXPECT_EQ(seen.decided, RingIndex{1});
    EXPECT_EQ(seen.taken, RingIndex{65535});
    EXPECT_EQ(seen.avail_idx, RingIndex{1});
    EXPECT_EQ(seen.avail_flags, 5);
    EXPECT_EQ(seen.used_event, RingIndex{99});
    EXPECT_EQ(seen.used_idx, RingIndex{0});
    EXPECT_EQ(seen.used_flags, 3);
    EXPECT_EQ(seen.avail_event, RingIndex{77});
    EXPECT_EQ(seen.outstanding(), 3);
    EXPECT_EQ(seen.offered(), 2);
    EXPECT_EQ(seen.answered(), 1);
    EXPECT_TRUE(seen.is_used_idx_believable());
    EXPECT_EQ(seen.addresses.descriptor_area, ring.queue.phys_desc());
}

}  // namespace
}  // namespace virtq::test
