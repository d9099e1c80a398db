// SPDX-License-Identifier: MIT
#include <virtq/queue/any_format.hpp>

#include <virtq/queue/packed.hpp>
#include <virtq/queue/split.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <sim/guest_memory.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

using spec::Feature;

// The two areas of a ring that the device writes or reads differ in their distance: §2.7.2 and §2.8.10.1.
TEST(AnyFormatChoice, FollowsTheNegotiatedFeature) {
    sim::GuestMemory memory;
    VirtQueue<64, AnyFormat> queue;
    for (bool const packed : {false, true, false}) {
        Features features = Features::of(Feature::version_1);
        if (packed) {
            features = features | Features::of(Feature::ring_packed);
        }
        ASSERT_TRUE(queue.init(memory, 64, features).ok());
        QueueAddresses const is = queue.addresses();
        QueueAddresses const split = SplitLayout{64}.addresses(is.descriptor_area);
        EXPECT_EQ(is.driver_area == split.driver_area && is.device_area == split.device_area, !packed);
        ASSERT_TRUE(queue.release(memory).ok());
    }
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

TEST(AnyFormatChoice, WantsAndFitsEitherFormat) {
    EXPECT_EQ(AnyFormat::wanted, Split::wanted | Packed::wanted);
    EXPECT_TRUE(AnyFormat::required.empty());
    for (std::uint32_t size = 1; size <= 32768; size *= 2) {
        EXPECT_GE(AnyFormat::ring_pages(size), Split::ring_pages(size)) << size;
        EXPECT_GE(AnyFormat::ring_pages(size), Packed::ring_pages(size)) << size;
    }
}

}  // namespace
}  // namespace virtq::test
