// SPDX-License-Identifier: MIT
#include <virtq/spec/split_ring.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <type_traits>

namespace {

namespace spec = virtq::spec;

TEST(Descriptor, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(spec::Descriptor), 16u);
    EXPECT_EQ(offsetof(spec::Descriptor, addr), 0u);
    EXPECT_EQ(offsetof(spec::Descriptor, len), 8u);
    EXPECT_EQ(offsetof(spec::Descriptor, flags), 12u);
    EXPECT_EQ(offsetof(spec::Descriptor, next), 14u);
    EXPECT_TRUE(std::is_trivial_v<spec::Descriptor>);
    EXPECT_TRUE(std::is_standard_layout_v<spec::Descriptor>);
}

TEST(Descriptor, HasTheFlagsOfTheStandard) {
    EXPECT_EQ(static_cast<unsigned>(spec::DescFlag::next), 1u);
    EXPECT_EQ(static_cast<unsigned>(spec::DescFlag::write), 2u);
    EXPECT_EQ(static_cast<unsigned>(spec::DescFlag::indirect), 4u);
}

TEST(UsedElement, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(spec::UsedElement), 8u);
    EXPECT_EQ(offsetof(spec::UsedElement, id), 0u);
    EXPECT_EQ(offsetof(spec::UsedElement, len), 4u);
}

TEST(AvailableRing, HasTheOffsetsOfTheStandard) {
    EXPECT_EQ(spec::avail_flags_offset, 0u);
    EXPECT_EQ(spec::avail_idx_offset, 2u);
    EXPECT_EQ(spec::avail_ring_offset, 4u);
    EXPECT_EQ(static_cast<unsigned>(spec::AvailFlag::no_interrupt), 1u);
}

TEST(UsedRing, HasTheOffsetsOfTheStandard) {
    EXPECT_EQ(spec::used_flags_offset, 0u);
    EXPECT_EQ(spec::used_idx_offset, 2u);
    EXPECT_EQ(spec::used_ring_offset, 4u);
    EXPECT_EQ(static_cast<unsigned>(spec::UsedFlag::no_notify), 1u);
}

TEST(SplitRing, HasTheLimitsOfTheStandard) {
    EXPECT_EQ(spec::descriptor_table_alignment, 16u);
    EXPECT_EQ(spec::available_ring_alignment, 2u);
    EXPECT_EQ(spec::used_ring_alignment, 4u);
    EXPECT_EQ(spec::queue_size_max, 32768u);
    EXPECT_EQ(spec::legacy_queue_align, 4096u);
}

}  // namespace
