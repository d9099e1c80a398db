// SPDX-License-Identifier: MIT
#include <queue/ring_pair.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

/// The chain tier over the split ring, seen from the device's side.
namespace virtq::test {
namespace {

// An array too long for unrolled code is handled like a span.
TEST(ChainTier, TakesALongArray) {
    RingPair<1024> ring({.size = 1024});
    static Segment segments[1000];
    Segment const one = ring.buffer(16);
    for (Segment& segment : segments) {
        segment = one;
    }
    ASSERT_TRUE(ring.queue.add(segments, NoSegments{}, Token{std::uintptr_t{1}}).ok());
    EXPECT_EQ(ring.queue.num_free(), 24);
    static_cast<void>(ring.queue.publish());
    auto const chain = ring.device->fetch();
    ASSERT_TRUE(chain.has_value());
    EXPECT_EQ(chain->readable.size(), 1000u);
    ring.device->use(chain->head, 0);
    EXPECT_TRUE(ring.queue.take_used());
}

TEST(ChainTier, OffersReadableSegmentsBeforeWritableOnes) {
    RingPair<> ring;
    Segment const readable[] = {ring.buffer(16), ring.buffer(100)};
    Segment const writable[] = {ring.buffer(512), ring.buffer(1)};
    ASSERT_TRUE(ring.queue.add(readable, writable, Token{std::uintptr_t{7}}).ok());
    ASSERT_TRUE(ring.queue.publish().needed);
    auto const chain = ring.device->fetch();
    ASSERT_TRUE(chain && chain->intact);
    ASSERT_EQ(chain->readable.size(), 2u);
    ASSERT_EQ(chain->writable.size(), 2u);
    EXPECT_EQ(chain->readable[0].phys, readable[0].addr);
    EXPECT_EQ(chain->readable[1].phys, readable[1].addr);
    EXPECT_EQ(chain->writable[0].phys, writable[0].addr);
    EXPECT_EQ(chain->writable[1].bytes, 1u);
    EXPECT_EQ(ring.queue.num_free(), 4);
}

TEST(ChainTier, KeepsTheOrderOfGatheredSegments) {
    RingPair<> ring;
    Segment const header[] = {ring.buffer(16)};
    Segment const data[] = {ring.buffer(100), ring.buffer(200)};
    Segment const status[] = {ring.buffer(1)};
    ASSERT_TRUE(ring.queue.add_gathered(Gather{header, {}}, Gather{data, status}, Token{}).ok());
    ASSERT_TRUE(ring.queue.add_gathered(Gather{header, data}, Gather{{}, status}, Token{}).ok());
    EXPECT_EQ(ring.queue.add_gathered(Gather{header, {}}, Gather{}, Token{}).error(), Error::queue_full);
    ASSERT_TRUE(ring.queue.publish().needed);
    auto const read = ring.device->fetch();
    ASSERT_TRUE(read && read->intact);
    EXPECT_EQ(read->readable_bytes(), 16u);
    EXPECT_EQ(read->writable_bytes(), 301u);
    auto const write = ring.device->fetch();
    ASSERT_TRUE(write && write->intact);
    EXPECT_EQ(write->readable_bytes(), 316u);
    EXPECT_EQ(write->writable_bytes(), 1u);
}

TEST(ChainTier, ShowsNothingBeforePublish) {
    RingPair<> ring;
    ASSERT_TRUE(ring.add_writable(1).ok());
    ASSERT_TRUE(ring.add_writable(2).ok());
    EXPECT_EQ(ring.device->available(), 0);
    EXPECT_TRUE(ring.queue.publish().needed);
    EXPECT_EQ(ring.device->available(), 2);
}

TEST(ChainTier, PublishesNothingTwice) {
    RingPair<> ring;
    EXPECT_FALSE(ring.queue.publish().needed);
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_TRUE(ring.queue.publish().needed);
    EXPECT_FALSE(ring.queue.publish().needed);
}

TEST(Token, IsEqualOnlyToItself) {
    int here = 0;
    EXPECT_EQ(Token{&here}, Token{&here});
    EXPECT_FALSE(Token{&here} == Token{});
}

TEST(ChainTier, GivesBackTokenAndLength) {
    RingPair<> ring;
    int request = 0;
    Segment const writable[] = {ring.buffer(64)};
    ASSERT_TRUE(ring.queue.add({}, writable, Token{&request}).ok());
    ASSERT_TRUE(ring.queue.publish().needed);
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::none);
    ring.device_uses_next(17);
    Completion const done = ring.queue.take_used();
    ASSERT_EQ(done.state, CompletionState::ready);
    EXPECT_EQ(done.token.as<int>(), &request);
    EXPECT_EQ(done.written, 17u);
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::none);
    EXPECT_EQ(ring.queue.num_free(), 8);
}

