// SPDX-License-Identifier: MIT
#include <virtq/queue/virtqueue.hpp>

#include <queue/ring_pair.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>

#include <cstdint>
#include <vector>

namespace virtq::test {

using namespace virtq::detail;

namespace {

class VirtQueueInit : public ::testing::Test {
protected:
    void expect_refused(Error expected, std::uint32_t size, Features const& features = modern()) {
        Status const result = queue.init(memory, size, features);
        EXPECT_EQ(result.error(), expected) << describe(result.error());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_EQ(queue.size(), 0);
        EXPECT_EQ(queue.num_free(), 0);
    }

    void expect_works(Features const& features = modern()) {
        ASSERT_TRUE(queue.init(memory, 8, features).ok());
        EXPECT_EQ(queue.num_free(), 8);
        EXPECT_TRUE(queue.release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }

    sim::GuestMemory memory;
    VirtQueue<8> queue;
};

TEST_F(VirtQueueInit, RefusesSizeZero) {
    expect_refused(Error::queue_size_zero, 0);
}

TEST_F(VirtQueueInit, RejectsSizesNotPowerOfTwo) {
    for (std::uint32_t const size : {3u, 5u, 6u, 7u, 12u, 255u, 32767u}) {
        expect_refused(Error::queue_size_not_power_of_two, size);
    }
}

TEST_F(VirtQueueInit, RefusesASizeAboveTheMaximum) {
    expect_refused(Error::queue_size_above_maximum, 32769);
    expect_refused(Error::queue_size_above_maximum, 65536);
    expect_refused(Error::queue_size_above_maximum, UINT32_MAX);
}

// sddf#769: a driver did not compare the queue size. https://github.com/au-ts/sddf/pull/769
TEST_F(VirtQueueInit, RejectsSizesAboveTheCapacity) {
    expect_refused(Error::queue_size_above_capacity, 16, legacy());
    expect_refused(Error::queue_size_above_capacity, 32768, modern());
}

TEST_F(VirtQueueInit, WorksAfterAFailedAllocation) {
    memory.fail_allocation(0);
    expect_refused(Error::no_pages, 8);
    expect_works();
}

// A failed allocation that returns an address and a count nevertheless.
TEST_F(VirtQueueInit, KeepsNothingOfAFailedAllocation) {
    struct {
        Pages allocate_pages(std::size_t count) { return {nullptr, PhysAddr{0x1000}, count}; }
        void free_pages(Pages) { ADD_FAILURE() << "pages that are none"; }
    } none;
    EXPECT_EQ(queue.init(none, 8, modern()).error(), Error::no_pages);
    EXPECT_EQ(queue.pages().phys, PhysAddr{});
    EXPECT_EQ(queue.pages().count, 0u);
    expect_works();
}

TEST_F(VirtQueueInit, RefusesMisalignedPages) {
    memory.misalign_next_phys(8);
    expect_refused(Error::pages_misaligned, 8);
    memory.misalign_next_virt(8);
    expect_refused(Error::pages_misaligned, 8);
    expect_works();
}

TEST_F(VirtQueueInit, RejectsScatteredPages) {
    memory.scatter_next_run();
    expect_refused(Error::pages_not_contiguous, 8);
    memory.misstate_next_phys();
    expect_refused(Error::pages_not_contiguous, 8);
    expect_works();
}

// A faulty allocator hands out single pages, whatever the count, so tables and ring overlap (faults C6).
TEST(VirtQueuePages, RefusesTablesInsideItsRing) {
    struct {
        sim::GuestMemory memory{};
        Pages all = memory.allocate_pages(16);
        std::size_t taken = 0;
        Pages allocate_pages(std::size_t count) {
            std::size_t const offset = taken++ * page_bytes;
            return {static_cast<unsigned char*>(all.virt) + offset, all.phys + offset, count};
        }
        void free_pages(Pages) { --taken; }
    } single;
    Features const features = Features::of(spec::Feature::version_1, spec::Feature::indirect_desc);
    Features packed = features;
    packed.set(spec::Feature::ring_packed);
    VirtQueue<256> split_queue;
    VirtQueue<256, Packed> packed_queue;
    EXPECT_EQ(split_queue.init(single, 256, features).error(), Error::pages_handed_out_twice);
    EXPECT_EQ(packed_queue.init(single, 256, packed).error(), Error::pages_handed_out_twice);
    EXPECT_EQ(single.taken, 0u);
    EXPECT_EQ(split_queue.size(), 0u);
    EXPECT_EQ(packed_queue.table_pages().count, 0u);
    single.memory.free_pages(single.all);
}

TEST(VirtQueuePages, AreKnownAtCompileTime) {
    static_assert(VirtQueue<256>::page_count() == 3 + 4);
    static_assert(VirtQueue<256>::page_count(8) == 2 + 1);
    static_assert(VirtQueue<256>::page_count(256, {.tables = 256, .length = 64}) == 3 + 64);
    static_assert(VirtQueue<256, PlainSplit>::page_count() == 3);
    static_assert(VirtQueue<255, Packed>::page_count() == 1 + 4);
    static_assert(VirtQueue<256, AnyFormat>::page_count() == 3 + 4);
    sim::GuestMemory memory;
    VirtQueue<256> queue;
    ASSERT_TRUE(queue.init(memory, 256, Features::of(spec::Feature::version_1, spec::Feature::indirect_desc)).ok());
    EXPECT_EQ(queue.pages().count + queue.table_pages().count, VirtQueue<256>::page_count());
    ASSERT_TRUE(queue.release(memory).ok());
}

TEST_F(VirtQueueInit, RejectsPageNumbersAbove32Bits) {
    memory.place_next_run(PhysAddr{std::uint64_t{1} << 44});
    expect_refused(Error::pfn_above_32_bits, 8, legacy());
    memory.place_next_run(PhysAddr{(std::uint64_t{1} << 44) - 2 * 4096});
    ASSERT_TRUE(queue.init(memory, 8, legacy()).ok());
    EXPECT_EQ(queue.pfn(), UINT32_MAX - 1);
    EXPECT_TRUE(queue.release(memory).ok());
}

TEST_F(VirtQueueInit, RejectsALegacyQueueAtZero) {
    memory.place_next_run(PhysAddr{0});
    expect_refused(Error::pfn_zero, 8, legacy());
    memory.place_next_run(PhysAddr{0});
    ASSERT_TRUE(queue.init(memory, 8, modern()).ok());
    EXPECT_TRUE(queue.release(memory).ok());
}

TEST_F(VirtQueueInit, AcceptsModernQueuesAbove16TiB) {
    memory.place_next_run(PhysAddr{std::uint64_t{1} << 44});
    ASSERT_TRUE(queue.init(memory, 8, modern()).ok());
    EXPECT_EQ(queue.phys_desc(), PhysAddr{std::uint64_t{1} << 44});
    EXPECT_BREACH(queue.pfn(), "no 32-bit page number");
    EXPECT_TRUE(queue.release(memory).ok());
}

TEST_F(VirtQueueInit, RejectsFeaturesOfAnotherFormat) {
    Features features = modern();
    features.set(spec::Feature::ring_packed);
    expect_refused(Error::feature_not_supported_by_queue, 8, features);
}

TEST_F(VirtQueueInit, AssertsThatItHoldsNoPages) {
    ASSERT_TRUE(queue.init(memory, 8, modern()).ok());
    EXPECT_BREACH(queue.init(memory, 8, modern()), "your boot code clears .bss");
    EXPECT_TRUE(queue.release(memory).ok());
}

// rcore-os/virtio-drivers#80: pages had to be zeroed, which no document said.
// https://github.com/rcore-os/virtio-drivers/pull/80
TEST_F(VirtQueueInit, ZeroesPagesThatArriveDirty) {
    ASSERT_TRUE(queue.init(memory, 8, modern_event_idx()).ok());
    auto const* const bytes = memory.virt(queue.phys_desc(), queue.pages().count * 4096);
    ASSERT_NE(bytes, nullptr);
    std::size_t const used_event = 16 * 8 + SplitLayout{8}.used_event_offset();
    for (std::size_t i = 0; i < queue.pages().count * 4096; ++i) {
        if (i != used_event && i != used_event + 1) {
            ASSERT_EQ(bytes[i], 0) << i;
        }
    }
    EXPECT_TRUE(queue.release(memory).ok());
}

// §2.7.7.1: without EVENT_IDX the word behind the available ring is no event index.
TEST_F(VirtQueueInit, WritesNoEventIndexWithoutEventIdx) {
    for (bool const event_idx : {false, true}) {
        ASSERT_TRUE(
            queue.init(memory, 8, event_idx ? modern_event_idx() : modern(), {.first_index = RingIndex{5}}).ok());
        auto const* const bytes = memory.virt(queue.phys_desc(), queue.pages().count * 4096);
        ASSERT_NE(bytes, nullptr);
        std::size_t const used_event = 16 * 8 + SplitLayout{8}.used_event_offset();
        EXPECT_EQ(bytes[used_event], event_idx ? 4 : 0);  // 4: as far as can be from an interrupt at 5
        auto const* const used = memory.virt(queue.phys_used(), 4 + 8 * 8 + 2);
        ASSERT_NE(used, nullptr);
        EXPECT_EQ(used[4 + 8 * 8], event_idx ? 5 : 0);  // avail_event
        EXPECT_TRUE(queue.release(memory).ok());
    }
}

TEST_F(VirtQueueInit, PlacesTheAreasByTheLayout) {
    ASSERT_TRUE(queue.init(memory, 4, modern()).ok());
    EXPECT_EQ(queue.size(), 4);
    EXPECT_EQ(queue.phys_desc(), queue.pages().phys);
    EXPECT_EQ(queue.phys_avail(), queue.pages().phys + 64);
    EXPECT_EQ(queue.phys_used(), queue.pages().phys + 4096);
    EXPECT_EQ(queue.pfn(), queue.pages().phys.value / 4096);
    EXPECT_EQ(queue.pages().count, 2u);
    EXPECT_NE(reinterpret_cast<std::uintptr_t>(queue.pages().virt), queue.pages().phys.value);
    EXPECT_TRUE(queue.release(memory).ok());
}

TEST(VirtQueueRelease, KeepsPagesWhileDeviceIsLive) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    ASSERT_TRUE(queue.init(memory, 8, modern()).ok());
    queue.attach();
    EXPECT_EQ(queue.release(memory).error(), Error::queue_still_live);
    EXPECT_EQ(memory.pages_outstanding(), 2u);
    queue.detach();
    EXPECT_TRUE(queue.release(memory).ok());
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

TEST(VirtQueueRelease, CountsAPublishedQueueAsLive) {
    RingPair<> ring;
    EXPECT_FALSE(ring.queue.is_live());
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_FALSE(ring.queue.is_live());
    ASSERT_TRUE(ring.queue.publish().needed);
    EXPECT_TRUE(ring.queue.is_live());
    EXPECT_EQ(ring.queue.release(ring.memory).error(), Error::queue_still_live);
}

TEST(VirtQueueRelease, SucceedsWithoutPages) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    EXPECT_TRUE(queue.release(memory).ok());
    ASSERT_TRUE(queue.init(memory, 8, modern()).ok());
    EXPECT_TRUE(queue.release(memory).ok());
    EXPECT_TRUE(queue.release(memory).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

// Found by RandomOperations: init, add, release, publish. The added chain outlived the pages, so publish() wrote to
// them and made the queue live.
TEST(VirtQueueRelease, DropsAddedChains) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    ASSERT_TRUE(queue.init(memory, 8, modern()).ok());
    Segment const segments[] = {{PhysAddr{0x1000}, 64}};
    ASSERT_TRUE(queue.add(segments, {}, Token{1}).ok());
    ASSERT_TRUE(queue.release(memory).ok());
    EXPECT_FALSE(queue.publish().needed);
    EXPECT_FALSE(queue.is_live());
}

// As above with completions: the driver knew of the second one, did not take it, and later read it from released pages.
TEST(VirtQueueRelease, DropsUsedChains) {
    RingPair<> ring;
    ASSERT_TRUE(ring.add_writable(1).ok());
    ASSERT_TRUE(ring.add_writable(2).ok());
    EXPECT_TRUE(ring.queue.publish().needed);
    ring.device_uses_next();
    ring.device_uses_next();
    EXPECT_EQ(ring.queue.take_used().token, Token{1});
    ring.queue.detach();
    ASSERT_TRUE(ring.queue.release(ring.memory).ok());
    EXPECT_BREACH(ring.queue.take_used(), "Call init() first");
    EXPECT_BREACH(ring.queue.poll_used(), "Call init() first");
}

/// An allocator that returns one page too few.
struct ShortAllocator {
    Pages allocate_pages(size_t count) {
        Pages pages = memory.allocate_pages(count);
        --pages.count;
        return pages;
    }
    void free_pages(Pages pages) { memory.free_pages(pages); }

