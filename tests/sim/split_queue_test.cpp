// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include <sim/raw_driver.hpp>
#include <sim/split_queue.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;

using wire::split::flag_indirect;
using wire::split::flag_next;
using wire::split::flag_write;

class SplitQueue : public ::testing::Test {
protected:
    GuestMemory memory;
    RawQueue driver{memory, 8};
    Buffer buffer = memory.allocate_buffer(4096);
    ViolationLog& log = memory.violations();

    [[nodiscard]] sim::SplitQueue device(bool event_idx = false) {
        auto config = driver.config();
        config.event_idx = event_idx;
        return sim::SplitQueue(memory, config);
    }

    void write(uint16_t index, uint16_t flags, uint16_t next = 0, uint32_t bytes = 16) {
        driver.write(index, {buffer.phys, bytes, flags, next});
    }

    /// Submits a chain of one descriptor.
    void submit_single(uint16_t index = 0, uint16_t flags = flag_write) {
        write(index, flags);
        driver.submit(index);
    }

    /// Expects that exactly this rule was broken, once.
    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }
};

TEST_F(SplitQueue, FetchesReadableAndWritableSegments) {
    sim::SplitQueue queue = device();
    driver.write(5, {buffer.phys, 16, flag_next, 2});
    driver.write(2, {buffer.phys + 16, 512, flag_next | flag_write, 7});
    driver.write(7, {buffer.phys + 528, 1, flag_write, 0});
    EXPECT_EQ(queue.available(), 0);
    driver.submit(5);
    EXPECT_EQ(queue.available(), 1);
    auto const chain = queue.fetch();
    ASSERT_TRUE(chain);
    EXPECT_TRUE(chain->intact);
    EXPECT_EQ(chain->head, 5);
    ASSERT_EQ(chain->readable.size(), 1u);
    ASSERT_EQ(chain->writable.size(), 2u);
    EXPECT_EQ(chain->readable_bytes(), 16u);
    EXPECT_EQ(chain->writable_bytes(), 513u);
    EXPECT_EQ(chain->writable[1].virt, buffer.virt + 528);
    EXPECT_EQ(queue.available(), 0);
    EXPECT_FALSE(queue.fetch());
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(SplitQueue, CopiesAcrossSegments) {
    sim::SplitQueue queue = device();
    for (uint16_t i = 0; i < 4; ++i) {
        auto const flags = static_cast<uint16_t>((i < 2 ? 0 : flag_write) | (i < 3 ? flag_next : 0));
        driver.write(i, {buffer.phys + 100u * i, 3, flags, static_cast<uint16_t>(i + 1)});
    }
    std::memcpy(buffer.virt, "abc", 3);
    std::memcpy(buffer.virt + 100, "def", 3);
    driver.submit(0);
    auto const chain = queue.fetch();
    ASSERT_TRUE(chain);
    char text[5] = {};
    EXPECT_EQ(chain->read(2, text, 3), 3u);
    EXPECT_STREQ(text, "cde");
    EXPECT_EQ(chain->read(4, text, 4), 2u);
    EXPECT_EQ(chain->write(2, "xyz", 3), 3u);
    EXPECT_EQ(buffer.virt[202], 'x');
    EXPECT_EQ(buffer.virt[300], 'y');
    EXPECT_EQ(buffer.virt[301], 'z');
    EXPECT_EQ(chain->fill(5, 1, 10), 1u);
}

TEST_F(SplitQueue, PublishesUsedEntriesOnlyWhenFlushed) {
    sim::SplitQueue queue = device();
    write(0, flag_write);
    write(3, flag_write);
    driver.offer(3);
    driver.offer(0);
    driver.publish();
    ASSERT_TRUE(queue.fetch());
    ASSERT_TRUE(queue.fetch());
    EXPECT_EQ(queue.in_flight(), 2u);
    queue.put_used(0, 11);
    queue.put_used(3, 12);
    EXPECT_EQ(driver.used_idx(), 0);
    queue.flush_used();
    EXPECT_EQ(driver.used_idx(), 2);
    EXPECT_EQ(driver.used_id(0), 0u);
    EXPECT_EQ(driver.used_length(0), 11u);
    EXPECT_EQ(driver.used_id(1), 3u);
    EXPECT_EQ(driver.used_length(1), 12u);
    EXPECT_EQ(queue.in_flight(), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(SplitQueue, RefusesUsedIdsNotInFlight) {
    sim::SplitQueue queue = device();
    EXPECT_THROW(queue.put_used(0, 0), std::logic_error);
    submit_single();
    ASSERT_TRUE(queue.fetch());
    queue.use(0, 0);
    EXPECT_THROW(queue.use(0, 0), std::logic_error);
}

TEST_F(SplitQueue, WrapsFromAnyStartIndex) {
    auto config = driver.config();
    config.start_index = 65530;
    sim::SplitQueue queue(memory, config);
    driver.next_available = 65530;
    EXPECT_EQ(queue.available(), 0);
    EXPECT_EQ(driver.used_idx(), 65530);
    for (int i = 0; i < 40; ++i) {
        submit_single(static_cast<uint16_t>(i % 8));
        ASSERT_EQ(queue.available(), 1);
        ASSERT_TRUE(queue.fetch());
        queue.use(static_cast<uint16_t>(i % 8), 1);
        EXPECT_EQ(driver.used_idx(), static_cast<uint16_t>(65531 + i));
        EXPECT_EQ(driver.used_id(static_cast<uint16_t>((65530 + i) % 8)), static_cast<uint32_t>(i % 8));
    }
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(SplitQueue, UsesBigEndianForLegacyGuests) {
    auto config = driver.config();
    config.order = ByteOrder::big;
    sim::SplitQueue queue(memory, config);
    encode(driver.base + 16, 8, buffer.phys.value, ByteOrder::big);
    encode(driver.base + 24, 4, 600, ByteOrder::big);
    encode(driver.base + 28, 2, flag_write, ByteOrder::big);
    encode(driver.available + 4, 2, 1, ByteOrder::big);
    encode(driver.available + 2, 2, 1, ByteOrder::big);
    auto const chain = queue.fetch();
    ASSERT_TRUE(chain);
    EXPECT_EQ(chain->writable_bytes(), 600u);
    queue.use(1, 258);
    EXPECT_EQ(decode(driver.used + 2, 2, ByteOrder::big), 1u);
    EXPECT_EQ(decode(driver.used + 4, 4, ByteOrder::big), 1u);
    EXPECT_EQ(decode(driver.used + 8, 4, ByteOrder::big), 258u);
    EXPECT_TRUE(log.empty()) << log;
}

// --- interrupts ---

TEST_F(SplitQueue, InterruptsUnlessTheFlagForbidsIt) {
    sim::SplitQueue queue = device();
    EXPECT_FALSE(queue.needs_interrupt());  // nothing was published
    submit_single();
    ASSERT_TRUE(queue.fetch());
    queue.use(0, 0);
    EXPECT_TRUE(queue.needs_interrupt());
    EXPECT_FALSE(queue.needs_interrupt());
    driver.set_flags(1);
    submit_single();
    ASSERT_TRUE(queue.fetch());
    queue.use(0, 0);
    EXPECT_FALSE(queue.needs_interrupt());
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(SplitQueue, InterruptsExactlyAtUsedEvent) {
    for (unsigned start : {0u, 100u, 65530u, 65535u}) {
        for (unsigned batch = 1; batch <= 8; ++batch) {
            for (unsigned ahead = 0; ahead < 12; ++ahead) {
                RawQueue raw(memory, 8);
                auto config = raw.config();
                config.event_idx = true;
                config.start_index = static_cast<uint16_t>(start);
                sim::SplitQueue queue(memory, config);
                raw.set_used_event(static_cast<uint16_t>(start + ahead));
                for (unsigned i = 0; i < batch; ++i) {
                    queue.put_used_raw(i, 0);
                }
                queue.flush_used();
                EXPECT_EQ(queue.needs_interrupt(), ahead < batch) << start << " " << batch << " " << ahead;
                memory.free_pages(raw.pages);
            }
        }
    }
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(SplitQueue, ReportsBadAvailableFlagsOnce) {
    sim::SplitQueue queue = device();
    driver.set_flags(2);
    for (uint16_t i = 0; i < 3; ++i) {
        submit_single(i);
        ASSERT_TRUE(queue.fetch());
    }
    expect_only("D-2.7.7.1-1");
}

TEST_F(SplitQueue, ReportsFlagsSetDespiteEventIndex) {
    sim::SplitQueue queue = device(true);
    driver.set_flags(1);
    submit_single();
    ASSERT_TRUE(queue.fetch());
    expect_only("D-2.7.7.1-3");
}

// --- notifications ---

TEST_F(SplitQueue, DisablesNotificationsByFlag) {
    sim::SplitQueue queue = device();
    queue.set_no_notify(true);
    EXPECT_EQ(driver.used_flags(), 1);
    queue.set_no_notify(false);
    EXPECT_EQ(driver.used_flags(), 0);
}

TEST_F(SplitQueue, UsesAvailEventWithEventIndex) {
    sim::SplitQueue queue = device(true);
    submit_single();
    ASSERT_TRUE(queue.fetch());
    EXPECT_FALSE(queue.arm_avail_event());
    EXPECT_EQ(driver.avail_event(), 1);
    queue.set_no_notify(true);
    EXPECT_EQ(driver.avail_event(), 0);
    EXPECT_EQ(driver.used_flags(), 0);
    queue.set_avail_event(77);
    EXPECT_EQ(driver.avail_event(), 77);
}

TEST_F(SplitQueue, ChecksAgainAfterArming) {
    sim::SplitQueue queue = device(true);
    EXPECT_FALSE(queue.arm_avail_event());
    submit_single();
    EXPECT_TRUE(queue.arm_avail_event());
}

// --- broken rules, one in each test ---

TEST_F(SplitQueue, ReportsAHeadOutOfRange) {
    sim::SplitQueue queue = device();
    driver.submit(8);
    auto const chain = queue.fetch();
    ASSERT_TRUE(chain);
    EXPECT_FALSE(chain->intact);
    expect_only("S-2.7.6-head");
}

TEST_F(SplitQueue, ReportsANextOutOfRange) {
    sim::SplitQueue queue = device();
    write(0, flag_next, 8);
    driver.submit(0);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.7.5-next");
}

TEST_F(SplitQueue, ReportsALoop) {
    sim::SplitQueue queue = device();
    write(0, flag_next, 1);
    write(1, flag_next, 0);
    driver.submit(0);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.7.5.2-1");
}

TEST_F(SplitQueue, AcceptsAChainOfFullLength) {
    sim::SplitQueue queue = device();
    for (uint16_t i = 0; i < 8; ++i) {
        write(i, i < 7 ? flag_next : uint16_t{0}, static_cast<uint16_t>(i + 1));
    }
    driver.submit(0);
    EXPECT_EQ(queue.fetch()->readable.size(), 8u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(SplitQueue, ReportsChainsAbove4GiB) {
    sim::SplitQueue queue = device();
    write(0, flag_next, 1, 0xffffffffu);
    write(1, flag_next, 2, 1);
    write(2, 0, 0, 1);
    driver.submit(0);
    EXPECT_FALSE(queue.fetch()->intact);
    EXPECT_EQ(log.count("D-2.7.5.2-1"), 1u) << log;
    EXPECT_EQ(log.count("S-2.7.5-addr"), 1u) << log;  // the guest has less memory
}

TEST_F(SplitQueue, AcceptsChainsOf4GiB) {
    sim::SplitQueue queue = device();
    write(0, flag_next, 1, 0xffffffffu);
    write(1, 0, 0, 1);
    driver.submit(0);
    ASSERT_TRUE(queue.fetch());
    EXPECT_FALSE(log.contains("D-2.7.5.2-1")) << log;
}

TEST_F(SplitQueue, ReportsAnEmptyElement) {
    sim::SplitQueue queue = device();
    write(0, 0, 0, 0);
    driver.submit(0);
    EXPECT_TRUE(queue.fetch()->intact);
    expect_only("S-2.7.5-length");
}

TEST_F(SplitQueue, ReportsReadableAfterWritable) {
    sim::SplitQueue queue = device();
    write(0, flag_write | flag_next, 1);
    write(1, flag_next, 2);
    write(2, 0);
    driver.submit(0);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.7.4.2-1");
}

TEST_F(SplitQueue, ReportsUnknownDescriptorFlags) {
    sim::SplitQueue queue = device();
    write(0, 8);
    driver.submit(0);
    EXPECT_TRUE(queue.fetch()->intact);
    expect_only("S-2.7.5-flags");
}

TEST_F(SplitQueue, ReportsAVirtualAddress) {
    sim::SplitQueue queue = device();
    driver.write(0, {PhysAddr{reinterpret_cast<uintptr_t>(buffer.virt)}, 16, flag_write, 0});
    driver.submit(0);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.7.5-addr");
}

TEST_F(SplitQueue, ReportsABufferBeyondItsMemory) {
    sim::SplitQueue queue = device();
    driver.write(0, {buffer.phys + 4000, 97, flag_write, 0});
    driver.submit(0);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.7.5-addr");
}

TEST_F(SplitQueue, ReportsADescriptorInFlight) {
    sim::SplitQueue queue = device();
    write(0, flag_next, 1);
    write(1, 0);
    driver.submit(0);
    ASSERT_TRUE(queue.fetch());
    driver.submit(1);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.7.13-busy");
}

TEST_F(SplitQueue, ReportsAChainAlteredInFlight) {
    sim::SplitQueue queue = device();
    submit_single();
    ASSERT_TRUE(queue.fetch());
    write(0, flag_write, 0, 17);
    queue.use(0, 0);
    expect_only("D-3.3.1-1");
}

TEST_F(SplitQueue, ReportsAnIndexGoingBack) {
    sim::SplitQueue queue = device();
    submit_single(0);
    submit_single(1);
    EXPECT_EQ(queue.available(), 2);
    driver.next_available = 1;
    driver.publish();
    EXPECT_EQ(queue.available(), 1);
    expect_only("D-2.7.6.1-1");
}

TEST_F(SplitQueue, ReportsAnIndexBeforeFetchedChains) {
    sim::SplitQueue queue = device();
    submit_single(0);
    ASSERT_TRUE(queue.fetch());
    driver.next_available = 0;
    driver.publish();
    EXPECT_EQ(queue.available(), 0);
    EXPECT_EQ(queue.available(), 0);
    expect_only("D-2.7.6.1-1");
}

TEST_F(SplitQueue, ReportsAnIndexTooFarAhead) {
    sim::SplitQueue queue = device();
    driver.next_available = 9;
    driver.publish();
    EXPECT_EQ(queue.available(), 0);
    EXPECT_FALSE(queue.fetch());
    expect_only("S-2.7.13-jump");
}

TEST_F(SplitQueue, AcceptsTheLargestFullRing) {
    RawQueue large(memory, 32768);
    sim::SplitQueue queue(memory, large.config());
    large.next_available = 32768;
    large.publish();
    EXPECT_EQ(queue.available(), 32768);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(SplitQueue, ReportsMisalignedAreas) {
    auto config = driver.config();
    config.descriptor_area = config.descriptor_area + 8;
    EXPECT_FALSE(sim::SplitQueue(memory, config).usable());
    config = driver.config();
    config.driver_area = config.driver_area + 1;
    EXPECT_FALSE(sim::SplitQueue(memory, config).usable());
    config = driver.config();
    config.device_area = config.device_area + 2;
    EXPECT_FALSE(sim::SplitQueue(memory, config).usable());
    EXPECT_EQ(log.count("D-2.7.1-1"), 3u) << log;
}

TEST_F(SplitQueue, ReportsAnImpossibleSizeOrPlace) {
    auto config = driver.config();
    config.size = 6;
    EXPECT_FALSE(sim::SplitQueue(memory, config).usable());
    expect_only("S-2.7-size");
    config = driver.config();
    config.device_area = PhysAddr{0x1000};
    sim::SplitQueue queue(memory, config);
    EXPECT_FALSE(queue.usable());
    EXPECT_EQ(queue.available(), 0);
    EXPECT_FALSE(queue.fetch());
    EXPECT_EQ(log.count("S-2.7-ram"), 1u) << log;
}

TEST_F(SplitQueue, ReportsUsedFlagsNotZeroed) {
    RawQueue::set(driver.used, 0x8181);
    sim::SplitQueue queue = device();
    expect_only("D-2.7.10.1-1");
}

// --- indirect tables and IN_ORDER ---

class IndirectTable : public SplitQueue {
protected:
    Buffer table = memory.allocate_buffer(16 * 16);

    [[nodiscard]] sim::SplitQueue indirect_device(bool in_order = false) {
        auto config = driver.config();
        config.indirect = true;
        config.in_order = in_order;
        return sim::SplitQueue(memory, config);
    }
    void entry(size_t index, uint16_t flags, uint16_t next = 0) {
        RawQueue::write_to(table.virt, index, {buffer.phys, 16, flags, next});
    }
    void submit_table(uint32_t entries, uint16_t flags = flag_indirect) {
        driver.write(0, {table.phys, entries * 16, flags, 1});
        driver.submit(0);
    }
};

TEST_F(IndirectTable, FetchesReadableAndWritableSegments) {
    sim::SplitQueue queue = indirect_device();
    entry(0, flag_next, 2);
    entry(2, flag_write);
    submit_table(3, flag_indirect | flag_write);  // §2.7.5.3.2: WRITE with INDIRECT is ignored
    auto const chain = queue.fetch();
    ASSERT_TRUE(chain);
    EXPECT_TRUE(chain->intact);
    EXPECT_EQ(chain->readable.size(), 1u);
    EXPECT_EQ(chain->writable.size(), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(IndirectTable, FetchesATableAfterOrdinaryDescriptors) {
    sim::SplitQueue queue = indirect_device();
    write(3, flag_next, 0);
    driver.write(0, {table.phys, 16, flag_indirect, 0});
    entry(0, flag_write);
    driver.submit(3);
    auto const chain = queue.fetch();
    ASSERT_TRUE(chain);
    EXPECT_EQ(chain->readable.size() + chain->writable.size(), 2u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(IndirectTable, ReportsTheFlagNotNegotiated) {
    sim::SplitQueue queue = device();
    entry(0, flag_write);
    submit_table(1);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.7.5.3.1-1");
}

TEST_F(IndirectTable, ReportsATableInATable) {
    sim::SplitQueue queue = indirect_device();
    entry(0, flag_indirect);
    submit_table(1);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.7.5.3.1-2");
}

TEST_F(IndirectTable, ReportsATooLongChain) {
    sim::SplitQueue queue = indirect_device();
    for (uint16_t i = 0; i < 9; ++i) {
        entry(i, i < 8 ? flag_next : uint16_t{0}, static_cast<uint16_t>(i + 1));
    }
    submit_table(9);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.7.5.3.1-3");
}

TEST_F(IndirectTable, ReportsTheFlagTogetherWithNext) {
    sim::SplitQueue queue = indirect_device();
    entry(0, flag_write);
    submit_table(1, flag_indirect | flag_next);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.7.5.3.1-4");
}

TEST_F(IndirectTable, ReportsATableOfOddLength) {
    sim::SplitQueue queue = indirect_device();
    driver.write(0, {table.phys, 17, flag_indirect, 0});
    driver.submit(0);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.7.5.3-length");
}

TEST_F(IndirectTable, ReportsEntriesOutOfSequence) {
    sim::SplitQueue queue = indirect_device(true);
    entry(0, flag_next, 2);
    entry(2, 0);
    submit_table(3);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.7.5.3.1-5");
}

TEST_F(IndirectTable, ReportsDescriptorsOutOfSequence) {
    sim::SplitQueue queue = indirect_device(true);
    write(0, flag_next, 2);
    write(2, 0);
    driver.submit(0);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.7.5.2-2");
}

TEST_F(IndirectTable, AnswersABatchWithOneEntry) {
    sim::SplitQueue queue = indirect_device(true);
    for (uint16_t i = 0; i < 3; ++i) {
        submit_single(i);
        ASSERT_TRUE(queue.fetch());
    }
    EXPECT_THROW(queue.put_used_batch(3, 0, 4), std::logic_error);
    queue.put_used_batch(2, 5, 3);
    queue.flush_used();
    EXPECT_EQ(driver.used_idx(), 3);
    EXPECT_EQ(driver.used_id(0), 2u);  // §2.7.9: at the entry of the first of the batch
    EXPECT_EQ(queue.in_flight(), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

// --- invalid values ---

TEST_F(SplitQueue, WritesInvalidUsedEntries) {
    sim::SplitQueue queue = device();
    queue.put_used_raw(99, 7);
    queue.flush_used();
    EXPECT_EQ(driver.used_idx(), 1);
    EXPECT_EQ(driver.used_id(0), 99u);
    queue.write_used_raw(3, 0xffffffffu, 0xfffffffeu);
    EXPECT_EQ(driver.used_id(3), 0xffffffffu);
    EXPECT_EQ(driver.used_length(3), 0xfffffffeu);
    queue.write_used_idx_raw(1234);
    EXPECT_EQ(driver.used_idx(), 1234);
    queue.write_used_flags_raw(0xbeef);
    EXPECT_EQ(driver.used_flags(), 0xbeef);
    queue.write_avail_event_raw(4321);
    EXPECT_EQ(driver.avail_event(), 4321);
}

TEST_F(SplitQueue, ReportsNothingForItsOwnScribbles) {
    sim::SplitQueue queue = device();
    submit_single(4);
    ASSERT_TRUE(queue.fetch());
    queue.scribble_descriptor(4, {0x1234, 5, 6, 7});
    EXPECT_EQ(queue.descriptor(4), (Descriptor{0x1234, 5, 6, 7}));
    queue.scribble_available(2, 77);
    EXPECT_EQ(RawQueue::get(driver.available + 4 + 2 * 2), 77);
    queue.scribble_available_idx(99);
    EXPECT_EQ(queue.avail_idx(), 99);
    queue.scribble_available_flags(3);
    EXPECT_EQ(queue.avail_flags(), 3);
    queue.scribble_used_event(5);
    EXPECT_EQ(queue.used_event(), 5);
    queue.use(4, 0);
    EXPECT_TRUE(log.empty()) << log;
}

}  // namespace virtq::sim_test
