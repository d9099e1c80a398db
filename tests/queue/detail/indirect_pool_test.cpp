// SPDX-License-Identifier: MIT
#include <support/contract.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/detail/indirect_pool.hpp>
#include <virtq/queue/detail/indirect_shape.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <sim/guest_memory.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr Features indirect = Features::of(spec::Feature::version_1, spec::Feature::indirect_desc);

TEST(IndirectShape, CountsPagesOfTheLargestShape) {
    IndirectShape const shape = IndirectShape::of(32768, indirect, {.tables = 0xffff, .length = 0xffff});
    EXPECT_EQ(shape.tables, 32767u);
    EXPECT_EQ(shape.length, 32768u);
    EXPECT_EQ(shape.page_count(), 32767u * 128u);
    EXPECT_EQ(IndirectShape::of(32768, indirect, {.tables = 8192, .length = 32768}).page_count(), 8192u * 128u);
    EXPECT_EQ(shape.within(127).tables, 0u);
    EXPECT_EQ(shape.within(128).tables, 1u);
    EXPECT_EQ(shape.within(300).tables, 2u);
}

TEST(IndirectShape, FollowsTheOptionWithinTheQueue) {
    auto const same = [](IndirectShape shape, unsigned tables, unsigned length, unsigned shortest) {
        return shape.tables == tables && shape.length == length && shape.shortest == shortest;
    };
    EXPECT_TRUE(same(IndirectShape::of(256, indirect, {}), 64, 16, 3));
    EXPECT_TRUE(same(IndirectShape::of(5, indirect, {}), 2, 5, 3));
    EXPECT_TRUE(same(IndirectShape::of(3, indirect, {}), 1, 3, 3));
    EXPECT_TRUE(same(IndirectShape::of(2, indirect, {}), 0, 0, 0));
    EXPECT_TRUE(same(IndirectShape::of(8, indirect, {.tables = 9, .length = 9, .shortest = 8}), 8, 8, 8));
    EXPECT_TRUE(same(IndirectShape::of(8, indirect, {.tables = 9, .length = 9, .shortest = 9}), 0, 0, 0));
    EXPECT_TRUE(same(IndirectShape::of(8, Features::of(spec::Feature::version_1), {.tables = 2}), 0, 0, 0));
}

// A format without tables has NoTables in place of the pool.
TEST(NoTables, HasNothing) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    NoTables none;
    EXPECT_EQ(none.take_pages(memory, IndirectShape{.tables = 3, .length = 4, .shortest = 3}), Error::none);
    EXPECT_EQ(memory.pages_outstanding(), 0u);
    none.reset(IndirectShape{.tables = 3, .length = 4, .shortest = 3});
    none.give_back(TableIndex{0});
    none.give_back_pages(memory);
    EXPECT_EQ(none.pages().virt, nullptr);
    EXPECT_EQ(none.length(), 0u);
    EXPECT_EQ(none.phys(TableIndex{1}), PhysAddr{});
    EXPECT_EQ(none.descriptors<spec::Descriptor>(TableIndex{1}), nullptr);
}

TEST(IndirectPool, HandsOutEachTableOnce) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    IndirectPool<8> pool;
    IndirectShape const shape{.tables = 3, .length = 4, .shortest = 3};
    ASSERT_EQ(pool.take_pages(memory, shape), Error::none);
    auto const take = [&] {
        EXPECT_TRUE(pool.takes(3) && pool.takes(4));
        EXPECT_FALSE(pool.takes(0) || pool.takes(2) || pool.takes(5));
        TableIndex const table = pool.front();
        EXPECT_EQ(pool.phys(table), pool.pages().phys + 64u * number(table));
        pool.take();
        return number(table);
    };
    for (int life = 0; life < 2; ++life) {
        pool.reset(shape);  // the second time with tables still handed out
        EXPECT_EQ(take(), 0u);
        EXPECT_EQ(take(), 1u);
        EXPECT_EQ(take(), 2u);
        EXPECT_FALSE(pool.takes(3));
        pool.give_back(TableIndex{0});
        pool.give_back(TableIndex{2});
        EXPECT_EQ(take(), 2u);
        EXPECT_EQ(take(), 0u);
        EXPECT_FALSE(pool.takes(3));
        pool.give_back(TableIndex{0});
        pool.give_back(TableIndex{1});
        EXPECT_EQ(take(), 1u);
        EXPECT_EQ(take(), 0u);
    }
    pool.give_back_pages(memory);
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

TEST(IndirectTables, FailWithoutEnoughMemory) {
    sim::GuestMemory memory{std::size_t{4} << 20};
    static VirtQueue<32768> queue;
    EXPECT_EQ(queue.init(memory, 32768, indirect, {.indirect = {.tables = 8192, .length = 32768}}).error(),
              Error::no_pages);
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

template <class Format>
class TablePages : public testing::Test {};
using TableFormats = testing::Types<Split, Packed, AnyFormat>;
TYPED_TEST_SUITE(TablePages, TableFormats);

// Found by users: tables kept the former contents of their pages, which the device can read (faults B3).
TYPED_TEST(TablePages, AreZeroBeforeTheDeviceReads) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    Features const features = indirect | TypeParam::required;
    VirtQueue<64, TypeParam> queue;
    auto const dirty_bytes = [&] {
        Pages const pages = queue.table_pages();
        auto const* const bytes = static_cast<unsigned char const*>(pages.virt);
        std::size_t count = 0;
        for (std::size_t i = 0; i < pages.count * page_bytes; ++i) {
            count += bytes[i] != 0;
        }
        return count;
    };
    ASSERT_TRUE(queue.init(memory, 64, features, {.indirect = {.tables = 40}}).ok());
    ASSERT_EQ(queue.table_pages().count, 3u);
    EXPECT_EQ(dirty_bytes(), 0u);
    Segment const writable[] = {{PhysAddr{0x1000}, 1}, {PhysAddr{0x2000}, 2}, {PhysAddr{0x3000}, 3}};
    for (Features const& next : {features, features.without(indirect) | Features::of(spec::Feature::version_1)}) {
        for (int i = 0; i < 8; ++i) {
            ASSERT_TRUE(queue.add({}, writable, Token{}).ok());
        }
        ASSERT_TRUE(queue.restart(32, next).ok());
        EXPECT_EQ(dirty_bytes(), 0u);
    }
    ASSERT_TRUE(queue.release(memory).ok());
}

TEST(DescriptorTierInOrder, HasNoDescriptorsInFlight) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    VirtQueue<32> queue;
    Features features = Features::of(spec::Feature::version_1);
    features.set(spec::Feature::in_order);
    ASSERT_TRUE(queue.init(memory, 32, features).ok());
    // The lengths 5 and 17 look like the marks of a caller's descriptor and of a taken chain.
    Segment segments[17];
    for (Segment& segment : segments) {
        segment = {PhysAddr{0x1000}, 1};
    }
    ASSERT_TRUE(queue.add(Span<Segment const>{segments, 5}, {}, Token{1}).ok());
    ASSERT_TRUE(queue.add(Span<Segment const>{segments, 17}, {}, Token{2}).ok());
    EXPECT_BREACH(queue.free_desc(DescIndex{0}), "not allocated");
    EXPECT_BREACH(queue.free_chain(DescIndex{0}), "not allocated");
    EXPECT_BREACH(queue.free_chain(DescIndex{1}), "not allocated");
    EXPECT_BREACH(queue.push_avail(DescIndex{0}), "not allocated");
    EXPECT_EQ(queue.num_free(), 10u);
    ASSERT_TRUE(queue.release(memory).ok());
}

}  // namespace
}  // namespace virtq::test
