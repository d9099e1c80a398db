// SPDX-License-Identifier: MIT
#include <virtq/queue/split.hpp>

#include <virtq/queue/virtqueue.hpp>

#include <sim/guest_memory.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

using spec::Feature;

TEST(SplitFormat, WantsWhatASplitRingHas) {
    for (Feature const feature : {Feature::indirect_desc, Feature::event_idx, Feature::in_order,
                                  Feature::order_platform, Feature::notification_data}) {
        EXPECT_TRUE(Split::wanted.has(feature)) << static_cast<unsigned>(feature);
    }
    EXPECT_FALSE(Split::wanted.has(Feature::ring_packed));
    EXPECT_TRUE(Split::required.empty());
}

TEST(SplitFormat, TakesThePagesOfItsLayout) {
    EXPECT_EQ(Split::ring_pages(8), 2u);        // §2.7.2: the used ring begins in a page of its own
    EXPECT_EQ(Split::ring_pages(32768), 210u);  // 16 and 2 bytes a descriptor; 8 in the used ring; with both headers
}

TEST(PlainSplitFormat, WantsNoTablesAndNoOrder) {
    EXPECT_FALSE(PlainSplit::wanted.has(Feature::indirect_desc));
    EXPECT_FALSE(PlainSplit::wanted.has(Feature::in_order));
    EXPECT_EQ(PlainSplit::wanted | Features::of(Feature::indirect_desc, Feature::in_order), Split::wanted);
    EXPECT_LT(sizeof(VirtQueue<64, PlainSplit>), sizeof(VirtQueue<64, Split>));
}

// §2.7.9: with IN_ORDER a device may leave out used elements, which this format would wait for.
TEST(PlainSplitFormat, RejectsInOrder) {
    sim::GuestMemory memory;
    VirtQueue<8, PlainSplit> plain;
    VirtQueue<8, Split> split;
    Features const in_order = Features::of(Feature::version_1, Feature::in_order);
    EXPECT_EQ(plain.init(memory, 8, in_order).error(), Error::feature_not_supported_by_queue);
    ASSERT_TRUE(split.init(memory, 8, in_order).ok());
    ASSERT_TRUE(split.release(memory).ok());
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

TEST(PlainSplitFormat, IgnoresIndirectDescriptors) {
    sim::GuestMemory memory;
    VirtQueue<8, PlainSplit> plain;
    ASSERT_TRUE(plain.init(memory, 8, Features::of(Feature::version_1, Feature::indirect_desc)).ok());
    EXPECT_EQ(memory.pages_outstanding(), PlainSplit::ring_pages(8));
    ASSERT_TRUE(plain.release(memory).ok());
}

}  // namespace
}  // namespace virtq::test
