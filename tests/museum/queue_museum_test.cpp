// SPDX-License-Identifier: MIT
#include <queue/ring_pair.hpp>
#include <virtq/queue/packed.hpp>

#include <atomic>
#include <cstdint>
#include <thread>

/// Bugs that drivers in the field had in their virtqueues. `tests/museum/write` makes the table in README.md from the
/// comments: Was (what went wrong), Hit (who, and the source), Here (the effect with virtq).
namespace virtq::test {
namespace {

/// A queue with two chains in flight: descriptors 0, 1 and 2, and descriptor 3.
class MuseumQueue {
public:
    MuseumQueue() {
        ring.hostile = true;
        Segment const readable[] = {ring.buffer(16), ring.buffer(16)};
        Segment const writable[] = {ring.buffer(64)};
        EXPECT_TRUE(ring.queue.add(readable, writable, Token{std::uintptr_t{1}}).ok());
        EXPECT_TRUE(ring.queue.add({}, writable, Token{std::uintptr_t{2}}).ok());
        EXPECT_TRUE(ring.queue.publish().needed);
    }
    void use(std::uint32_t id, std::uint32_t length) {
        ring.device->put_used_raw(id, length);
        ring.device->flush_used();
    }
    void expect_broken(FaultReason reason, std::uint32_t value) {
        EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
        EXPECT_EQ(ring.queue.fault().reason, reason);
        EXPECT_EQ(ring.queue.fault().value, value);
    }
    RingPair<> ring;
};

// Was: the used ring followed the entries of the available ring, without space for its header and event word.
// Hit: managarm, https://github.com/managarm/managarm/commit/bdaeb6bc3
// Here: impossible: there is one layout, and static assertions check its sums
TEST(Museum, used_ring_offset_without_header) {
    for (std::uint32_t size = 1; size <= 32768; size *= 2) {
        SplitLayout const layout{size};
        EXPECT_GE(layout.used_ring_offset(), 16 * size + (4 + 2 * size + 2)) << size;
    }
    // 2048 descriptors and entries fill nine pages to the last byte, so the header needs a tenth.
    EXPECT_EQ(SplitLayout{2048}.used_ring_offset(), 10u * 4096u);
    RingPair<2048> ring({.size = 2048, .first_index = 2040});
    for (std::uintptr_t token = 0; token < 20; ++token) {
        ASSERT_TRUE(ring.add_writable(token, 16).ok());
        static_cast<void>(ring.queue.publish());
        ring.device_uses_next(16);
        ASSERT_EQ(ring.queue.take_used().token.value(), token);
    }
    EXPECT_EQ(ring.device->used_flags(), 0u);
}

// Was: the rings had no space for the event words, and the device wrote avail_event over other memory.
// Hit: rust-hypervisor-firmware, https://github.com/cloud-hypervisor/rust-hypervisor-firmware/pull/34
// Here: impossible: the layout has both words, whatever was negotiated
TEST(Museum, event_idx_tail_not_reserved) {
    for (std::uint32_t size = 1; size <= 32768; size *= 2) {
        SplitLayout const layout{size};
        EXPECT_LE(layout.used_ring_offset() + layout.avail_event_offset() + 2, layout.page_count() * page_bytes);
        EXPECT_LE(layout.available_ring_offset() + layout.used_event_offset() + 2, layout.used_ring_offset());
    }
    RingPair<8> ring;  // without EVENT_IDX
    ASSERT_TRUE(ring.add_writable(1).ok());
    ASSERT_TRUE(ring.queue.publish().needed);
    ring.device->write_avail_event_raw(0xffff);
    ring.device_uses_next(64);
    EXPECT_EQ(ring.queue.take_used().written, 64u);
}

// Was: nothing ordered the new available index before the read of the used flags: device and driver both waited.
// Hit: Hermit, https://github.com/hermit-os/kernel/pull/2669
// Here: impossible: publish() contains the full fence of §2.7.13.4.1; tests/order checks it and others
TEST(Museum, avail_publish_vs_flag_read) {
    RingPair<8> ring;
    Segment const writable[] = {ring.buffer(64)};
    constexpr unsigned rounds = 6000;
    std::atomic<unsigned> begun{0};
    std::atomic<unsigned> ended{0};
    auto const await = [](std::atomic<unsigned> const& counter, unsigned round) {
        for (unsigned spins = 0; counter.load() != round; ++spins) {
            if (spins > 1000) {
                std::this_thread::yield();
            }
        }
    };
    bool seen = false;
    // The device requests notifications, and then polls once more.
    std::thread device([&] {
        for (unsigned round = 1; round <= rounds; ++round) {
            await(begun, round);
            seen = ring.device->arm_avail_event();
            ended.store(round);
        }
    });
    unsigned lost = 0;
    for (unsigned round = 1; round <= rounds; ++round) {
        ring.device->set_no_notify(true);
        EXPECT_TRUE(ring.queue.add({}, writable, Token{std::uintptr_t{round}}).ok());
        begun.store(round);
        for (std::atomic<unsigned> delay{0}; delay.load() < round % 64; ++delay) {
        }  // varies the time, so that both sides sometimes act at once
        bool const notified = ring.queue.publish().needed;
        await(ended, round);
        lost += notified || seen ? 0 : 1;
        ring.device_uses_next(0);
        static_cast<void>(ring.queue.take_used());
    }
    device.join();
    EXPECT_EQ(lost, 0u);
}

// Was: the driver assumed that chains complete in order, and freed descriptors of others.
// Hit: Nanos, https://github.com/nanovms/nanos/pull/633
// Here: impossible: a completion comes with the token of its own chain
TEST(Museum, out_of_order_completion) {
    RingPair<> ring;
    for (std::uintptr_t token = 1; token <= 3; ++token) {
        ASSERT_TRUE(ring.add_writable(token).ok());
    }
    static_cast<void>(ring.queue.publish());
    std::uint16_t const first = ring.device->fetch()->head;
    std::uint16_t const second = ring.device->fetch()->head;
    std::uint16_t const third = ring.device->fetch()->head;
    ring.device->use(third, 30);
    ring.device->use(first, 10);
    for (auto const& [token, written] : {std::pair{3u, 30u}, std::pair{1u, 10u}}) {
        Completion const done = ring.queue.take_used();
        EXPECT_EQ(done.token.value(), token);
        EXPECT_EQ(done.written, written);
    }
    ASSERT_TRUE(ring.add_writable(4).ok());  // does not touch the second chain, which the device has
    static_cast<void>(ring.queue.publish());
    ring.device->use(second, 20);
    EXPECT_EQ(ring.queue.take_used().token.value(), 2u);
}

// Was: the driver sent a descriptor of length 0, and the device never touched the queue again.
// Hit: sDDF, https://github.com/au-ts/sddf/issues/740
// Here: diagnosed: add() returns segment_empty and changes nothing
TEST(Museum, zero_length_buffer) {
    RingPair<> ring;
    Segment const with_nothing[] = {ring.buffer(16), Segment{PhysAddr{0x1000}, 0}};
    EXPECT_EQ(ring.queue.add(with_nothing, {}, Token{}).error(), Error::segment_empty);
    EXPECT_EQ(ring.queue.add({}, with_nothing, Token{}).error(), Error::segment_empty);
    EXPECT_EQ(ring.queue.num_free(), 8u);
    EXPECT_FALSE(ring.queue.publish().needed);
    EXPECT_FALSE(ring.device->fetch().has_value());
}

// Was: the driver added a chain without a buffer, and wrote its callback to entry 65535 of an array.
// Hit: Zephyr, https://github.com/zephyrproject-rtos/zephyr/pull/115008
// Here: diagnosed: add() returns chain_empty and changes nothing
TEST(Museum, empty_chain) {
    RingPair<> ring;
    EXPECT_EQ(ring.queue.add({}, {}, Token{}).error(), Error::chain_empty);
    EXPECT_EQ(ring.queue.num_free(), 8u);
    EXPECT_FALSE(ring.queue.publish().needed);
    EXPECT_FALSE(ring.device->fetch().has_value());
}

// Was: the driver compared the index with avail_event as numbers, so a batch across 65535 sent no notification.
// Hit: virtio-drivers, https://github.com/rcore-os/virtio-drivers/blob/9742c44/src/queue.rs (read, not run)
// Here: impossible: indices are a type, and one function compares them modulo 2^16
TEST(Museum, event_idx_wrap_batch) {
    for (std::uint16_t event = 65533; event != 1; ++event) {
        RingPair<> ring({.features = modern_event_idx(), .first_index = 65533});
        ring.device->set_avail_event(event);
        for (std::uintptr_t token = 0; token < 4; ++token) {  // 65533, 65534, 65535, 0
            ASSERT_TRUE(ring.add_writable(token).ok());
        }
        EXPECT_TRUE(ring.queue.publish().needed) << event;
    }
}

// Was: the driver used the id in the used ring unchecked, as an index into its arrays.
// Hit: Intel MigTD, https://github.com/intel/MigTD/pull/986
// Here: diagnosed: the queue is broken, with reason and value, and no memory is touched
TEST(Museum, used_id_forged) {
    for (std::uint32_t const id : {8u, 0xffffu, 0x10003u, 0xffffffffu}) {
        MuseumQueue queue;
        queue.use(id, 0);
        queue.expect_broken(FaultReason::used_id_out_of_range, id);
    }
}

// Was: the driver freed a chain twice that was completed twice.
// Hit: Intel MigTD, https://github.com/intel/MigTD/pull/986
// Here: diagnosed: the queue is broken, and the token came back once
TEST(Museum, used_id_replayed) {
    MuseumQueue queue;
    queue.use(3, 64);
    EXPECT_EQ(queue.ring.queue.take_used().token.value(), 2u);
    queue.use(3, 64);
    queue.expect_broken(FaultReason::used_id_not_in_flight, 3);
}

// Was: the driver accepted a descriptor in the middle of a chain as its head.
// Hit: Intel MigTD, https://github.com/intel/MigTD/pull/986
// Here: diagnosed: the driver knows the heads in flight without the ring
TEST(Museum, used_id_mid_chain) {
    MuseumQueue queue;
    queue.use(1, 0);
    queue.expect_broken(FaultReason::used_id_not_in_flight, 1);
}

// Was: the driver trusted the device's used length, which exceeded the buffer.
// Hit: Intel MigTD, https://github.com/intel/MigTD/pull/986
// Here: diagnosed: the queue is broken; an option, or a legacy device, makes it clamp the length instead
TEST(Museum, used_len_overreported) {
    MuseumQueue queue;
    queue.use(0, 65);  // 64 of 96 bytes are writable
    queue.expect_broken(FaultReason::used_length_above_writable, 65);
    RingPair<> lenient({.over_reported = OverReportedLength::clamp});
    lenient.hostile = true;
    ASSERT_TRUE(lenient.add_writable(1, 64).ok());
    static_cast<void>(lenient.queue.publish());
    lenient.device->put_used_raw(0, 65);
    lenient.device->flush_used();
    EXPECT_EQ(lenient.queue.take_used().written, 64u);
}

// Was: the queue was broken, or the disk given up, and a loop in a handler took "look again" for an answer for ever.
// Hit: outsiders who tried virtq
// Here: impossible: enable_used_notifications() has a third answer, MaySleep::broken, which ends the loop
TEST(Museum, loop_over_a_broken_queue) {  // faults A4
    MuseumQueue queue;
    queue.use(9, 0);
    unsigned turns = 0;
    do {
        queue.ring.queue.disable_used_notifications();
        while (queue.ring.queue.take_used()) {
        }
    } while (queue.ring.queue.enable_used_notifications() == MaySleep::no && ++turns != 100);
    EXPECT_LT(turns, 100u);
    EXPECT_EQ(queue.ring.queue.enable_used_notifications(), MaySleep::broken);
}

}  // namespace
}  // namespace virtq::test
