// SPDX-License-Identifier: MIT
#include <queue/ring_pair.hpp>

#include <cstdint>
#include <set>
#include <vector>

/// The descriptor tier: each classic kernel call in success, in every error and in every breach.
namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr std::uint16_t next = 1;
constexpr std::uint16_t write = 2;

/// Makes a chain of `count` descriptors. The last `writable` of them are device-writable.
template <class Ring>
std::vector<DescIndex> make_chain(Ring& ring, std::size_t count, std::size_t writable, std::uint32_t bytes = 32) {
    std::vector<DescIndex> chain;
    for (std::size_t i = 0; i < count; ++i) {
        chain.push_back(*ring.queue.alloc_desc());
    }
    for (std::size_t i = 0; i < count; ++i) {
        bool const last = i + 1 == count;
        auto const flags = static_cast<std::uint16_t>((last ? 0 : next) | (i >= count - writable ? write : 0));
        ring.queue.write_desc(chain[i], ring.buffer(bytes).addr, bytes, flags, last ? DescIndex{0} : chain[i + 1]);
    }
    return chain;
}

template <class Format>
class DescriptorTier : public testing::Test {};
using FormatsWithIt = testing::Types<Split>;
TYPED_TEST_SUITE(DescriptorTier, FormatsWithIt);

TYPED_TEST(DescriptorTier, AllocatesEachDescriptorOnce) {
    RingPair<8, TypeParam> ring;
    std::set<std::uint16_t> seen;
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(ring.queue.num_free(), 8 - i);
        seen.insert(number(*ring.queue.alloc_desc()));
    }
    EXPECT_EQ(seen.size(), 8u);
    EXPECT_EQ(ring.queue.alloc_desc().error(), Error::queue_full);
    for (std::uint16_t const desc : seen) {
        ring.queue.free_desc(DescIndex{desc});
    }
    EXPECT_EQ(ring.queue.num_free(), 8);
}

TEST(DescriptorTierInOrder, IsRefused) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    ASSERT_TRUE(queue.init(memory, 8, Features::of(spec::Feature::version_1, spec::Feature::in_order)).ok());
    EXPECT_EQ(queue.alloc_desc().error(), Error::descriptor_tier_in_order);
    EXPECT_BREACH(queue.has_used(), "IN_ORDER");
    EXPECT_BREACH(queue.poll_used(), "IN_ORDER");
    ASSERT_TRUE(queue.release(memory).ok());
}

// A token passed to push_avail() belongs to a chain in flight.
TYPED_TEST(DescriptorTier, DrainsAPushedChain) {
    RingPair<8, TypeParam> ring;
    std::vector<DescIndex> const chain = make_chain(ring, 2, 1);
    ASSERT_TRUE(ring.queue.push_avail(chain[0], Token{7}).ok());
    static_cast<void>(ring.queue.publish());
    ring.queue.detach();
    std::vector<std::uintptr_t> tokens;
    ASSERT_TRUE(ring.queue.drain([&](Token token) { tokens.push_back(token.value()); }).ok());
    EXPECT_EQ(tokens, std::vector<std::uintptr_t>{7});
}

TYPED_TEST(DescriptorTier, OffersAChainAtOnce) {
    RingPair<8, TypeParam> ring;
    auto const chain = make_chain(ring, 3, 2);
    ASSERT_TRUE(ring.queue.push_avail(chain[0]).ok());
    EXPECT_EQ(ring.device->available(), 1);
    auto const fetched = ring.device->fetch();
    ASSERT_TRUE(fetched && fetched->intact);
    EXPECT_EQ(fetched->head, number(chain[0]));
    EXPECT_EQ(fetched->readable_bytes(), 32u);
    EXPECT_EQ(fetched->writable_bytes(), 64u);
    EXPECT_TRUE(ring.queue.publish().needed);
    EXPECT_FALSE(ring.queue.publish().needed);
}

