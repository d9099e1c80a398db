// SPDX-License-Identifier: MIT
#include <virtq/queue/packed.hpp>

#include <virtq/queue/virtqueue.hpp>

#include <sim/guest_memory.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

using spec::Feature;

TEST(PackedFormat, RequiresThePackedRing) {
    EXPECT_TRUE(Packed::required.has(Feature::ring_packed));
    EXPECT_TRUE(Packed::wanted.has(Feature::ring_packed));
    sim::GuestMemory memory;
    VirtQueue<8, Packed> queue;
    EXPECT_EQ(queue.init(memory, 8, Features::of(Feature::version_1)).error(), Error::ring_packed_not_negotiated);
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

// §2.8: the size need not be a power of two.
TEST(PackedFormat, TakesAnySize) {
    sim::GuestMemory memory;
    VirtQueue<100, Packed> queue;
    for (std::uint32_t const size : {1u, 3u, 99u, 100u}) {
        ASSERT_TRUE(queue.init(memory, size, Features::of(Feature::version_1, Feature::ring_packed)).ok()) << size;
        EXPECT_EQ(queue.size(), size);
        EXPECT_EQ(queue.num_free(), size);
        ASSERT_TRUE(queue.release(memory).ok());
    }
}

// §2.8.10.1: 16 bytes a descriptor, and two structures of 4 bytes.
TEST(PackedFormat, TakesThePagesOfItsLayout) {
    EXPECT_EQ(Packed::ring_pages(255), 1u);
    EXPECT_EQ(Packed::ring_pages(256), 2u);
    EXPECT_EQ(Packed::ring_pages(32768), 129u);
}

}  // namespace
}  // namespace virtq::test