// nanos#633: a driver assumed in-order completions. https://github.com/nanovms/nanos/pull/633
TEST(ChainTier, TakesCompletionsInAnyOrder) {
    RingPair<> ring;
    for (std::uintptr_t token = 1; token <= 8; ++token) {
        ASSERT_TRUE(ring.add_writable(token).ok());
    }
    ASSERT_TRUE(ring.queue.publish().needed);
    std::vector<std::uint16_t> heads;
    while (auto const chain = ring.device->fetch()) {
        heads.push_back(chain->head);
    }
    std::size_t const order[] = {5, 0, 7, 3, 1, 6, 2, 4};
    for (std::size_t const i : order) {
        ring.device->put_used(heads[i], static_cast<std::uint32_t>(i));
    }
    ring.device->flush_used();
    for (std::size_t const i : order) {
        Completion const done = ring.queue.take_used();
        EXPECT_EQ(done.token.value(), i + 1);
        EXPECT_EQ(done.written, i);
    }
}

// serenity#6442: a full queue was an assertion failure. https://github.com/SerenityOS/serenity/pull/6442
TEST(ChainTier, RejectsWhenFullWithoutChange) {
    RingPair<> ring;
    Segment const three[] = {ring.buffer(16), ring.buffer(16), ring.buffer(16)};
    ASSERT_TRUE(ring.queue.add(three, {}, Token{}).ok());
    ASSERT_TRUE(ring.queue.add(three, {}, Token{}).ok());
    EXPECT_EQ(ring.queue.num_free(), 2);
    EXPECT_EQ(ring.queue.add(three, {}, Token{}).error(), Error::queue_full);
    EXPECT_EQ(ring.queue.num_free(), 2);
    ASSERT_TRUE(ring.queue.add({three, 2}, {}, Token{}).ok());
    EXPECT_EQ(ring.queue.add({three, 1}, {}, Token{}).error(), Error::queue_full);
    ASSERT_TRUE(ring.queue.publish().needed);
    EXPECT_EQ(ring.device->available(), 3);
    ring.device_uses_next();
    EXPECT_TRUE(ring.queue.take_used());
    EXPECT_TRUE(ring.queue.add(three, {}, Token{}).ok());
}

// zephyr#115008: an empty chain wrote outside an array.
TEST(ChainTier, RefusesAnEmptyChain) {
    RingPair<> ring;
    EXPECT_EQ(ring.queue.add(Span<Segment const>{}, Span<Segment const>{}, Token{}).error(), Error::chain_empty);
    EXPECT_EQ(ring.queue.add_gathered(Gather{}, Gather{}, Token{}).error(), Error::chain_empty);
    EXPECT_FALSE(ring.queue.publish().needed);
    EXPECT_EQ(ring.queue.num_free(), 8);
}

TEST(ChainTier, RejectsAnEmptyChainWhenFull) {
    RingPair<> ring({.size = 1});
    ASSERT_TRUE(ring.add_writable(1).ok());
    EXPECT_EQ(ring.queue.add(Span<Segment const>{}, Span<Segment const>{}, Token{}).error(), Error::chain_empty);
}

// sddf#740: after a descriptor of length 0 the device never answered again. https://github.com/au-ts/sddf/issues/740
TEST(ChainTier, RefusesAnEmptySegmentAnywhere) {
    for (std::size_t empty = 0; empty < 4; ++empty) {
        RingPair<> ring;
        Segment segments[] = {ring.buffer(16), ring.buffer(16), ring.buffer(16), ring.buffer(16)};
        segments[empty].bytes = 0;
        EXPECT_EQ(ring.queue.add({segments, 2}, {segments + 2, 2}, Token{}).error(), Error::segment_empty) << empty;
        EXPECT_EQ(ring.queue.num_free(), 8);
        EXPECT_FALSE(ring.queue.publish().needed);
        ASSERT_TRUE(ring.add_writable(1).ok());
    }
}

TEST(ChainTier, RejectsAChainOneTooLong) {
    RingPair<> ring;
    std::vector<Segment> segments(9, ring.buffer(16));
    EXPECT_EQ(ring.queue.add({segments.data(), 9}, {}, Token{}).error(), Error::chain_longer_than_queue);
    EXPECT_EQ(ring.queue.add({segments.data(), 4}, {segments.data(), 5}, Token{}).error(),
              Error::chain_longer_than_queue);
    EXPECT_TRUE(ring.queue.add({segments.data(), 4}, {segments.data(), 4}, Token{}).ok());
}