TYPED_TEST(DescriptorTier, PollReturnsHeadAndLength) {
    RingPair<8, TypeParam> ring;
    auto const chain = make_chain(ring, 3, 2);
    ASSERT_TRUE(ring.queue.push_avail(chain[0]).ok());
    EXPECT_FALSE(ring.queue.has_used());
    EXPECT_EQ(ring.queue.poll_used().state, CompletionState::none);
    ring.device_uses_next(40);
    EXPECT_TRUE(ring.queue.has_used());
    UsedChain const used = ring.queue.poll_used();
    ASSERT_EQ(used.state, CompletionState::ready);
    EXPECT_EQ(used.head, chain[0]);
    EXPECT_EQ(used.len, 40u);
    EXPECT_FALSE(ring.queue.has_used());
    EXPECT_EQ(ring.queue.num_free(), 5);
    ring.queue.free_chain(used.head);
    EXPECT_EQ(ring.queue.num_free(), 8);
}

TYPED_TEST(DescriptorTier, PollsTwoUsedAtOnce) {
    RingPair<8, TypeParam> ring;
    auto const first = make_chain(ring, 1, 1);
    auto const second = make_chain(ring, 1, 1);
    ASSERT_TRUE(ring.queue.push_avail(first[0]).ok());
    ASSERT_TRUE(ring.queue.push_avail(second[0]).ok());
    ring.device_uses_next(1);
    ring.device_uses_next(2);
    EXPECT_EQ(ring.queue.poll_used().head, first[0]);
    EXPECT_TRUE(ring.queue.has_used());
    UsedChain const used = ring.queue.poll_used();
    EXPECT_EQ(used.head, second[0]);
    EXPECT_EQ(used.len, 2u);
    EXPECT_FALSE(ring.queue.has_used());
}

TYPED_TEST(DescriptorTier, PushesTheSameChainAgain) {
    RingPair<8, TypeParam> ring;
    auto const chain = make_chain(ring, 2, 1);
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(ring.queue.push_avail(chain[0]).ok());
        ring.device_uses_next(32);
        EXPECT_EQ(ring.queue.poll_used().len, 32u);
    }
    ring.queue.free_chain(chain[0]);
}

TYPED_TEST(DescriptorTier, FreesDescriptorsOneByOne) {
    RingPair<8, TypeParam> ring;
    auto const chain = make_chain(ring, 3, 1);
    ring.queue.free_desc(chain[1]);
    ring.queue.free_desc(chain[0]);
    ring.queue.free_desc(chain[2]);
    EXPECT_EQ(ring.queue.num_free(), 8);
}

TYPED_TEST(DescriptorTier, SharesAQueueWithChainTier) {
    RingPair<8, TypeParam> ring;
    auto const chain = make_chain(ring, 2, 1);
    ASSERT_TRUE(ring.add_writable(77).ok());
    EXPECT_EQ(ring.device->available(), 0);
    ASSERT_TRUE(ring.queue.push_avail(chain[0], Token{std::uintptr_t{88}}).ok());  // also publishes the added chain
    EXPECT_EQ(ring.device->available(), 2);
    EXPECT_TRUE(ring.queue.publish().needed);
    ring.device_uses_next(5);
    ring.device_uses_next(6);
    Completion const added = ring.queue.take_used();
    EXPECT_EQ(added.token.value(), 77u);
    EXPECT_EQ(added.written, 5u);
    Completion const pushed = ring.queue.take_used();
    EXPECT_EQ(pushed.token.value(), 88u);
    EXPECT_EQ(pushed.written, 6u);
    EXPECT_EQ(ring.queue.num_free(), 8);  // take_used() frees the chains of both tiers
}

TYPED_TEST(DescriptorTier, PollsChainsOfTheChainTier) {
    RingPair<8, TypeParam> ring;
    Segment const readable[] = {ring.buffer(16), ring.buffer(16)};
    Segment const writable[] = {ring.buffer(64)};
    ASSERT_TRUE(ring.queue.add(readable, writable, Token{}).ok());
    ASSERT_TRUE(ring.queue.publish().needed);
    std::uint16_t const head = ring.device_uses_next(50);
    UsedChain const used = ring.queue.poll_used();
    EXPECT_EQ(number(used.head), head);
    EXPECT_EQ(used.len, 50u);
    EXPECT_EQ(ring.queue.num_free(), 5);
    EXPECT_BREACH(ring.queue.push_avail(used.head), "not allocated");
    ring.queue.free_chain(used.head);
    EXPECT_EQ(ring.queue.num_free(), 8);
    EXPECT_BREACH(ring.queue.free_chain(used.head), "not allocated");
}