    sim::GuestMemory memory;
};

TEST(PageRun, AssertsTheRequestedLength) {
    ShortAllocator allocator;
    VirtQueue<8> queue;
    EXPECT_BREACH(queue.init(allocator, 8, modern()), "exactly count pages");
}

TEST(VirtQueueRelease, AllowsANewInit) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    for (std::uint32_t const size : {8u, 2u, 4u}) {
        ASSERT_TRUE(queue.init(memory, size, modern()).ok());
        EXPECT_EQ(queue.num_free(), size);
        for (std::uint32_t i = 0; i < size; ++i) {
            EXPECT_TRUE(queue.alloc_desc().ok());
        }
        EXPECT_EQ(queue.alloc_desc().error(), Error::queue_full);
        EXPECT_TRUE(queue.release(memory).ok());
        EXPECT_EQ(queue.alloc_desc().error(), Error::queue_not_initialised);
    }
}

TEST(VirtQueue, RejectsEveryCallBeforeInit) {
    VirtQueue<8> queue;
    Segment const segment[] = {{PhysAddr{0x1000}, 16}};
    EXPECT_EQ(queue.add(segment, {}, Token{}).error(), Error::queue_not_initialised);
    EXPECT_EQ(queue.alloc_desc().error(), Error::queue_not_initialised);
    EXPECT_EQ(queue.push_avail(DescIndex{0}).error(), Error::queue_not_initialised);
    EXPECT_FALSE(queue.publish().needed);
    EXPECT_BREACH(queue.take_used(), "Call init() first");
    EXPECT_BREACH(queue.poll_used(), "Call init() first");
    EXPECT_BREACH(queue.has_used(), "Call init() first");
    EXPECT_BREACH(queue.enable_used_notifications(), "Call init() first");
    EXPECT_BREACH(queue.disable_used_notifications(), "Call init() first");
}

TEST(VirtQueue, HasNoAddressBeforeInit) {
    VirtQueue<8> queue;
    EXPECT_BREACH(queue.addresses(), "Call init() first");
    EXPECT_BREACH(queue.pfn(), "Call init() first");
    EXPECT_BREACH(queue.phys_desc(), "Call init() first");
    EXPECT_BREACH(queue.attach(), "Call init() first");
}

TEST(VirtQueueRelease, LeavesNothingToPublishOrTake) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    Segment const segment[] = {{memory.allocate_buffer(16).phys, 16}};
    ASSERT_TRUE(queue.init(memory, 8, modern()).ok());
    ASSERT_TRUE(queue.add(segment, {}, Token{}).ok());
    ASSERT_TRUE(queue.release(memory).ok());
    EXPECT_FALSE(queue.publish().needed);
    EXPECT_FALSE(queue.is_live());
    EXPECT_BREACH(queue.take_used(), "Call init() first");
    ASSERT_TRUE(queue.init(memory, 8, modern()).ok());
    EXPECT_TRUE(queue.release(memory).ok());
}

TEST(VirtQueueRestart, EmptiesTheQueueInPlace) {
    RingPair<> ring;
    ring.hostile = true;
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_TRUE(ring.queue.publish().needed);
    EXPECT_EQ(ring.queue.restart(modern()).error(), Error::queue_still_live);
    ring.device->put_used_raw(8, 0);
    ring.device->flush_used();
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
    PhysAddr const where = ring.queue.phys_desc();
    ring.queue.detach();
    Features packed = modern();
    packed.set(spec::Feature::ring_packed);
    EXPECT_EQ(ring.queue.restart(packed).error(), Error::feature_not_supported_by_queue);
    ASSERT_TRUE(ring.queue.restart(modern_event_idx()).ok());
    EXPECT_EQ(ring.queue.phys_desc(), where);
    EXPECT_FALSE(ring.queue.fault());
    EXPECT_EQ(ring.queue.num_free(), 8);
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::none);
    EXPECT_EQ(ring.device->avail_idx(), 0);
    EXPECT_EQ(ring.memory.allocations(), 1u);
}

