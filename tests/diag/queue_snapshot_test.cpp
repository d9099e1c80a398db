// SPDX-License-Identifier: MIT
#include <virtq/diag/queue_snapshot.hpp>

#include <gtest/gtest.h>

#include <cstdint>

/// What a snapshot's numbers mean. tests/diag/sound takes one after each step of a queue.
namespace virtq::test {
namespace {

using virtq::detail::PackedPosition;

// §2.8.14: the position in the lower half, the flags in the two lowest bits of the upper half.
TEST(RingEventWord, IsTwoFields) {
    RingEventWord const word{0xfffe'8005};
    EXPECT_EQ(word.event(), spec::RingEvent::desc);  // the reserved bits are ignored
    EXPECT_EQ(word.place(), 0x8005);
    EXPECT_EQ(RingEventWord{1u << 16}.event(), spec::RingEvent::disable);
    EXPECT_EQ(RingEventWord{}.event(), spec::RingEvent::enable);
}

TEST(PackedSnapshot, SpansTheEndOfTheRing) {
    PackedSnapshot seen;
    seen.taken = PackedPosition::start(6);
    seen.next = seen.taken;
    EXPECT_EQ(seen.span(8), 0);
    seen.next.advance(3, 8);  // to descriptor 1 of the next lap
    EXPECT_EQ(seen.span(8), 3);
    seen.next.advance(5, 8);
    EXPECT_EQ(seen.span(8), 8);  // full: the same offset, another lap
}

// §2.8.1: used if both flags equal the wrap counter.
TEST(PackedSnapshot, KnowsUsedDescriptors) {
    PackedSnapshot seen;
    seen.taken = PackedPosition::start(0);  // wrap counter 1
    for (bool const avail : {false, true}) {
        for (bool const used : {false, true}) {
            seen.flags = static_cast<std::uint16_t>((avail ? 0x80 : 0) | (used ? 0x8000 : 0) | 2);
            EXPECT_EQ(seen.is_used(), avail && used);
        }
    }
    seen.taken = PackedPosition::start(0x8000);  // wrap counter 0
    seen.flags = 2;
    EXPECT_TRUE(seen.is_used());
}

// §2.7.6: the indices are free-running modulo 2^16.
TEST(SnapshotCounts, GoOnAcrossTheIndexWrap) {
    QueueSnapshot seen;
    seen.taken = RingIndex{65534};
    seen.used_idx = RingIndex{65535};
    seen.decided = RingIndex{0};
    seen.published = RingIndex{1};
    seen.added = RingIndex{3};
    EXPECT_EQ(seen.outstanding(), 5);
    EXPECT_EQ(seen.offered(), 3);
    EXPECT_EQ(seen.undecided(), 3);
    EXPECT_EQ(seen.answered(), 1);
    EXPECT_TRUE(seen.is_used_idx_believable());
    seen.used_idx = RingIndex{2};  // more than were offered
    EXPECT_FALSE(seen.is_used_idx_believable());
}

TEST(SnapshotCounts, AreThoseOfAPackedRing) {
    QueueSnapshot seen;
    seen.format = RingFormat::packed_ring;
    seen.packed_ring.in_flight = 3;
    seen.packed_ring.pending = 2;
    seen.packed_ring.taken = PackedPosition::start(0);
    seen.used_idx = RingIndex{7};  // of a split ring only
    EXPECT_EQ(seen.outstanding(), 5);
    EXPECT_EQ(seen.offered(), 3);
    EXPECT_EQ(seen.undecided(), 2);
    EXPECT_EQ(seen.answered(), 0);
    seen.packed_ring.flags = 0x8080;
    EXPECT_EQ(seen.answered(), 1);  // a lower bound
    seen.packed_ring.batch = 3;     // §2.8.8: the descriptor counts for all of them
    EXPECT_EQ(seen.answered(), 3);
    EXPECT_TRUE(seen.is_used_idx_believable());
}

TEST(SnapshotCounts, TellTheFirstLap) {
    QueueSnapshot split;
    EXPECT_TRUE(split.is_first_time());
    split.taken = RingIndex{1};
    EXPECT_FALSE(split.is_first_time());
    QueueSnapshot packed;
    packed.format = RingFormat::packed_ring;
    packed.packed_ring.taken = PackedPosition::start(0);
    EXPECT_TRUE(packed.is_first_time());
    packed.packed_ring.taken.advance(8, 8);  // offset 0 again, in the second lap
    EXPECT_FALSE(packed.is_first_time());
}

}  // namespace
}  // namespace virtq::test
