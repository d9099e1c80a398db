// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sim/packed_queue.hpp>
#include <sim/raw_driver.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;

using wire::packed::event_descriptor;
using wire::packed::event_disable;
using wire::packed::event_enable;
using wire::packed::flag_avail;
using wire::packed::flag_indirect;
using wire::packed::flag_next;
using wire::packed::flag_used;
using wire::packed::flag_write;

class PackedQueue : public ::testing::Test {
protected:
    GuestMemory memory;
    RawPackedQueue driver{memory, 6};
    Buffer buffer = memory.allocate_buffer(4096);
    ViolationLog& log = memory.violations();

    enum class With { nothing, event_idx, indirect, in_order };

    [[nodiscard]] sim::PackedQueue device(With feature = With::nothing) {
        auto config = driver.config();
        config.event_idx = feature == With::event_idx;
        config.indirect = feature == With::indirect;
        config.in_order = feature == With::in_order;
        return sim::PackedQueue(memory, config);
    }
    [[nodiscard]] RawDescriptor element(uint16_t flags = flag_write, uint32_t bytes = 16) const {
        return {buffer.phys, bytes, flags, 0};
    }
    [[nodiscard]] std::vector<RawDescriptor> list(size_t length) const {
        return std::vector<RawDescriptor>(length, element());
    }
    void submit(uint16_t id, size_t length = 1) { driver.submit(id, list(length)); }

    /// Expects that exactly this rule was broken, once.
    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }
};