TEST(VirtQueueRestart, RejectsLegacyPagesAbove16TiB) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    memory.place_next_run(PhysAddr{std::uint64_t{1} << 44});
    ASSERT_TRUE(queue.init(memory, 8, modern()).ok());
    EXPECT_EQ(queue.restart(legacy()).error(), Error::pfn_above_32_bits);
    EXPECT_EQ(queue.size(), 8);  // nothing has changed
    EXPECT_TRUE(queue.restart(modern()).ok());
    EXPECT_TRUE(queue.release(memory).ok());
}

TEST(VirtQueueRestart, AssertsThatItHasPages) {
    VirtQueue<8> queue;
    EXPECT_BREACH(queue.restart(modern()), "Call init() first");
}

TEST(VirtQueue, LimitsItsPrivateMemory) {
    constexpr std::size_t rest = VIRTQ_ASSERTIONS ? 128 + alignof(VirtQueue<256>) : 128;  // assertions add one mark
    EXPECT_LE(sizeof(VirtQueue<256>), 18u * 256 + rest);
    EXPECT_LE(sizeof(VirtQueue<32768>), 18u * 32768 + rest);
}

TEST(VirtQueue, WorksAtEverySize) {
    sim::GuestMemory memory;
    static VirtQueue<32768> queue;
    for (std::uint32_t size = 1; size <= 32768; size *= 2) {
        ASSERT_TRUE(queue.init(memory, size, modern()).ok()) << size;
        sim::SplitQueueConfig config;
        config.size = static_cast<std::uint16_t>(size);
        config.descriptor_area = queue.phys_desc();
        config.driver_area = queue.phys_avail();
        config.device_area = queue.phys_used();
        sim::SplitQueue device(memory, config);
        sim::Buffer const data = memory.allocate_buffer(64);
        Segment const writable[] = {{data.phys, 64}};
        for (std::uint32_t i = 0; i < size; ++i) {
            ASSERT_TRUE(queue.add({}, writable, Token{std::uintptr_t{i} + 1}).ok());
        }
        EXPECT_EQ(queue.add({}, writable, Token{}).error(), Error::queue_full);
        ASSERT_TRUE(queue.publish().needed);
        for (std::uint32_t i = 0; i < size; ++i) {
            auto const chain = device.fetch();
            ASSERT_TRUE(chain && chain->intact);
            device.put_used(chain->head, 64);
        }
        device.flush_used();
        for (std::uint32_t i = 0; i < size; ++i) {
            Completion const done = queue.take_used();
            ASSERT_TRUE(done);
            ASSERT_EQ(done.token.value(), std::uintptr_t{i} + 1);
        }
        EXPECT_EQ(queue.take_used().state, CompletionState::none);
        EXPECT_EQ(queue.num_free(), size);
        queue.detach();
        ASSERT_TRUE(queue.release(memory).ok());
        memory.free_buffer(data);
    }
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

}  // namespace
}  // namespace virtq::test