TYPED_TEST(DescriptorTier, RejectsUnwrittenDescriptors) {
    RingPair<8, TypeParam> ring;
    DescIndex const desc = *ring.queue.alloc_desc();
    EXPECT_EQ(ring.queue.push_avail(desc).error(), Error::segment_empty);
    ring.queue.write_desc(desc, ring.buffer(32).addr, 32, write);
    ring.queue.free_desc(desc);
    DescIndex const again = *ring.queue.alloc_desc();
    EXPECT_EQ(again, desc);
    EXPECT_EQ(ring.queue.push_avail(again).error(), Error::segment_empty);
    EXPECT_EQ(ring.device->available(), 0);
}

TYPED_TEST(DescriptorTier, RefusesReadableAfterWritable) {
    RingPair<8, TypeParam> ring;
    auto const chain = make_chain(ring, 2, 0);
    ring.queue.write_desc(chain[0], ring.buffer(32).addr, 32, next | write, chain[1]);
    EXPECT_EQ(ring.queue.push_avail(chain[0]).error(), Error::readable_after_writable);
}

TYPED_TEST(DescriptorTier, RejectsACircularChain) {
    RingPair<8, TypeParam> ring;
    auto const chain = make_chain(ring, 3, 0);
    ring.queue.write_desc(chain[2], ring.buffer(32).addr, 32, next, chain[1]);
    EXPECT_EQ(ring.queue.push_avail(chain[0]).error(), Error::chain_longer_than_queue);
    EXPECT_EQ(ring.device->available(), 0);
    EXPECT_BREACH(ring.queue.free_chain(chain[0]), "freed twice, linked twice");
}

