// SPDX-License-Identifier: MIT
#include <queue/contract_machine.hpp>
#include <queue/ring_pair.hpp>
#include <virtq/platform/detail/page_run.hpp>

#include <cstdint>
#include <set>

/// Checks of queue/ that only these tests reach. Each was found as a mutant that survived.
namespace virtq::test {

using namespace virtq::detail;

namespace {

/// Pushes a chain of 16 readable and 64 writable bytes: descriptors 0 and 1, token 1.
void push_two(RingPair<>& ring) {
    ring.hostile = true;
    DescIndex const head = *ring.queue.alloc_desc();
    DescIndex const tail = *ring.queue.alloc_desc();
    ring.queue.write_desc(head, ring.buffer(16).addr, 16, flag(spec::DescFlag::next), tail);
    ring.queue.write_desc(tail, ring.buffer(64).addr, 64, flag(spec::DescFlag::write));
    ASSERT_TRUE(ring.queue.push_avail(head, Token{std::uintptr_t{1}}).ok());
}

TEST(DescriptorTierCheck, CountsOnlyWritableBytesOfPushes) {
    RingPair<> ring;
    push_two(ring);
    ring.device->put_used_raw(0, 65);
    ring.device->flush_used();
    EXPECT_EQ(ring.queue.poll_used().state, CompletionState::broken);
    EXPECT_EQ(ring.queue.fault().reason, FaultReason::used_length_above_writable);
    // The invalid length did not complete the chain, so drain() returns it.
    ring.queue.detach();
    std::multiset<std::uintptr_t> back;
    ASSERT_TRUE(ring.queue.drain([&](Token token) { back.insert(token.value()); }).ok());
    EXPECT_EQ(back, (std::multiset<std::uintptr_t>{1}));
}

TEST(DescriptorTierCheck, WritesZeroWithoutALink) {
    RingPair<> ring;
    DescIndex const desc = *ring.queue.alloc_desc();
    ring.queue.write_desc(desc, ring.buffer(16).addr, 16, 0, DescIndex{5});
    EXPECT_EQ(ring.device->descriptor(number(desc)).next, 0);
}

TEST(DescriptorTierCheck, PushesAChainOfFullLength) {
    RingPair<> ring;
    DescIndex desc[8];
    for (DescIndex& each : desc) {
        each = *ring.queue.alloc_desc();
    }
    for (std::size_t i = 0; i < 8; ++i) {
        DescIndex const next = desc[(i + 1) % 8];
        ring.queue.write_desc(desc[i], ring.buffer(16).addr, 16, i == 7 ? 0 : flag(spec::DescFlag::next), next);
    }
    ASSERT_TRUE(ring.queue.push_avail(desc[0]).ok());
    EXPECT_EQ(ring.device->fetch()->readable.size(), 8u);
}

TEST(DescriptorTierCheck, KnowsNoDescriptorBeyondTheSize) {
    RingPair<16> ring({.size = 16});
    for (int i = 0; i < 16; ++i) {
        ASSERT_TRUE(ring.queue.alloc_desc().ok());
    }
    ring.queue.detach();
    ASSERT_TRUE(ring.queue.restart(8, modern()).ok());
    for (std::uint16_t const behind :
         {std::uint16_t{8}, std::uint16_t{9}, std::uint16_t{15}}) {  // allocated before the restart
        EXPECT_BREACH(ring.queue.free_desc(DescIndex{behind}), "not allocated");
    }
}

TEST(DescriptorTierCheck, HasUsedIgnoresALaterIndex) {
    RingPair<> ring;
    ring.hostile = true;
    ASSERT_TRUE(ring.add_writable(1).ok());
    ASSERT_TRUE(ring.add_writable(2).ok());
    static_cast<void>(ring.queue.publish());
    ring.device_uses_next();
    ring.device_uses_next();
    ASSERT_TRUE(ring.queue.poll_used());
    ring.device->write_used_idx_raw(1);  // takes back the second completion, which the driver has seen
    EXPECT_TRUE(ring.queue.has_used());
    ring.device->write_used_raw(1, 99, 0);
    EXPECT_EQ(ring.queue.poll_used().state, CompletionState::broken);
    EXPECT_TRUE(ring.queue.has_used());
}

TEST(LegacyPageNumber, MayBeTheHighestOf32Bits) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    memory.place_next_run(PhysAddr{0xfff'ffff'f000});
    ASSERT_TRUE(queue.init(memory, 8, legacy()).ok());
    EXPECT_EQ(queue.pfn(), UINT32_MAX);
    ASSERT_TRUE(queue.release(memory).ok());
    EXPECT_EQ(queue.pages().count, 0u);
    EXPECT_EQ(queue.pages().phys, PhysAddr{});
}

TEST(SharePages, IsTrueForACommonPage) {
    auto const run = [](std::uint64_t page, std::size_t count) {
        return Pages{nullptr, PhysAddr{page * page_bytes}, count};
    };
    for (std::uint64_t page = 0; page < 12; ++page) {
        for (std::size_t count = 1; count < 4; ++count) {
            bool const common = page < 7 && page + count > 5;  // with pages 5 and 6
            EXPECT_EQ(share_pages(run(page, count), run(5, 2)), common) << page << " " << count;
            EXPECT_EQ(share_pages(run(5, 2), run(page, count)), common) << page << " " << count;
        }
    }
}

class EveryKind : public testing::TestWithParam<QueueKind> {
protected:
    [[nodiscard]] static Features features() { return Combination{.kind = GetParam()}.features(); }
};

TEST_P(EveryKind, DrainsAndReleasesNothingBeforeInit) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    auto const queue = make_queue(GetParam());
    EXPECT_TRUE(queue->drain().empty());
    EXPECT_FALSE(queue->fault());
    EXPECT_TRUE(queue->release(memory).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST_P(EveryKind, DrainsNoChainFromBeforeRestart) {
    for (std::uint16_t const size :
         {std::uint16_t{8}, std::uint16_t{4}}) {  // more chains were in flight before than the restarted queue holds
        ContractMachine machine{{.kind = GetParam()}, 16};
        for (std::uintptr_t token = 1; token <= 16; ++token) {
            ASSERT_TRUE(machine.add(0, 1, token).ok());
        }
        static_cast<void>(machine.queue->publish());
        machine.queue->detach();
        ASSERT_TRUE(machine.queue->restart(size, features(), {}).ok());
        machine.start_over();
        ASSERT_TRUE(machine.add(0, 1, 99).ok());
        machine.queue->detach();
        EXPECT_EQ(machine.queue->drain(), std::vector<Token>{Token{std::uintptr_t{99}}});
    }
}

TEST_P(EveryKind, ForbidsSleepOnceBroken) {
    ContractMachine machine{{.kind = GetParam()}, 8};
    machine.hostile = true;
    ASSERT_TRUE(machine.add(0, 1, 1).ok());
    static_cast<void>(machine.queue->publish());
    machine.device->put_used_raw(77, 0);
    machine.device->flush_used();
    ASSERT_EQ(machine.queue->take_used().state, CompletionState::broken);
    if (machine.packed_ring != nullptr) {  // as if the device had used nothing
        machine.packed_ring->write_flags_raw(0, sim::flags_of(sim::Marks::available, true));
    } else {
        machine.split_ring->write_used_idx_raw(0);
    }
    EXPECT_EQ(machine.queue->enable_used_notifications(), MaySleep::broken);
}

INSTANTIATE_TEST_SUITE_P(Of, EveryKind,
                         testing::Values(QueueKind::split, QueueKind::packed, QueueKind::negotiated_split,
                                         QueueKind::negotiated_packed));

TEST(NegotiatedCheck, AssertsOneInitInEitherFormat) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    auto const queue = make_queue(QueueKind::negotiated_split);
    Features const packed = Combination{.kind = QueueKind::packed}.features();
    ASSERT_TRUE(queue->init(memory, 8, modern(), {}).ok());
    EXPECT_BREACH(queue->init(memory, 8, packed, {}), "Call release() first");
    ASSERT_TRUE(queue->release(memory).ok());
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

}  // namespace
}  // namespace virtq::test
