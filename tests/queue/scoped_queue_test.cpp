// SPDX-License-Identifier: MIT
#include <virtq/queue/scoped_queue.hpp>

#include <queue/ring_pair.hpp>

namespace virtq::test {
namespace {

TEST(ScopedQueue, ReleasesExactlyItsPages) {
    sim::GuestMemory memory;
    {
        ScopedQueue<64, sim::GuestMemory> queue(memory);
        ASSERT_TRUE(queue.init(64, modern()).ok());
        EXPECT_EQ(memory.pages_outstanding(), 2u);
        EXPECT_EQ(queue->num_free(), 64);
        EXPECT_EQ((*queue).size(), 64);
    }
    EXPECT_EQ(memory.pages_outstanding(), 0u);
    EXPECT_EQ(memory.leaked_pages(), 0u);
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST(ScopedQueue, ReportsLeaksWhileLive) {
    sim::GuestMemory memory;
    {
        ScopedQueue<64, sim::GuestMemory> queue(memory);
        ASSERT_TRUE(queue.init(64, modern()).ok());
        queue->attach();
    }
    EXPECT_EQ(memory.pages_outstanding(), 2u);
    EXPECT_EQ(memory.leaked_pages(), 2u);
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST(ScopedQueue, LeaksItsTablesToo) {
    sim::GuestMemory memory;
    {
        ScopedQueue<64, sim::GuestMemory> queue(memory);
        ASSERT_TRUE(queue.init(64, modern() | Features::of(spec::Feature::indirect_desc)).ok());
        queue->attach();
    }
    EXPECT_EQ(memory.pages_outstanding(), 3u);
    EXPECT_EQ(memory.leaked_pages(), 3u);
}

TEST(ScopedQueue, ReleasesNothingWithoutInit) {
    sim::GuestMemory memory;
    {
        ScopedQueue<64, sim::GuestMemory> queue(memory);
        memory.fail_all();
        EXPECT_EQ(queue.init(64, modern()).error(), Error::no_pages);
    }
    EXPECT_EQ(memory.leaked_pages(), 0u);
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

}  // namespace
}  // namespace virtq::test
