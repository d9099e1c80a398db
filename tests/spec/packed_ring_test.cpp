// SPDX-License-Identifier: MIT
#include <virtq/spec/packed_ring.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <type_traits>

namespace {

namespace spec = virtq::spec;

// §2.8.13: le64 addr, le32 len, le16 id, le16 flags.
TEST(PackedDescriptor, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(spec::PackedDescriptor), 16u);
    EXPECT_EQ(offsetof(spec::PackedDescriptor, addr), 0u);
    EXPECT_EQ(offsetof(spec::PackedDescriptor, len), 8u);
    EXPECT_EQ(offsetof(spec::PackedDescriptor, id), 12u);
    EXPECT_EQ(offsetof(spec::PackedDescriptor, flags), 14u);
    EXPECT_TRUE(std::is_trivial_v<spec::PackedDescriptor>);
    EXPECT_TRUE(std::is_standard_layout_v<spec::PackedDescriptor>);
}

// §2.8.1: VIRTQ_DESC_F_AVAIL is (1 << 7), VIRTQ_DESC_F_USED is (1 << 15).
TEST(PackedDescriptor, HasTheFlagsOfTheStandard) {
    EXPECT_EQ(static_cast<unsigned>(spec::PackedDescFlag::avail_bit), 0x80u);
    EXPECT_EQ(static_cast<unsigned>(spec::PackedDescFlag::used_bit), 0x8000u);
}

// §2.8.14: two le16, first the position (15 bits of offset, 1 of wrap), then the flags (2 bits).
TEST(EventSuppression, HasTheBitsOfTheStandard) {
    EXPECT_EQ(static_cast<unsigned>(spec::RingEvent::enable), 0u);
    EXPECT_EQ(static_cast<unsigned>(spec::RingEvent::disable), 1u);
    EXPECT_EQ(static_cast<unsigned>(spec::RingEvent::desc), 2u);
    EXPECT_EQ(spec::ring_event_flags_shift, 16u);
    EXPECT_EQ(spec::ring_event_flags_mask, 3u);
    EXPECT_EQ(spec::ring_wrap_bit, 0x8000u);
}

// §2.8.10.1: 16 for the descriptor ring, 4 for both structures, whose size is 4.
TEST(PackedRing, HasTheAlignmentsOfTheStandard) {
    EXPECT_EQ(spec::descriptor_ring_alignment, 16u);
    EXPECT_EQ(spec::event_suppression_alignment, 4u);
    EXPECT_EQ(spec::event_suppression_bytes, 4u);
}

}  // namespace