TEST(ChainTier, AcceptsExactly4GiB) {
    RingPair<> ring;
    ring.hostile = true;  // the simulated memory is smaller, so the device does not fetch these
    Segment const half{PhysAddr{0x1'0000'0000}, 0x8000'0000};
    Segment const exact[] = {half, half};
    EXPECT_TRUE(ring.queue.add({}, exact, Token{}).ok());
    Segment const above[] = {half, half, {PhysAddr{0x2'0000'0000}, 1}};
    EXPECT_EQ(ring.queue.add({}, above, Token{}).error(), Error::chain_above_4_gib);
    EXPECT_EQ(ring.queue.add({above, 1}, {above + 1, 2}, Token{}).error(), Error::chain_above_4_gib);
    EXPECT_EQ(ring.queue.num_free(), 6);
}

TEST(ChainTier, AcceptsEveryLengthOf4GiB) {
    RingPair<> ring;
    ring.hostile = true;
    Segment const half{PhysAddr{0x1'0000'0000}, 0x8000'0000};
    Segment const exact[] = {half, half};
    ASSERT_TRUE(ring.queue.add({}, exact, Token{}).ok());
    ASSERT_TRUE(ring.queue.publish().needed);
    ring.device->put_used_raw(0, UINT32_MAX);
    ring.device->flush_used();
    Completion const done = ring.queue.take_used();
    EXPECT_EQ(done.state, CompletionState::ready);
    EXPECT_EQ(done.written, UINT32_MAX);
}

// Onyx 3f666e7f: a driver shifted the upper half of an address the wrong way, which shows only above 4 GiB.
TEST(ChainTier, WritesAllBitsOfAnAddress) {
    RingPair<> ring;
    ring.hostile = true;
    Segment const far[] = {{PhysAddr{0x8877'6655'4433'2210}, 0x0102'0304}};
    ASSERT_TRUE(ring.queue.add({}, far, Token{}).ok());
    EXPECT_EQ(ring.device->descriptor(0).addr, 0x8877'6655'4433'2210u);
    EXPECT_EQ(ring.device->descriptor(0).bytes, 0x0102'0304u);
}

TEST(ChainTier, KeepsTokensApartAcrossTheWrap) {
    for (bool const event_idx : {false, true}) {
        RingPair<64> ring({.features = event_idx ? modern_event_idx() : modern(), .size = 64, .first_index = 65000});
        std::mt19937 random(12345);
        std::map<std::uintptr_t, std::uint32_t> expected;  // token -> bytes that the device will report
        std::vector<std::uint16_t> held;
        std::uintptr_t next_token = 1;
        std::vector<Segment> pool;
        for (int i = 0; i < 6; ++i) {
            pool.push_back(ring.buffer(128));
        }
        std::map<std::uint16_t, std::uintptr_t> token_of_head;
        std::vector<std::uintptr_t> in_order;
        for (int round = 0; round < 2000; ++round) {
            int const adds = static_cast<int>(random() % 8);
            for (int i = 0; i < adds; ++i) {
                std::size_t const readable = random() % 3;
                std::size_t const writable = 1 + random() % 3;
                if (ring.queue.add({pool.data(), readable}, {pool.data() + 3, writable}, Token{next_token}).ok()) {
                    in_order.push_back(next_token++);
                }
            }
            static_cast<void>(ring.queue.publish());
            while (auto const chain = ring.device->fetch()) {
                ASSERT_TRUE(chain->intact);
                token_of_head[chain->head] = in_order.front();
                in_order.erase(in_order.begin());
                held.push_back(chain->head);
            }
            std::shuffle(held.begin(), held.end(), random);
            for (std::size_t uses = random() % (held.size() + 1); uses != 0; --uses) {
                auto const length = static_cast<std::uint32_t>(random() % 129);
                expected[token_of_head[held.back()]] = length;
                ring.device->put_used(held.back(), length);
                held.pop_back();
            }
            ring.device->flush_used();
            while (Completion const done = ring.queue.take_used()) {
                auto const found = expected.find(done.token.value());
                ASSERT_NE(found, expected.end());
                EXPECT_EQ(done.written, found->second);
                expected.erase(found);
            }
            ASSERT_FALSE(ring.queue.fault());
            ASSERT_TRUE(expected.empty());
        }
        EXPECT_GT(next_token, 1000u);
    }
}

}  // namespace
}  // namespace virtq::test
