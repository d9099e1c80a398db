// SPDX-License-Identifier: MIT
#include <virtq/queue/fault.hpp>

#include <queue/ring_pair.hpp>

#include <cstdint>
#include <functional>

/// What the device can write, and the effect: the first invalid value breaks the queue, which keeps the reason and the
/// value.
namespace virtq::test {
namespace {

class DeviceViolation : public ::testing::Test {
protected:
    void SetUp() override {
        ring.hostile = true;
        Segment const readable[] = {ring.buffer(16), ring.buffer(16)};
        Segment const writable[] = {ring.buffer(64)};
        ASSERT_TRUE(ring.queue.add(readable, writable, Token{std::uintptr_t{1}}).ok());  // descriptors 0, 1, 2
        ASSERT_TRUE(ring.queue.add({}, writable, Token{std::uintptr_t{2}}).ok());        // descriptor 3
        ASSERT_TRUE(ring.queue.publish().needed);
    }

    void used(std::uint32_t id, std::uint32_t len) {
        ring.device->put_used_raw(id, len);
        ring.device->flush_used();
    }

    void expect_broken(FaultReason reason, std::uint32_t value) {
        EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
        expect_says_so(reason, value);
    }

    void expect_says_so(FaultReason reason, std::uint32_t value) {
        EXPECT_EQ(ring.queue.fault().reason, reason) << describe(ring.queue.fault().reason);
        EXPECT_EQ(ring.queue.fault().value, value);
        Segment const segment[] = {ring.buffer(16)};
        for (int i = 0; i < 2; ++i) {
            EXPECT_EQ(ring.queue.add(segment, {}, Token{}).error(), Error::queue_broken);
            EXPECT_EQ(ring.queue.alloc_desc().error(), Error::queue_broken);
            EXPECT_EQ(ring.queue.push_avail(DescIndex{0}).error(), Error::queue_broken);
            EXPECT_FALSE(ring.queue.publish().needed);
            EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
            EXPECT_EQ(ring.queue.poll_used().state, CompletionState::broken);
            EXPECT_TRUE(ring.queue.has_used());
            EXPECT_EQ(ring.queue.num_free(), 0);
        }
        EXPECT_EQ(ring.queue.fault().reason, reason);
        EXPECT_EQ(ring.queue.fault().value, value);
    }