TYPED_TEST(DescriptorTier, RejectsChainsAbove4GiB) {
    RingPair<8, TypeParam> ring;
    DescIndex const a = *ring.queue.alloc_desc();
    DescIndex const b = *ring.queue.alloc_desc();
    DescIndex const c = *ring.queue.alloc_desc();
    ring.queue.write_desc(a, PhysAddr{0x1000}, 0x8000'0000, next, b);
    ring.queue.write_desc(b, PhysAddr{0x1000}, 0x8000'0000, next | write, c);
    ring.queue.write_desc(c, PhysAddr{0x1000}, 1, write);
    EXPECT_EQ(ring.queue.push_avail(a).error(), Error::chain_above_4_gib);
    ring.hostile = true;  // the guest has less memory
    ring.queue.write_desc(b, PhysAddr{0x1000}, 0x8000'0000, write);
    EXPECT_TRUE(ring.queue.push_avail(a).ok());
}

TYPED_TEST(DescriptorTier, NamesTheRuleOfEveryBreach) {
    RingPair<8, TypeParam> ring;
    DescIndex const mine = *ring.queue.alloc_desc();
    DescIndex const free{7};
    DescIndex const outside{8};

    EXPECT_BREACH(ring.queue.free_desc(free), "free_desc() got a descriptor that is not allocated");
    EXPECT_BREACH(ring.queue.free_desc(outside), "out of range");
    EXPECT_BREACH(ring.queue.free_chain(outside), "out of range");
    EXPECT_BREACH(ring.queue.free_chain(free), "not allocated");
    EXPECT_BREACH(ring.queue.write_desc(free, PhysAddr{1}, 1, 0),
                  "write_desc() got a descriptor that is not allocated");
    EXPECT_BREACH(ring.queue.write_desc(outside, PhysAddr{1}, 1, 0), "out of range");
    EXPECT_BREACH(ring.queue.write_desc(mine, PhysAddr{1}, 1, 4), "NEXT and WRITE only");
    EXPECT_BREACH(ring.queue.write_desc(mine, PhysAddr{1}, 1, next, free), "NEXT into a descriptor");
    EXPECT_BREACH(ring.queue.write_desc(mine, PhysAddr{1}, 1, next, outside), "NEXT into a descriptor");
    EXPECT_BREACH(ring.queue.push_avail(free), "not allocated");
    EXPECT_BREACH(ring.queue.push_avail(outside), "not allocated");

    ring.queue.free_desc(mine);
    EXPECT_BREACH(ring.queue.free_desc(mine), "freed twice");
}

TYPED_TEST(DescriptorTier, NamesTheRuleInFlight) {
    RingPair<8, TypeParam> ring;
    auto const chain = make_chain(ring, 2, 1);
    DescIndex const mine = *ring.queue.alloc_desc();
    ASSERT_TRUE(ring.queue.push_avail(chain[0]).ok());
    for (DescIndex const desc : chain) {
        EXPECT_BREACH(ring.queue.free_desc(desc), "in flight");
        EXPECT_BREACH(ring.queue.free_chain(desc), "in flight");
        EXPECT_BREACH(ring.queue.write_desc(desc, PhysAddr{1}, 1, 0), "in flight");
        EXPECT_BREACH(ring.queue.push_avail(desc), "in flight already");
        EXPECT_BREACH(ring.queue.write_desc(mine, PhysAddr{1}, 1, next, desc), "NEXT into");
    }
    EXPECT_EQ(ring.queue.num_free(), 5);
}

TYPED_TEST(DescriptorTier, AssertsThatLinksAreAllocated) {
    RingPair<8, TypeParam> ring;
    auto const chain = make_chain(ring, 2, 1);
    ring.queue.free_desc(chain[1]);
    EXPECT_BREACH(ring.queue.push_avail(chain[0]), "not allocated");
}

TYPED_TEST(DescriptorTier, RejectsAMidChainId) {
    RingPair<8, TypeParam> ring;
    ring.hostile = true;
    auto const chain = make_chain(ring, 3, 1);
    ASSERT_TRUE(ring.queue.push_avail(chain[0]).ok());
    ring.device->put_used_raw(number(chain[1]), 0);
    ring.device->flush_used();
    EXPECT_EQ(ring.queue.poll_used().state, CompletionState::broken);
    EXPECT_EQ(ring.queue.fault().reason, FaultReason::used_id_not_in_flight);
}

TYPED_TEST(DescriptorTier, RejectsTheCallersDescriptorAsUsed) {
    RingPair<8, TypeParam> ring;
    ring.hostile = true;
    auto const pushed = make_chain(ring, 1, 1);
    auto const kept = make_chain(ring, 1, 1);
    ASSERT_TRUE(ring.queue.push_avail(pushed[0]).ok());
    ring.device->put_used_raw(number(kept[0]), 0);
    ring.device->flush_used();
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
    EXPECT_EQ(ring.queue.fault().value, number(kept[0]));
    ring.queue.free_chain(kept[0]);  // the caller still owns and may free it
    EXPECT_EQ(ring.queue.num_free(), 0);
}

TYPED_TEST(DescriptorTier, NotifiesAfter65536UnpublishedPushes) {
    for (int const pushes : {65535, 65536, 65537, 65539}) {
        RingPair<8, TypeParam> ring({.features = modern_event_idx()});
        auto const chain = make_chain(ring, 1, 1);
        for (int i = 0; i < pushes; ++i) {
            ASSERT_TRUE(ring.queue.push_avail(chain[0]).ok());
            ring.device_uses_next(1);
            ASSERT_TRUE(ring.queue.poll_used());
        }
        ring.device->set_avail_event(static_cast<std::uint16_t>(pushes - 1));  // the entry of the last push
        EXPECT_TRUE(ring.queue.publish().needed) << pushes;
        EXPECT_FALSE(ring.queue.publish().needed) << pushes;
    }
}

TYPED_TEST(DescriptorTier, ChainTierSurvives65536Pushes) {
    for (int const pushes : {65534, 65535, 65536}) {
        for (bool const event_idx : {false, true}) {
            RingPair<8, TypeParam> ring({.features = event_idx ? modern_event_idx() : modern()});
            auto const chain = make_chain(ring, 1, 1);
            for (int i = 0; i < pushes; ++i) {
                ASSERT_TRUE(ring.queue.push_avail(chain[0]).ok());
                ring.device_uses_next(1);
                ASSERT_TRUE(ring.queue.poll_used());
            }
            if (event_idx) {
                ring.device->set_avail_event(static_cast<std::uint16_t>(pushes));  // the first of the next two
            }
            ASSERT_TRUE(ring.add_writable(1).ok());
            ASSERT_TRUE(ring.add_writable(2).ok());
            EXPECT_TRUE(ring.queue.publish().needed) << pushes;
            EXPECT_EQ(ring.device->available(), 2) << pushes;
        }
    }
}

TYPED_TEST(DescriptorTier, IgnoresAnEventBeforeThePushes) {
    RingPair<8, TypeParam> ring({.features = modern_event_idx(), .first_index = 1000});
    auto const chain = make_chain(ring, 1, 1);
    ring.device->set_avail_event(990);
    ASSERT_TRUE(ring.queue.push_avail(chain[0]).ok());
    EXPECT_FALSE(ring.queue.publish().needed);
}

TYPED_TEST(DescriptorTier, BrokenQueueStillFreesDescriptors) {
    RingPair<8, TypeParam> ring;
    ring.hostile = true;
    DescIndex const desc = *ring.queue.alloc_desc();
    ring.device->put_used_raw(8, 0);
    ring.device->flush_used();
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
    ring.queue.free_desc(desc);
    EXPECT_BREACH(ring.queue.free_desc(desc), "freed twice");
}

/// Pushes 32769 chains, each used at once, without a publish() that decides on a notification.
template <class Ring>
void push_half_a_round(Ring& ring, DescIndex chain) {
    for (int i = 0; i < 32769; ++i) {
        ASSERT_TRUE(ring.queue.push_avail(chain).ok());
        ring.device_uses_next(0);
        ASSERT_TRUE(ring.queue.poll_used());
    }
}

TYPED_TEST(DescriptorTier, NotifiesAfterARoundOfPushes) {
    for (bool const event_idx : {false, true}) {
        RingPair<32768, TypeParam> ring({.features = event_idx ? modern_event_idx() : modern(), .size = 32768});
        auto const chain = make_chain(ring, 1, 1);
        ASSERT_NO_FATAL_FAILURE(push_half_a_round(ring, chain[0]));
        Segment const answer[] = {ring.buffer(16)};
        for (std::uintptr_t i = 0; i < 32767; ++i) {
            ASSERT_TRUE(ring.queue.add(NoSegments{}, answer, Token{i}).ok());
        }
        ASSERT_TRUE(ring.queue.push_avail(chain[0]).ok());
        ring.device->set_avail_event(32769);
        EXPECT_TRUE(ring.queue.publish().needed) << event_idx;
        EXPECT_FALSE(ring.queue.publish().needed) << event_idx;
    }
}

/// Then adds as many chains as the queue has descriptors. With N = 32768 the index wraps.
template <std::uint32_t N, class Format>
void decide_behind_half_a_round() {
    RingPair<N, Format> ring({.features = modern_event_idx(), .size = N});
    auto const chain = make_chain(ring, 1, 1);
    ASSERT_NO_FATAL_FAILURE(push_half_a_round(ring, chain[0]));
    ring.queue.free_chain(chain[0]);
    Segment const answer[] = {ring.buffer(16)};
    for (std::uintptr_t i = 0; i < N; ++i) {
        ASSERT_TRUE(ring.queue.add(NoSegments{}, answer, Token{i}).ok());
    }
    ring.device->set_avail_event(32769);  // the first added chain; the device has used all before it
    EXPECT_TRUE(ring.queue.publish().needed);
    EXPECT_FALSE(ring.queue.publish().needed);
}

TYPED_TEST(DescriptorTier, NotifiesAfterARoundOfAdds) {
    decide_behind_half_a_round<32768, TypeParam>();
    decide_behind_half_a_round<16384, TypeParam>();
}

TYPED_TEST(DescriptorTier, PushPublishesEarlierChains) {
    RingPair<8, TypeParam> ring;
    ASSERT_TRUE(ring.add_writable(1).ok());
    ASSERT_TRUE(ring.add_writable(2).ok());
    auto const chain = make_chain(ring, 1, 1);
    ASSERT_TRUE(ring.queue.push_avail(chain[0], Token{std::uintptr_t{3}}).ok());
    ASSERT_TRUE(ring.add_writable(4).ok());
    for (int i = 0; i < 3; ++i) {
        ring.device_uses_next(0);
    }
    for (std::uintptr_t token = 1; token <= 3; ++token) {
        EXPECT_EQ(ring.queue.take_used().token.value(), token);
    }
    static_cast<void>(ring.queue.publish());
    ring.device_uses_next(0);
    EXPECT_EQ(ring.queue.take_used().token.value(), 4u);
    EXPECT_EQ(ring.queue.num_free(), 8);
}

}  // namespace
}  // namespace virtq::test
