// SPDX-License-Identifier: MIT
#include <queue/ring_pair.hpp>

#include <cstdint>

/// Notification suppression both ways, by flags and by event index (§2.7.7, §2.7.10).
namespace virtq::test {
namespace {

TEST(AvailNotification, IsSentUnlessUsedFlagsForbid) {
    RingPair<> ring;
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_TRUE(ring.queue.publish().needed);
    ring.device->set_no_notify(true);
    ASSERT_TRUE(ring.add_writable(2).ok());
    EXPECT_FALSE(ring.queue.publish().needed);
    ring.device->set_no_notify(false);
    ASSERT_TRUE(ring.add_writable(3).ok());
    EXPECT_TRUE(ring.queue.publish().needed);
}

TEST(AvailNotification, IgnoresAvailEventWithoutEventIdx) {
    RingPair<> ring;
    ring.device->write_avail_event_raw(1000);
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_TRUE(ring.queue.publish().needed);
}

TEST(AvailNotification, IgnoresOtherUsedFlags) {
    RingPair<> ring;
    ring.device->write_used_flags_raw(0xfffe);
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_TRUE(ring.queue.publish().needed);
}

TEST(AvailNotification, IgnoresUsedFlagsWithEventIdx) {
    RingPair<> ring({.features = modern_event_idx()});
    ring.device->write_used_flags_raw(1);
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_TRUE(ring.queue.publish().needed);  // avail_event is 0, the entry's index is 0
}

TEST(AvailNotification, IsSentForTheFirstChain) {
    for (std::uint16_t const first : {std::uint16_t{0}, std::uint16_t{65530}}) {
        sim::GuestMemory memory;
        VirtQueue<8> queue;
        QueueOption option;
        option.first_index = RingIndex{first};
        ASSERT_TRUE(queue.init(memory, 8, modern_event_idx(), option).ok());
        Segment const segment[] = {{memory.allocate_buffer(16).phys, 16}};
        ASSERT_TRUE(queue.add(segment, {}, Token{}).ok());
        EXPECT_TRUE(queue.publish().needed);  // the device has written nothing yet
        queue.detach();
        EXPECT_TRUE(queue.release(memory).ok());
    }
}

TEST(AvailNotification, IsSentWhenPassingAvailEvent) {
    RingPair<> ring({.features = modern_event_idx()});
    ring.device->set_avail_event(2);
    ASSERT_TRUE(ring.add_writable(1).ok());
    ASSERT_TRUE(ring.add_writable(2).ok());
    EXPECT_FALSE(ring.queue.publish().needed);  // entries 0 and 1
    ASSERT_TRUE(ring.add_writable(3).ok());
    EXPECT_TRUE(ring.queue.publish().needed);  // entry 2
    ASSERT_TRUE(ring.add_writable(4).ok());
    EXPECT_FALSE(ring.queue.publish().needed);  // entry 3
}

// rcore-os/virtio-drivers, cloud-hypervisor#2179: wrong for a batch that crosses 65535.
TEST(AvailNotification, IsRightAcrossTheIndexWrap) {
    for (std::uint16_t event = 65525; event != 5; ++event) {
        RingPair<> ring({.features = modern_event_idx(), .first_index = 65530});
        ring.device->set_avail_event(event);
        for (std::uintptr_t i = 0; i < 8; ++i) {
            ASSERT_TRUE(ring.add_writable(i).ok());
        }
        bool const inside = static_cast<std::uint16_t>(event - 65530) < 8;  // entries 65530 to 65535, 0 and 1
        EXPECT_EQ(ring.queue.publish().needed, inside) << event;
    }
}

TEST(UsedNotification, IsOffAfterInit) {
    RingPair<> by_flags;
    EXPECT_EQ(by_flags.device->avail_flags(), 1);
    ASSERT_TRUE(by_flags.add_writable(1).ok());
    ASSERT_TRUE(by_flags.queue.publish().needed);
    by_flags.device_uses_next();
    EXPECT_FALSE(by_flags.device->needs_interrupt());

    RingPair<> by_event({.features = modern_event_idx()});
    EXPECT_EQ(by_event.device->avail_flags(), 0);
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(by_event.add_writable(1).ok());
        static_cast<void>(by_event.queue.publish());
        by_event.device_uses_next();
        EXPECT_FALSE(by_event.device->needs_interrupt()) << i;
        ASSERT_TRUE(by_event.queue.take_used());
    }
}

class UsedNotificationEither : public ::testing::TestWithParam<bool> {
protected:
    [[nodiscard]] static RingSetup setup(std::uint16_t first = 0) {
        return {.features = GetParam() ? modern_event_idx() : modern(), .first_index = first};
    }
};

TEST_P(UsedNotificationEither, ComesForTheNextUsedBuffer) {
    for (std::uint16_t const first : {std::uint16_t{0}, std::uint16_t{65533}, std::uint16_t{65535}}) {
        RingPair<> ring(setup(first));
        for (std::uintptr_t i = 0; i < 8; ++i) {
            ASSERT_TRUE(ring.add_writable(i).ok());
        }
        static_cast<void>(ring.queue.publish());
        for (int i = 0; i < 8; ++i) {
            EXPECT_EQ(ring.queue.enable_used_notifications(), MaySleep::yes);
            ring.device_uses_next();
            EXPECT_TRUE(ring.device->needs_interrupt()) << first << " " << i;
            ring.queue.disable_used_notifications();
            EXPECT_TRUE(ring.queue.take_used());
        }
    }
}

TEST_P(UsedNotificationEither, ForbidsSleepWithCompletionsToTake) {
    RingPair<> ring(setup());
    ASSERT_TRUE(ring.add_writable(1).ok());
    ASSERT_TRUE(ring.add_writable(2).ok());
    static_cast<void>(ring.queue.publish());
    ring.device_uses_next();
    EXPECT_EQ(ring.queue.enable_used_notifications(), MaySleep::no);
    ASSERT_TRUE(ring.queue.take_used());
    EXPECT_EQ(ring.queue.enable_used_notifications(), MaySleep::yes);
}

TEST_P(UsedNotificationEither, StaysOnWhileDriverTakes) {
    RingPair<> ring(setup());
    ASSERT_EQ(ring.queue.enable_used_notifications(), MaySleep::yes);
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(ring.add_writable(1).ok());
        static_cast<void>(ring.queue.publish());
        ring.device_uses_next();
        EXPECT_TRUE(ring.device->needs_interrupt()) << i;
        ASSERT_TRUE(ring.queue.take_used());
        ASSERT_EQ(ring.queue.take_used().state, CompletionState::none);
    }
}