    RingPair<> ring;
};

// intel/MigTD#986: a driver used ids from the device unchecked. https://github.com/intel/MigTD/pull/986
TEST_F(DeviceViolation, IdOutOfRangeBreaksQueue) {
    used(8, 0);
    expect_broken(FaultReason::used_id_out_of_range, 8);
}

TEST_F(DeviceViolation, HugeIdBreaksQueue) {
    used(0x1'0003, 0);  // 3 if it were truncated to 16 bits
    expect_broken(FaultReason::used_id_out_of_range, 0x1'0003);
}

TEST_F(DeviceViolation, MidChainIdBreaksQueue) {
    used(1, 0);
    expect_broken(FaultReason::used_id_not_in_flight, 1);
}

TEST_F(DeviceViolation, FreeIdBreaksQueue) {
    used(7, 0);
    expect_broken(FaultReason::used_id_not_in_flight, 7);
}

TEST_F(DeviceViolation, IdUsedTwiceBreaksQueue) {
    used(3, 10);
    used(3, 10);
    EXPECT_EQ(ring.queue.take_used().token.value(), 2u);
    expect_broken(FaultReason::used_id_not_in_flight, 3);
}

TEST_F(DeviceViolation, ExcessiveLengthBreaksQueue) {
    used(3, 65);
    expect_broken(FaultReason::used_length_above_writable, 65);
}

TEST_F(DeviceViolation, LengthCountsWritableBytesOnly) {
    used(0, 64);
    EXPECT_EQ(ring.queue.take_used().written, 64u);
}

TEST_F(DeviceViolation, IndexTooFarAheadBreaksQueue) {
    ring.device->write_used_idx_raw(3);
    expect_broken(FaultReason::used_index_ahead, 3);
}

TEST_F(DeviceViolation, IndexGoingBackBreaksQueue) {
    used(3, 10);
    ASSERT_TRUE(ring.queue.take_used());
    ring.device->write_used_idx_raw(0);
    expect_broken(FaultReason::used_index_ahead, 0);
}

TEST_F(DeviceViolation, IndexBeforeStartBreaksQueue) {
    ring.device->write_used_idx_raw(65535);
    expect_broken(FaultReason::used_index_ahead, 65535);
}

TEST_F(DeviceViolation, IndexOfUnpublishedChainsBreaksQueue) {
    ASSERT_TRUE(ring.add_writable(3).ok());
    ring.device->write_used_idx_raw(3);
    expect_broken(FaultReason::used_index_ahead, 3);
}

TEST_F(DeviceViolation, UnpublishedIdBreaksQueue) {
    ASSERT_TRUE(ring.add_writable(3).ok());  // descriptor 4
    ASSERT_TRUE(ring.add_writable(4).ok());  // descriptor 5
    used(4, 0);
    expect_broken(FaultReason::used_id_not_in_flight, 4);
}

TEST_F(DeviceViolation, IdIsAcceptedOncePublished) {
    ASSERT_TRUE(ring.add_writable(3).ok());
    ASSERT_TRUE(ring.add_writable(4).ok());
    used(3, 0);
    EXPECT_EQ(ring.queue.take_used().token.value(), 2u);
    static_cast<void>(ring.queue.publish());
    used(4, 0);
    used(5, 0);
    EXPECT_EQ(ring.queue.take_used().token.value(), 3u);
    EXPECT_EQ(ring.queue.take_used().token.value(), 4u);
}

TEST_F(DeviceViolation, PollUsedDetectsWrongId) {
    used(8, 0);
    EXPECT_EQ(ring.queue.poll_used().state, CompletionState::broken);
    expect_says_so(FaultReason::used_id_out_of_range, 8);
}

TEST_F(DeviceViolation, ExcessiveLengthOfPushBreaksQueue) {
    DescIndex const desc = *ring.queue.alloc_desc();
    ring.queue.write_desc(desc, ring.buffer(16).addr, 16, flag(spec::DescFlag::write));
    ASSERT_TRUE(ring.queue.push_avail(desc).ok());
    used(number(desc), 17);
    EXPECT_EQ(ring.queue.poll_used().state, CompletionState::broken);
    expect_says_so(FaultReason::used_length_above_writable, 17);
}

TEST_F(DeviceViolation, PollUsedDetectsExcessiveLength) {
    used(3, 65);
    EXPECT_EQ(ring.queue.poll_used().state, CompletionState::broken);
    expect_says_so(FaultReason::used_length_above_writable, 65);
}

TEST_F(DeviceViolation, PollUsedDetectsMidChainId) {
    used(2, 0);
    EXPECT_EQ(ring.queue.poll_used().state, CompletionState::broken);
    expect_says_so(FaultReason::used_id_not_in_flight, 2);
}

// Most drivers follow `next` in the table, which the device can rewrite.
TEST_F(DeviceViolation, DescriptorTableWritesChangeNothing) {
    for (std::uint16_t i = 0; i < 8; ++i) {
        ring.device->scribble_descriptor(i, {0xffff'ffff'ffff'ffff, 0xffff'ffff, 0xffff, 0xffff});
    }
    used(0, 64);
    used(3, 64);
    EXPECT_EQ(ring.queue.take_used().token.value(), 1u);
    EXPECT_EQ(ring.queue.take_used().token.value(), 2u);
    EXPECT_EQ(ring.queue.num_free(), 8);
    for (std::uintptr_t i = 0; i < 8; ++i) {
        EXPECT_TRUE(ring.add_writable(i).ok());
    }
}

TEST_F(DeviceViolation, AvailableRingWritesChangeNothing) {
    for (std::uint16_t i = 0; i < 8; ++i) {
        ring.device->scribble_available(i, 0xffff);
    }
    ring.device->scribble_available_idx(0x1234);
    ring.device->scribble_available_flags(0xffff);
    used(3, 64);
    EXPECT_EQ(ring.queue.take_used().token.value(), 2u);
    ASSERT_TRUE(ring.add_writable(3).ok());
    static_cast<void>(ring.queue.publish());
    EXPECT_EQ(ring.device->avail_idx(), 3);
    EXPECT_FALSE(ring.queue.fault());
}

TEST_F(DeviceViolation, OutlastsACorrection) {
    used(8, 0);
    used(3, 10);
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
    ring.device->write_used_raw(0, 0, 10);
    expect_says_so(FaultReason::used_id_out_of_range, 8);
    ring.device->write_used_raw(0, 9, 10);
    expect_says_so(FaultReason::used_id_out_of_range, 8);
}

TEST_F(DeviceViolation, EndsWithANewInit) {
    used(8, 0);
    ASSERT_EQ(ring.queue.take_used().state, CompletionState::broken);
    ring.queue.detach();
    ASSERT_TRUE(ring.queue.release(ring.memory).ok());
    ASSERT_TRUE(ring.queue.init(ring.memory, 8, modern()).ok());
    EXPECT_FALSE(ring.queue.fault());
    EXPECT_EQ(ring.queue.num_free(), 8);
    EXPECT_TRUE(ring.add_writable(1).ok());
}

TEST(OverReportedLength, IsClampedForALegacyDevice) {
    RingPair<> ring({.features = legacy()});
    ring.hostile = true;
    ASSERT_TRUE(ring.add_writable(1, 64).ok());
    ASSERT_TRUE(ring.queue.publish().needed);
    ring.device->put_used_raw(0, 4096);
    ring.device->flush_used();
    Completion const done = ring.queue.take_used();
    EXPECT_EQ(done.state, CompletionState::ready);
    EXPECT_EQ(done.written, 64u);
}

TEST(OverReportedLength, IsClampedOnRequest) {
    RingPair<> ring({.over_reported = OverReportedLength::clamp});
    ring.hostile = true;
    ASSERT_TRUE(ring.add_writable(1, 64).ok());
    ASSERT_TRUE(ring.queue.publish().needed);
    ring.device->put_used_raw(0, 65);
    ring.device->flush_used();
    EXPECT_EQ(ring.queue.take_used().written, 64u);
}

TEST(OverReportedLength, IsClampedInDescriptorTierToo) {
    RingPair<> ring({.features = legacy()});
    ring.hostile = true;
    DescIndex const desc = *ring.queue.alloc_desc();
    ring.queue.write_desc(desc, ring.buffer(64).addr, 64, flag(spec::DescFlag::write));
    ASSERT_TRUE(ring.queue.push_avail(desc).ok());
    ring.device->put_used_raw(0, 4096);
    ring.device->flush_used();
    EXPECT_EQ(ring.queue.poll_used().len, 64u);
}

TEST(Fault, HasASentenceForEachReason) {
    for (unsigned number = 0; number <= static_cast<unsigned>(FaultReason::drained); ++number) {
        auto const reason = static_cast<FaultReason>(number);
        std::string const sentence = describe(reason);
        EXPECT_GT(sentence.size(), 10u);
        EXPECT_EQ(sentence.back(), '.');
        EXPECT_NE(sentence, describe(static_cast<FaultReason>(99)));
    }
}

}  // namespace
}  // namespace virtq::test