TEST_F(PackedQueue, FetchesReadableAndWritableSegments) {
    sim::PackedQueue queue = device();
    EXPECT_EQ(queue.available(), 0);
    EXPECT_FALSE(queue.fetch());
    driver.submit(5, {element(0), {buffer.phys + 16, 512, flag_write}, {buffer.phys + 528, 1, flag_write}});
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
    EXPECT_EQ(queue.next_available(), (PackedPosition{3, true}));
    EXPECT_EQ(queue.available(), 0);
    EXPECT_FALSE(queue.fetch());
    EXPECT_EQ(queue.in_flight(), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, UsesTheLastDescriptorsId) {
    sim::PackedQueue queue = device();
    driver.offer(3, list(2));
    auto const first = queue.descriptor(0);
    driver.write(0, {first.addr, first.bytes, 77, first.flags});
    driver.publish();
    EXPECT_EQ(queue.fetch()->head, 3);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, WaitsForTheFirstFlags) {
    sim::PackedQueue queue = device();
    driver.offer(0, list(3));
    EXPECT_EQ(queue.available(), 0);
    EXPECT_FALSE(queue.fetch());
    EXPECT_EQ(queue.end_of_available(), PackedPosition{});
    driver.publish();
    EXPECT_EQ(queue.available(), 1);
    EXPECT_EQ(queue.end_of_available(), (PackedPosition{3, true}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, CountsListsAcrossTheWrap) {
    sim::PackedQueue queue = device();
    submit(0, 4);
    ASSERT_TRUE(queue.fetch());
    queue.use(0, 1);
    submit(1, 1);
    submit(2, 3);
    submit(3, 2);
    EXPECT_EQ(queue.available(), 3);
    EXPECT_EQ(queue.end_of_available(), (PackedPosition{4, false}));
    ASSERT_TRUE(queue.fetch());
    ASSERT_TRUE(queue.fetch());
    EXPECT_EQ(queue.available(), 1);
    ASSERT_TRUE(queue.fetch());
    EXPECT_EQ(queue.available(), 0);
    EXPECT_EQ(queue.end_of_available(), (PackedPosition{4, false}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, PublishesUsedDescriptorsOnlyWhenFlushed) {
    sim::PackedQueue queue = device();
    submit(2, 3);
    submit(4, 1);
    ASSERT_TRUE(queue.fetch());
    ASSERT_TRUE(queue.fetch());
    EXPECT_EQ(queue.in_flight(), 2u);
    queue.put_used(4, 11);
    queue.put_used(2, 12);
    EXPECT_FALSE(driver.has_used());
    EXPECT_EQ(marks_of(driver.flags(1), true), Marks::available);
    queue.flush_used();
    ASSERT_TRUE(driver.has_used());
    EXPECT_EQ(driver.id(0), 4);
    EXPECT_EQ(driver.length(0), 11u);
    EXPECT_EQ(driver.flags(0), flag_avail | flag_used | flag_write);
    EXPECT_EQ(driver.take_used(), 4);
    ASSERT_TRUE(driver.has_used());  // one position on: the first list had one descriptor
    EXPECT_EQ(driver.length(1), 12u);
    EXPECT_EQ(driver.take_used(), 2);
    EXPECT_EQ(driver.next_used, (PackedPosition{4, true}));
    EXPECT_EQ(queue.next_used(), (PackedPosition{4, true}));
    EXPECT_FALSE(driver.has_used());
    EXPECT_EQ(queue.in_flight(), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, RefusesUsedIdsNotInFlight) {
    sim::PackedQueue queue = device();
    EXPECT_THROW(queue.put_used(0, 0), std::logic_error);
    submit(0);
    ASSERT_TRUE(queue.fetch());
    EXPECT_THROW(queue.put_used_batch(0, 0, 1), std::logic_error);
    queue.use(0, 0);
    EXPECT_THROW(queue.use(0, 0), std::logic_error);
}

TEST_F(PackedQueue, WrapsAtAnyPositionAndSize) {
    for (uint16_t const size : std::initializer_list<uint16_t>{1, 2, 3, 5, 6, 8, 13}) {
        for (uint16_t offset = 0; offset < size; ++offset) {
            for (bool wrap : {true, false}) {
                RawPackedQueue raw(memory, size, {offset, wrap});
                sim::PackedQueue queue(memory, raw.config());
                EXPECT_EQ(queue.available(), 0) << size << " " << offset << " " << wrap;
                EXPECT_FALSE(raw.has_used());
                for (unsigned i = 0; i < 4u * size; ++i) {
                    auto const id = static_cast<uint16_t>(i % size);
                    EXPECT_FALSE(raw.has_used());
                    raw.submit(id, list(1 + i % size));
                    EXPECT_FALSE(raw.has_used());
                    ASSERT_EQ(queue.available(), 1);
                    EXPECT_TRUE(queue.fetch()->intact);
                    EXPECT_EQ(queue.next_available(), raw.next);
                    queue.use(id, 1);
                    ASSERT_TRUE(raw.has_used());
                    EXPECT_EQ(raw.take_used(), id);
                    EXPECT_EQ(raw.next_used, queue.next_used());
                }
                EXPECT_FALSE(raw.has_used());
                memory.free_pages(raw.pages);
            }
        }
    }
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, SeesBuffersOfferedBeforeTheStart) {
    for (auto const position : {PackedPosition{}, PackedPosition{4, false}, PackedPosition{4, true}}) {
        RawPackedQueue raw(memory, 6, position);
        raw.submit(3, list(3));
        sim::PackedQueue queue(memory, raw.config());
        ASSERT_EQ(queue.available(), 1);
        EXPECT_TRUE(queue.fetch()->intact);
        queue.use(3, 1);
        EXPECT_TRUE(raw.has_used());
    }
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, StaysFullOutOfOrder) {
    sim::PackedQueue queue = device();
    submit(0, 3);
    submit(1, 3);
    ASSERT_TRUE(queue.fetch());
    ASSERT_TRUE(queue.fetch());
    EXPECT_FALSE(queue.fetch());
    queue.use(1, 1);
    EXPECT_EQ(driver.take_used(), 1);
    submit(2, 1);  // reuses a descriptor of buffer 0, which is in flight, but whose position is free
    ASSERT_TRUE(queue.fetch());
    queue.use(0, 1);
    queue.use(2, 1);
    EXPECT_EQ(driver.take_used(), 0);
    EXPECT_EQ(driver.take_used(), 2);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, SetsWriteOnlyAfterWriting) {
    sim::PackedQueue queue = device();
    submit(0);
    driver.submit(1, {element(0)});
    ASSERT_TRUE(queue.fetch());
    ASSERT_TRUE(queue.fetch());
    queue.use(0, 7);
    queue.use(1, 0);
    EXPECT_EQ(driver.flags(0), flag_avail | flag_used | flag_write);
    EXPECT_EQ(driver.flags(1), flag_avail | flag_used);
    EXPECT_EQ(driver.length(1), 0u);
}

TEST_F(PackedQueue, WritesGarbageLengthsWithoutWrite) {
    sim::PackedQueue queue = device();
    for (uint16_t id = 0; id < 3; ++id) {
        submit(id);
        ASSERT_TRUE(queue.fetch());
    }
    queue.set_used_length(UsedLength::garbage_without_write);
    queue.use(0, 7);
    queue.use(1, 0);
    queue.set_used_length(UsedLength::never_write);
    queue.use(2, 9);
    EXPECT_EQ(driver.flags(0), flag_avail | flag_used | flag_write);
    EXPECT_EQ(driver.length(0), 7u);
    EXPECT_EQ(driver.flags(1), flag_avail | flag_used);
    EXPECT_EQ(driver.length(1), sim::PackedQueue::garbage_length);
    EXPECT_EQ(driver.flags(2), flag_avail | flag_used);
    EXPECT_EQ(driver.length(2), sim::PackedQueue::garbage_length);
}

TEST_F(PackedQueue, WorksInItsOwnThread) {
    sim::PackedQueue queue = device(With::event_idx);
    constexpr int rounds = 3000;
    std::thread worker([&] {
        for (int done = 0; done < rounds;) {
            while (auto const chain = queue.fetch()) {
                queue.put_used(chain->head, static_cast<uint32_t>(chain->writable_bytes()));
                ++done;
            }
            queue.flush_used();
            static_cast<void>(queue.needs_interrupt());
            static_cast<void>(queue.arm_avail_event());
            std::this_thread::yield();
        }
    });
    for (int i = 0; i < rounds; ++i) {
        submit(static_cast<uint16_t>(i % 6), 1 + static_cast<size_t>(i) % 6);
        while (!driver.has_used()) {
            std::this_thread::yield();
        }
        EXPECT_EQ(driver.length(driver.next_used.offset), 16u * (1 + static_cast<unsigned>(i) % 6));
        EXPECT_EQ(driver.take_used(), i % 6);
    }
    worker.join();
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, MarksTheFirstOfSeveralLast) {
    constexpr uint16_t count = 4096;
    for (int round = 0; round < 20; ++round) {
        RawPackedQueue raw(memory, count);
        sim::PackedQueue queue(memory, raw.config());
        for (uint16_t id = 0; id < count; ++id) {
            raw.submit(id, list(1));
            ASSERT_TRUE(queue.fetch());
            queue.put_used(id, 1);
        }
        std::thread worker([&] { queue.flush_used(); });
        while (!raw.has_used()) {
        }
        EXPECT_EQ(marks_of(raw.flags(count - 1), true), Marks::used);
        EXPECT_EQ(marks_of(raw.flags(1), true), Marks::used);
        worker.join();
        memory.free_pages(raw.pages);
    }
}

// --- interrupts ---

TEST_F(PackedQueue, InterruptsUnlessTheDriverForbidsIt) {
    sim::PackedQueue queue = device();
    EXPECT_FALSE(queue.needs_interrupt());  // nothing was published
    submit(0);
    submit(1);
    ASSERT_TRUE(queue.fetch());
    ASSERT_TRUE(queue.fetch());
    queue.put_used(0, 0);
    EXPECT_FALSE(queue.needs_interrupt());
    queue.flush_used();
    EXPECT_TRUE(queue.needs_interrupt());
    EXPECT_FALSE(queue.needs_interrupt());
    driver.set_driver_event({0, event_disable});
    queue.use(1, 0);
    EXPECT_FALSE(queue.needs_interrupt());
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, InterruptsExactlyAtTheEvent) {
    uint16_t const size = 5;
    for (uint16_t start = 0; start < 2 * size; ++start) {
        for (uint16_t batch = 1; batch <= size; ++batch) {
            for (uint16_t ahead = 0; ahead < 2 * size; ++ahead) {
                PackedPosition const from = PackedPosition{}.after(start, size);
                RawPackedQueue raw(memory, size, from);
                auto config = raw.config();
                config.event_idx = true;
                sim::PackedQueue queue(memory, config);
                raw.set_driver_event(EventSuppression::at(from.after(ahead, size)));
                raw.submit(0, list(batch));
                ASSERT_TRUE(queue.fetch());
                queue.use(0, 0);
                EXPECT_EQ(queue.needs_interrupt(), ahead < batch) << start << " " << batch << " " << ahead;
                memory.free_pages(raw.pages);
            }
        }
    }
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, CountsFromTheLastDecision) {
    sim::PackedQueue queue = device(With::event_idx);
    driver.set_driver_event(EventSuppression::at({1, true}));
    for (uint16_t id = 0; id < 3; ++id) {
        submit(id);
        ASSERT_TRUE(queue.fetch());
        queue.use(id, 0);
        EXPECT_EQ(queue.needs_interrupt(), id == 1);
    }
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, ReportsABadDriverEventOnce) {
    struct Case {
        EventSuppression event;
        With feature;
        char const* rule;
    };
    for (auto const& bad :
         {Case{{0, 3}, With::event_idx, "S-2.8.10-flags"}, Case{{0, event_descriptor}, With::nothing, "S-2.8.10-desc"},
          Case{{6, event_descriptor}, With::event_idx, "S-2.8.10-offset"},
          Case{{0, 4}, With::nothing, "S-2.8.14-reserved"}}) {
        driver = RawPackedQueue(memory, 6);
        sim::PackedQueue queue = device(bad.feature);
        driver.set_driver_event(bad.event);
        for (uint16_t id = 0; id < 3; ++id) {
            submit(id);
            ASSERT_TRUE(queue.fetch());
            queue.use(id, 0);
            EXPECT_TRUE(queue.needs_interrupt());
        }
        expect_only(bad.rule);
        log.clear();
    }
}

TEST_F(PackedQueue, ChecksTheDriverEventWhenFetching) {
    sim::PackedQueue queue = device();
    driver.set_driver_event({0, 3});
    submit(0);
    ASSERT_TRUE(queue.fetch());
    expect_only("S-2.8.10-flags");
}

// --- notifications ---

TEST_F(PackedQueue, DisablesNotificationsByFlag) {
    for (auto const feature : {With::nothing, With::event_idx}) {
        sim::PackedQueue queue = device(feature);
        queue.set_no_notify(true);
        EXPECT_EQ(driver.get_device_event(), (EventSuppression{0, event_disable}));
        queue.set_no_notify(false);
        EXPECT_EQ(driver.get_device_event(), (EventSuppression{0, event_enable}));
    }
}

TEST_F(PackedQueue, RequestsTheNextWithEventIndex) {
    sim::PackedQueue queue = device(With::event_idx);
    submit(0, 6);
    ASSERT_TRUE(queue.fetch());
    EXPECT_FALSE(queue.arm_avail_event());
    EXPECT_EQ(driver.get_device_event(), (EventSuppression{0, event_descriptor}));  // offset 0, wrap counter 0
    queue.use(0, 0);
    submit(1, 2);
    EXPECT_TRUE(queue.arm_avail_event());
    ASSERT_TRUE(queue.fetch());
    queue.set_avail_event({4, true});
    EXPECT_EQ(driver.get_device_event(), (EventSuppression{0x8004, event_descriptor}));
    EXPECT_EQ(queue.device_event().position(), (PackedPosition{4, true}));
}

TEST_F(PackedQueue, ChecksAgainAfterArming) {
    sim::PackedQueue queue = device();
    queue.set_no_notify(true);
    EXPECT_FALSE(queue.arm_avail_event());
    EXPECT_EQ(driver.get_device_event(), (EventSuppression{0, event_enable}));
    submit(0);
    EXPECT_TRUE(queue.arm_avail_event());
}

// --- broken rules, one in each test ---

TEST_F(PackedQueue, ReportsUsedEqualToAvail) {
    sim::PackedQueue queue = device();
    driver.offer(0, list(1));
    driver.set_flags(0, flag_avail | flag_used);
    EXPECT_EQ(queue.available(), 0);
    EXPECT_FALSE(queue.fetch());
    expect_only("S-2.8.1-marks");
}

TEST_F(PackedQueue, ReportsWrongUsedInSecondLap) {
    sim::PackedQueue queue = device();
    submit(0, 6);
    ASSERT_TRUE(queue.fetch());
    queue.use(0, 1);
    driver.offer(0, list(1));
    driver.set_flags(0, 0);  // wrap counter 0: AVAIL is 0, so USED must be 1
    EXPECT_FALSE(queue.fetch());
    expect_only("S-2.8.1-marks");
}

TEST_F(PackedQueue, ReportsAnIncompleteList) {
    sim::PackedQueue queue = device();
    driver.offer(99, list(3));  // this id does not count: only that of the last descriptor does
    driver.set_flags(2, 0);
    driver.publish();
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.17-6");
}

TEST_F(PackedQueue, ReportsWrongFlagsWithinAList) {
    for (uint16_t const marks : {uint16_t{flag_used}, uint16_t{flag_avail | flag_used}, uint16_t{0}}) {
        driver = RawPackedQueue(memory, 6);
        sim::PackedQueue queue = device();
        driver.offer(0, list(3));
        driver.set_flags(1, static_cast<uint16_t>(flag_next | flag_write | marks));
        driver.publish();
        EXPECT_FALSE(queue.fetch()->intact);
        expect_only("D-2.8.17-6");
        log.clear();
    }
}

TEST_F(PackedQueue, ReportsStaleWrapCounterWithinLists) {
    sim::PackedQueue queue = device();
    submit(0, 5);
    ASSERT_TRUE(queue.fetch());
    queue.use(0, 1);
    driver.offer(1, list(2));
    driver.set_flags(0, flag_avail | flag_write);  // as in the first lap
    driver.publish();
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.17-6");
}

TEST_F(PackedQueue, ReportsNextInTheLastDescriptor) {
    sim::PackedQueue queue = device();
    submit(0, 2);
    driver.set_flags(1, flag_avail | flag_next | flag_write);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.17-6");
}

TEST_F(PackedQueue, AcceptsAListOfFullLength) {
    sim::PackedQueue queue = device();
    submit(0, 6);
    EXPECT_EQ(queue.available(), 1);
    EXPECT_EQ(queue.fetch()->writable.size(), 6u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, ReportsATooLongList) {
    sim::PackedQueue queue = device();
    submit(0, 6);
    driver.set_flags(5, flag_avail | flag_next | flag_write);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.17-2");
}

TEST_F(PackedQueue, ReportsAListWithoutSpace) {
    sim::PackedQueue queue = device();
    submit(0, 4);
    ASSERT_TRUE(queue.fetch());
    submit(1, 3);  // its last descriptor is the first one of buffer 0
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.17-5");
}

TEST_F(PackedQueue, ReportsADescriptorReusedTooEarly) {
    sim::PackedQueue queue = device();
    submit(0, 6);
    ASSERT_TRUE(queue.fetch());
    queue.put_used(0, 0);  // not flushed, so the driver cannot know
    submit(1);
    EXPECT_EQ(queue.available(), 1);
    EXPECT_FALSE(queue.fetch()->intact);
    EXPECT_FALSE(queue.fetch());  // reported only once
    queue.flush_used();
    expect_only("D-2.8.16-1");
}

TEST_F(PackedQueue, ReportsAnOverwrittenDescriptorOnce) {
    sim::PackedQueue queue = device();
    submit(0, 6);
    ASSERT_TRUE(queue.fetch());
    submit(1);
    EXPECT_FALSE(queue.fetch()->intact);
    queue.use(0, 0);
    expect_only("D-2.8.16-1");
}

TEST_F(PackedQueue, ReportsADescriptorAlteredInFlight) {
    sim::PackedQueue queue = device();
    submit(0, 3);
    ASSERT_TRUE(queue.fetch());
    auto changed = queue.descriptor(2);
    ++changed.bytes;
    driver.write(2, changed);
    queue.use(0, 0);
    expect_only("D-2.8.16-2");
    EXPECT_EQ(log.entries()[0].value, 2u);
}

TEST_F(PackedQueue, ReportsAlteredFlagsIdAndAddress) {
    for (int what = 0; what < 3; ++what) {
        driver = RawPackedQueue(memory, 6);
        sim::PackedQueue queue = device();
        submit(0, 1);
        ASSERT_TRUE(queue.fetch());
        auto changed = queue.descriptor(0);
        changed.flags = static_cast<uint16_t>(changed.flags ^ (what == 0 ? flag_write : 0));
        changed.id = static_cast<uint16_t>(changed.id + (what == 1 ? 1 : 0));
        changed.addr += what == 2 ? 1 : 0;
        driver.write(0, changed);
        queue.use(0, 0);
        expect_only("D-2.8.16-2");
        log.clear();
    }
}

TEST_F(PackedQueue, ReportsABufferIdInFlight) {
    sim::PackedQueue queue = device();
    submit(3);
    submit(3);
    EXPECT_TRUE(queue.fetch()->intact);
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.8.21-busy");
}

TEST_F(PackedQueue, ServesButReportsInvalidBufferIds) {
    sim::PackedQueue queue = device();
    submit(6);
    EXPECT_TRUE(queue.fetch()->intact);
    expect_only("S-2.8.21-id");
    queue.use(6, 1);
    EXPECT_EQ(driver.id(0), 6);
}

TEST_F(PackedQueue, ReportsAnEmptyElement) {
    sim::PackedQueue queue = device();
    driver.submit(0, {element(flag_write, 0)});
    EXPECT_TRUE(queue.fetch()->intact);
    expect_only("S-2.8.4-length");
    log.clear();
    driver.submit(1, {{PhysAddr{0}, 0, flag_write}});
    EXPECT_TRUE(queue.fetch()->intact);
    expect_only("S-2.8.4-length");
}

TEST_F(PackedQueue, ReportsReadableAfterWritable) {
    sim::PackedQueue queue = device();
    driver.submit(0, {element(flag_write), element(0), element(0)});
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.17-3");
}

TEST_F(PackedQueue, ReportsUnknownDescriptorFlags) {
    for (uint16_t const unknown : {uint16_t{8}, uint16_t{1 << 6}, uint16_t{1 << 8}, uint16_t{1 << 14}}) {
        driver = RawPackedQueue(memory, 6);
        sim::PackedQueue queue = device();
        driver.submit(0, {element(unknown)});
        EXPECT_TRUE(queue.fetch()->intact);
        expect_only("S-2.8.13-flags");
        log.clear();
    }
}

TEST_F(PackedQueue, ReportsABufferOutsideItsMemory) {
    sim::PackedQueue queue = device();
    driver.submit(0, {{PhysAddr{reinterpret_cast<uintptr_t>(buffer.virt)}, 16, flag_write}});
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.8.4-addr");
    log.clear();
    driver.submit(1, {{buffer.phys + 4000, 97, flag_write}});
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.8.4-addr");
}

TEST_F(PackedQueue, ReportsMisalignedAreas) {
    auto config = driver.config();
    config.descriptor_area = config.descriptor_area + 8;
    EXPECT_FALSE(sim::PackedQueue(memory, config).usable());
    config = driver.config();
    config.driver_area = config.driver_area + 2;
    EXPECT_FALSE(sim::PackedQueue(memory, config).usable());
    config = driver.config();
    config.device_area = config.device_area + 2;
    EXPECT_FALSE(sim::PackedQueue(memory, config).usable());
    EXPECT_EQ(log.count("D-2.8.11-1"), 3u) << log;
}

TEST_F(PackedQueue, ReportsAnImpossibleSizeOrPlace) {
    auto config = driver.config();
    for (uint16_t const size : {uint16_t{0}, uint16_t{32769}}) {
        config.size = size;
        EXPECT_FALSE(sim::PackedQueue(memory, config).usable());
        expect_only("S-2.8-size");
        log.clear();
    }
    for (int which = 0; which < 3; ++which) {
        config = driver.config();
        (which == 0 ? config.descriptor_area : which == 1 ? config.driver_area : config.device_area) = PhysAddr{4096};
        sim::PackedQueue queue(memory, config);
        EXPECT_FALSE(queue.usable());
        EXPECT_EQ(queue.available(), 0);
        EXPECT_FALSE(queue.fetch());
        EXPECT_FALSE(queue.arm_avail_event());
        queue.set_no_notify(true);
        EXPECT_FALSE(queue.needs_interrupt());
        expect_only("S-2.8-ram");
        log.clear();
    }
}

TEST_F(PackedQueue, AcceptsTheLargestRing) {
    RawPackedQueue large(memory, 32768);
    sim::PackedQueue queue(memory, large.config());
    large.submit(32767, list(32768));
    EXPECT_EQ(queue.available(), 1);
    EXPECT_EQ(queue.fetch()->writable.size(), 32768u);
    queue.use(32767, 1);
    EXPECT_TRUE(large.has_used());
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, ReportsARingNotZeroed) {
    driver.set_flags(4, flag_used);
    sim::PackedQueue queue = device();
    expect_only("S-2.8.13-zero");
    EXPECT_EQ(log.entries()[0].value, 4u);
}

TEST_F(PackedQueue, ReportsADeviceEventNotZeroed) {
    RawQueue::set(driver.device_event, 1);
    sim::PackedQueue queue = device();
    expect_only("S-2.8.14-zero");
}

TEST_F(PackedQueue, RefusesAStartBeyondTheEnd) {
    auto config = driver.config();
    config.start = {6, true};
    EXPECT_THROW(sim::PackedQueue(memory, config), std::logic_error);
}

// --- indirect tables ---

class PackedIndirectTable : public PackedQueue {
protected:
    Buffer table = memory.allocate_buffer(16 * 16);

    void entry(size_t index, uint16_t flags) {
        RawQueue::write_to(table.virt, index, {buffer.phys, 16, 0xffff, flags});  // id, which is ignored, then flags
    }
    [[nodiscard]] RawDescriptor outer(uint32_t bytes, uint16_t flags = flag_indirect) const {
        return {table.phys, bytes, flags, 0};
    }
};

TEST_F(PackedIndirectTable, FetchesReadableAndWritableSegments) {
    sim::PackedQueue queue = device(With::indirect);
    entry(0, 0);
    entry(1, flag_write);
    entry(2, flag_write);
    driver.submit(4, {outer(48, flag_indirect | flag_write)});  // §2.8.7: WRITE with INDIRECT is ignored
    auto const chain = queue.fetch();
    ASSERT_TRUE(chain);
    EXPECT_TRUE(chain->intact);
    EXPECT_EQ(chain->head, 4);
    EXPECT_EQ(chain->readable.size(), 1u);
    EXPECT_EQ(chain->writable.size(), 2u);
    queue.use(4, 32);
    EXPECT_EQ(queue.next_used(), (PackedPosition{1, true}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedIndirectTable, AcceptsBothKindsInOneRing) {
    sim::PackedQueue queue = device(With::indirect);
    entry(0, flag_write);
    driver.submit(0, {outer(16)});
    submit(1, 3);
    EXPECT_TRUE(queue.fetch()->intact);
    EXPECT_TRUE(queue.fetch()->intact);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedIndirectTable, ReportsTheFlagNotNegotiated) {
    sim::PackedQueue queue = device();
    entry(0, flag_write);
    driver.submit(0, {outer(16)});
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.19-1");
}

TEST_F(PackedIndirectTable, IgnoresButReportsOtherTableFlags) {
    for (uint16_t const flag : {flag_next, flag_indirect, flag_avail, flag_used}) {
        driver = RawPackedQueue(memory, 6);
        sim::PackedQueue queue = device(With::indirect);
        entry(0, flag);
        entry(1, flag_write);
        driver.submit(0, {outer(32)});
        auto const chain = queue.fetch();
        EXPECT_TRUE(chain->intact);
        EXPECT_EQ(chain->readable.size() + chain->writable.size(), 2u);
        expect_only("D-2.8.19-2");
        log.clear();
    }
}

TEST_F(PackedIndirectTable, ReportsATooLongTable) {
    sim::PackedQueue queue = device(With::indirect);
    for (size_t i = 0; i < 7; ++i) {
        entry(i, flag_write);
    }
    driver.submit(0, {outer(6 * 16)});
    EXPECT_TRUE(queue.fetch()->intact);
    driver.submit(1, {outer(7 * 16)});
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.19-3");
}

TEST_F(PackedIndirectTable, ReportsTheFlagTogetherWithNext) {
    sim::PackedQueue queue = device(With::indirect);
    entry(0, flag_write);
    driver.submit(0, {outer(16), element()});
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.19-4");
    log.clear();
    driver.submit(1, {element(), outer(16)});
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("D-2.8.19-4");
}

TEST_F(PackedIndirectTable, ReportsATableOfOddLength) {
    sim::PackedQueue queue = device(With::indirect);
    for (uint32_t const bytes : {17u, 0u}) {
        driver.submit(static_cast<uint16_t>(bytes % 5), {outer(bytes)});
        EXPECT_FALSE(queue.fetch()->intact);
        expect_only("S-2.8.7-length");
        log.clear();
    }
}

TEST_F(PackedIndirectTable, ReportsAddressesOutsideMemory) {
    sim::PackedQueue queue = device(With::indirect);
    driver.submit(0, {{PhysAddr{4096}, 16, flag_indirect}});
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.8.4-addr");
    log.clear();
    RawQueue::write_to(table.virt, 0, {PhysAddr{4096}, 16, 0, 0});
    driver.submit(1, {outer(16)});
    EXPECT_FALSE(queue.fetch()->intact);
    expect_only("S-2.8.4-addr");
}

// --- IN_ORDER ---

TEST_F(PackedQueue, AnswersABatchWithOneDescriptor) {
    sim::PackedQueue queue = device(With::in_order);
    submit(5, 2);
    submit(1, 1);
    submit(3, 2);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(queue.fetch());
    }
    EXPECT_THROW(queue.put_used_batch(3, 0, 4), std::logic_error);
    EXPECT_THROW(queue.put_used_batch(5, 0, 2), std::logic_error);
    EXPECT_THROW(queue.put_used_batch(3, 0, 0), std::logic_error);
    queue.put_used_batch(1, 5, 2);
    queue.flush_used();
    EXPECT_EQ(driver.id(0), 1);  // §2.8.8: at the position of the first of the batch
    EXPECT_EQ(driver.length(0), 5u);
    EXPECT_TRUE(driver.has_used());
    EXPECT_EQ(queue.next_used(), (PackedPosition{3, true}));
    EXPECT_EQ(queue.in_flight(), 1u);
    queue.put_used_batch(3, 6, 1);
    queue.flush_used();
    EXPECT_EQ(driver.id(3), 3);
    EXPECT_EQ(queue.next_used(), (PackedPosition{5, true}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, RefusesOtherOrdersWithInOrder) {
    sim::PackedQueue queue = device(With::in_order);
    submit(5);
    submit(1);
    ASSERT_TRUE(queue.fetch());
    ASSERT_TRUE(queue.fetch());
    EXPECT_THROW(queue.put_used(1, 0), std::logic_error);
    queue.use(5, 0);
    queue.use(1, 0);
}

TEST_F(PackedQueue, ChecksAllDescriptorsOfABatch) {
    sim::PackedQueue queue = device(With::in_order);
    submit(0);
    submit(1);
    ASSERT_TRUE(queue.fetch());
    ASSERT_TRUE(queue.fetch());
    auto changed = queue.descriptor(1);
    ++changed.addr;
    driver.write(1, changed);
    queue.put_used_batch(1, 0, 2);
    expect_only("D-2.8.16-2");
}

// --- invalid values ---

TEST_F(PackedQueue, WritesInvalidUsedDescriptors) {
    sim::PackedQueue queue = device();
    queue.put_used_raw(99, 7);
    queue.put_used_raw(0xffff, 0xfffffffeu, queue.flags_here(Marks::used), 3);
    EXPECT_FALSE(driver.has_used());
    queue.flush_used();
    EXPECT_EQ(driver.id(0), 99);
    EXPECT_EQ(driver.length(0), 7u);
    EXPECT_EQ(driver.flags(0), flag_avail | flag_used | flag_write);
    EXPECT_EQ(driver.id(1), 0xffff);
    EXPECT_EQ(driver.length(1), 0xfffffffeu);
    EXPECT_EQ(driver.flags(1), flag_avail | flag_used);
    EXPECT_EQ(queue.next_used(), (PackedPosition{4, true}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, ReportsNothingAfterAnInvalidEntry) {
    sim::PackedQueue queue = device();
    submit(0, 6);
    ASSERT_TRUE(queue.fetch());
    queue.use(0, 0);
    driver.submit(1, {element(0, 99)});
    queue.put_used_raw(5, 0);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, TearsFlags) {
    EXPECT_EQ(flags_of(Marks::available, true), flag_avail);
    EXPECT_EQ(flags_of(Marks::available, false), flag_used);
    EXPECT_EQ(flags_of(Marks::used, true), flag_avail | flag_used);
    EXPECT_EQ(flags_of(Marks::used, false), 0);
    EXPECT_EQ(flags_of(Marks::stale, true), 0);
    EXPECT_EQ(flags_of(Marks::stale, false), flag_avail | flag_used);
    EXPECT_EQ(flags_of(Marks::available_next, true), flag_used);
    EXPECT_EQ(flags_of(Marks::available_next, false), flag_avail);
    for (auto const marks : {Marks::available, Marks::used, Marks::stale, Marks::available_next}) {
        driver = RawPackedQueue(memory, 6);
        sim::PackedQueue queue = device();
        EXPECT_EQ(marks_of(flags_of(marks, false), false), marks);
        EXPECT_EQ(marks_of(flags_of(marks, true), true), marks);
        submit(0);
        ASSERT_TRUE(queue.fetch());
        queue.put_used_raw(0, 1, queue.flags_here(marks));
        queue.flush_used();
        EXPECT_EQ(driver.has_used(), marks == Marks::used);
        EXPECT_EQ(marks_of(driver.flags(0), true), marks);
    }
}

TEST_F(PackedQueue, DistinguishesItsFlagsFromTheDrivers) {
    sim::PackedQueue queue = device();
    queue.write_flags_raw(0, flag_avail);
    EXPECT_EQ(queue.available(), 0);
    queue.write_flags_raw(0, flag_avail | flag_used);
    EXPECT_FALSE(queue.fetch());
    submit(0, 6);
    EXPECT_EQ(queue.available(), 1);
    ASSERT_TRUE(queue.fetch());
    queue.write_flags_raw(1, flag_used);
    queue.put_used_raw(0, 1, queue.flags_here(Marks::available_next));  // like the driver's flags in the next lap
    queue.flush_used();
    EXPECT_FALSE(queue.fetch());
    queue.write_flags_raw(0, flag_used | flag_write);
    EXPECT_FALSE(queue.fetch());
    EXPECT_TRUE(log.empty()) << log;
}

TEST_F(PackedQueue, WritesInvalidDeviceEvents) {
    sim::PackedQueue queue = device();
    queue.write_device_event_raw({0x7fff, 3});
    EXPECT_EQ(driver.get_device_event(), (EventSuppression{0x7fff, 3}));
    EXPECT_EQ(queue.device_event(), (EventSuppression{0x7fff, 3}));
}

TEST_F(PackedQueue, ReportsNothingForItsOwnScribbles) {
    sim::PackedQueue queue = device();
    submit(4, 2);
    ASSERT_TRUE(queue.fetch());
    queue.scribble_descriptor(1, {0x1234, 5, 6, 7});
    EXPECT_EQ(queue.descriptor(1), (PackedDescriptor{0x1234, 5, 6, 7}));
    EXPECT_EQ(driver.flags(1), 7);
    queue.write_flags_raw(0, flag_used);
    queue.scribble_driver_event({77, 1});
    EXPECT_EQ(queue.driver_event(), (EventSuppression{77, 1}));
    queue.use(4, 0);
    EXPECT_TRUE(log.empty()) << log;
}

}  // namespace virtq::sim_test