TEST_P(UsedNotificationEither, StopsWhenDisabled) {
    RingPair<> ring(setup());
    ASSERT_EQ(ring.queue.enable_used_notifications(), MaySleep::yes);
    ASSERT_TRUE(ring.add_writable(1).ok());
    static_cast<void>(ring.queue.publish());
    ring.device_uses_next();
    ASSERT_TRUE(ring.device->needs_interrupt());
    ring.queue.disable_used_notifications();
    ASSERT_TRUE(ring.queue.take_used());
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(ring.add_writable(1).ok());
        static_cast<void>(ring.queue.publish());
        ring.device_uses_next();
        EXPECT_FALSE(ring.device->needs_interrupt()) << i;
        ASSERT_TRUE(ring.queue.take_used());
        ASSERT_EQ(ring.queue.take_used().state, CompletionState::none);
    }
}

TEST_P(UsedNotificationEither, ForbidsSleepOnABrokenQueue) {
    RingPair<> ring(setup());
    ring.hostile = true;
    ASSERT_TRUE(ring.add_writable(1).ok());
    static_cast<void>(ring.queue.publish());
    ring.device->write_used_idx_raw(5);
    ASSERT_EQ(ring.queue.take_used().state, CompletionState::broken);
    ring.device->write_used_idx_raw(0);
    EXPECT_EQ(ring.queue.enable_used_notifications(), MaySleep::broken);
}

INSTANTIATE_TEST_SUITE_P(Mechanism, UsedNotificationEither, ::testing::Bool(),
                         [](auto const& tested) { return tested.param ? "EventIdx" : "Flags"; });

}  // namespace
}  // namespace virtq::test
