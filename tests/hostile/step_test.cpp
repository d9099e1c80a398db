// SPDX-License-Identifier: MIT
#include <hostile/hostile_machine.hpp>

#include <cstdint>
#include <vector>

/// The accesses of a call, step by step: no more than it needs, and it sees what the device does in between.
namespace virtq::test {
namespace {

class EveryStep : public testing::TestWithParam<Combination> {
protected:
    /// Takes all used chains. Chains 3 and 4 are in flight.
    static void take_all(HostileMachine& machine) {
        machine.prepare();
        ASSERT_EQ(machine.take(), 2u);
        ASSERT_EQ(machine.take(), 0u);
    }
};

// The device uses a buffer while take_used() finds nothing. If take_used() then moves the event, it must poll again.
TEST_P(EveryStep, SeesBuffersUsedBetweenTwoPolls) {
    for (unsigned kind = 0; kind < 4; ++kind) {
        bool const notified = kind % 2 != 0;
        bool const in_burst = kind >= 2;
        std::size_t const limit = (in_burst ? 4 : 1) * HostileMachine::check_limit;
        auto const take = [&](HostileMachine& machine) {
            in_burst ? machine.take_burst(4) : static_cast<void>(machine.take());
        };
        auto const prepare = [&](HostileMachine& machine) {
            take_all(machine);
            if (notified) {
                ASSERT_EQ(machine.queue->enable_used_notifications(), MaySleep::yes);
            }
        };
        std::size_t steps = 0;
        {
            HostileMachine machine{GetParam()};
            prepare(machine);
            steps = machine.run([&] { take(machine); }, limit);
            EXPECT_EQ(steps, notified && GetParam().event_idx ? 3u : 1u);
        }
        for (std::size_t step = 0; step < steps; ++step) {
            HostileMachine machine{GetParam()};
            prepare(machine);
            machine.run([&] { take(machine); }, limit, step, [&] { machine.use(machine.head3, 32); });
            EXPECT_EQ(machine.waiting.count(3), 0u) << "before access " << step << " of " << steps;
            EXPECT_EQ(machine.take(), 0u);  // and no second completion
            EXPECT_EQ(machine.waiting.count(4), 1u);
            EXPECT_EQ(machine.complaints(), "");
            machine.drain();
        }
    }
}

// A call does not read again what it has seen, and requests no notification while completions are left.
TEST_P(EveryStep, TakeReadsOnlyTheKnownEntry) {
    HostileMachine machine{GetParam()};
    take_all(machine);
    ASSERT_EQ(machine.queue->enable_used_notifications(), MaySleep::yes);
    machine.use(machine.head3, 32);
    machine.use(machine.head4, 16);
    std::size_t const looked = GetParam().packed() ? 0 : 1;  // the used index, read once for both
    std::size_t const entry = GetParam().packed() ? 3 : 2;
    EXPECT_EQ(machine.run([&] { machine.take(); }, HostileMachine::check_limit), looked + entry);
    EXPECT_EQ(machine.run([&] { machine.take(); }, HostileMachine::check_limit), entry);
    EXPECT_EQ(machine.waiting.size(), 1u);
    machine.drain();
    EXPECT_EQ(machine.complaints(), "");
}

// A burst reads the index of a split ring once, each entry once, and one entry for a whole batch.
TEST_P(EveryStep, BurstReadsEachWordOnce) {
    for (bool const one_batch : {false, true}) {
        HostileMachine machine{GetParam()};
        take_all(machine);
        if (one_batch && !GetParam().in_order) {
            return;
        }
        if (one_batch) {
            machine.device->put_used_batch(machine.head4, 16, 2);
            machine.device->flush_used();
        } else {
            machine.use(machine.head3, 32);
            machine.use(machine.head4, 16);
        }
        std::size_t const entries = one_batch ? 1 : 2;
        std::size_t const looks = GetParam().in_order ? 2 : 1;  // with IN_ORDER once more behind the last batch
        std::size_t const expected = GetParam().packed() ? 3 * entries + 1 : 2 * entries + looks;
        EXPECT_EQ(machine.run([&] { machine.take_burst(9); }, 3 * HostileMachine::check_limit), expected);
        EXPECT_EQ(machine.waiting.size(), 1u);
        machine.drain();
        EXPECT_EQ(machine.complaints(), "");
    }
}

TEST_P(EveryStep, PollReadsOnlyTheKnownEntry) {
    HostileMachine machine{GetParam()};
    if (!HostileMachine::has_descriptor_tier(GetParam())) {
        return;
    }
    take_all(machine);
    machine.use(machine.head3, 32);
    machine.use(machine.head4, 16);
    auto const poll = [&] { machine.with_descriptor_tier([](auto& queue) { EXPECT_TRUE(queue.poll_used()); }); };
    EXPECT_EQ(machine.run(poll, 3), 3u);
    EXPECT_EQ(machine.run(poll, 2), 2u);
}

TEST_P(EveryStep, RequestsPositionsOnlyWithEventIndex) {
    if (!GetParam().packed()) {
        return;
    }
    HostileMachine machine{GetParam()};
    take_all(machine);
    ASSERT_EQ(machine.queue->enable_used_notifications(), MaySleep::yes);
    EXPECT_EQ(machine.packed_ring->driver_event().flags, GetParam().event_idx ? 2u : 0u);
    machine.drain();
}

// Whatever the start index, each word is in its part of the memory.
TEST_P(EveryStep, StartsAnywhereWithinTheQueue) {
    for (std::uint16_t const first : {std::uint16_t{5}, std::uint16_t{0x8000}, std::uint16_t{0x8007}}) {
        HostileMachine machine{GetParam()};
        take_all(machine);
        machine.drain();
        EXPECT_TRUE(machine.restart(first));
        EXPECT_EQ(machine.take(), 0u);
        EXPECT_EQ(machine.complaints(), "");
    }
}

// An address that keeps nothing is not memory, wherever in the run it is.
TEST_P(EveryStep, RejectsPagesThatAreNoMemory) {
    for (std::size_t bad = 0; bad < 2; ++bad) {
        sim::GuestMemory memory{std::size_t{1} << 20};
        auto const queue = make_queue(GetParam().kind);
        std::size_t page = 0;
        platform::is_memory = [&](void*) { return page++ != bad; };
        EXPECT_EQ(queue->init(memory, 256, GetParam().features(), {}).error(), Error::pages_not_memory) << bad;
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        // The queue tests no page outside the run.
        page = bad + 1;
        ASSERT_TRUE(queue->init(memory, 256, GetParam().features(), {}).ok());
        EXPECT_EQ(page - (bad + 1), queue->pages().count + queue->table_pages().count);
        EXPECT_TRUE(queue->release(memory).ok());
        platform::is_memory = nullptr;
    }
}

INSTANTIATE_TEST_SUITE_P(Every, EveryStep, testing::ValuesIn(all_combinations()),
                         [](auto const& of) { return of.param.name(); });

}  // namespace
}  // namespace virtq::test
