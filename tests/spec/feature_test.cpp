// SPDX-License-Identifier: MIT
#include <virtq/spec/feature.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace {

using virtq::Features;
using virtq::spec::Feature;

/// A set of one bit, by its number: some bits have no name yet.
Features only(unsigned bit) {
    Features set;
    set.set(bit);
    return set;
}

TEST(Features, IsEmptyAtFirst) {
    Features const none;
    EXPECT_TRUE(none.empty());
    for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
        EXPECT_FALSE(none.has_bit(bit)) << "bit " << bit;
    }
}

TEST(Features, IsAsWideAsTheStandard) {
    EXPECT_EQ(Features::bit_count, 128u);
    EXPECT_EQ(Features::word_count, 4u);
}

TEST(Features, KeepsEachBitOfFourWords) {
    for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
        Features const set = only(bit);
        EXPECT_FALSE(set.empty()) << "bit " << bit;
        for (unsigned other = 0; other < Features::bit_count; ++other) {
            EXPECT_EQ(set.has_bit(other), other == bit) << "bit " << bit << " seen at " << other;
        }
        for (unsigned word = 0; word < Features::word_count; ++word) {
            EXPECT_EQ(set.word(word), word == bit / 32 ? uint32_t{1} << (bit % 32) : 0u) << "bit " << bit;
        }
    }
}

TEST(Features, ClearsOneBitAndNoOther) {
    for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
        Features set;
        for (unsigned word = 0; word < Features::word_count; ++word) {
            set.set_word(word, 0xffff'ffff);
        }
        set.clear(bit);
        for (unsigned other = 0; other < Features::bit_count; ++other) {
            EXPECT_EQ(set.has_bit(other), other != bit) << "bit " << bit << " cleared, looked at " << other;
        }
    }
}

TEST(Features, TakesAndReturnsWords) {
    Features set;
    for (unsigned word = 0; word < Features::word_count; ++word) {
        set.set_word(word, 0x8000'0000u >> word);
    }
    for (unsigned word = 0; word < Features::word_count; ++word) {
        EXPECT_EQ(set.word(word), 0x8000'0000u >> word);
        EXPECT_TRUE(set.has_bit(32 * word + 31 - word));
    }
}

TEST(Features, IsMadeOfNames) {
    constexpr Features wanted = Features::of(Feature::version_1, Feature::event_idx, Feature::indirect_desc);
    static_assert(wanted.has(Feature::version_1) && wanted.has(Feature::event_idx));
    EXPECT_EQ(wanted.word(0), (uint32_t{1} << 28) | (uint32_t{1} << 29));
    EXPECT_EQ(wanted.word(1), uint32_t{1});
    EXPECT_FALSE(wanted.has(Feature::ring_packed));
}

TEST(Features, IsEmptyWithoutNames) {
    EXPECT_TRUE(Features::of().empty());
}

TEST(Features, IntersectsBitByBit) {
    for (unsigned a = 0; a < Features::bit_count; ++a) {
        EXPECT_EQ(only(a) & only(a), only(a)) << a;
        EXPECT_TRUE((only(a) & only((a + 1) % 128)).empty()) << a;
    }
}

TEST(Features, UnitesBitByBit) {
    Features all;
    for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
        all = all | only(bit);
    }
    for (unsigned word = 0; word < Features::word_count; ++word) {
        EXPECT_EQ(all.word(word), 0xffff'ffffu);
    }
}

TEST(Features, SubtractsBitByBit) {
    for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
        Features const pair = only(bit) | only((bit + 32) % 128);
        EXPECT_EQ(pair.without(only(bit)), only((bit + 32) % 128)) << bit;
        EXPECT_EQ(pair.without(Features{}), pair) << bit;
        EXPECT_TRUE(pair.without(pair).empty()) << bit;
    }
}

TEST(Features, ContainsItsParts) {
    for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
        Features const pair = only(bit) | only((bit + 64) % 128);
        EXPECT_TRUE(pair.contains(only(bit))) << bit;
        EXPECT_TRUE(pair.contains(pair)) << bit;
        EXPECT_TRUE(pair.contains(Features{})) << bit;
        EXPECT_FALSE(only(bit).contains(pair)) << bit;
    }
}

TEST(Features, DiffersInASingleBit) {
    for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
        EXPECT_NE(only(bit), Features{}) << bit;
        EXPECT_NE(only(bit), only((bit + 32) % 128)) << bit;
    }
}

TEST(Feature, HasTheNumbersOfTheStandard) {
    // §6 (Reserved Feature Bits) and §6.3 (Legacy Interface: Reserved Feature Bits), read apart from the header.
    EXPECT_EQ(static_cast<unsigned>(Feature::notify_on_empty), 24u);
    EXPECT_EQ(static_cast<unsigned>(Feature::any_layout), 27u);
    EXPECT_EQ(static_cast<unsigned>(Feature::indirect_desc), 28u);
    EXPECT_EQ(static_cast<unsigned>(Feature::event_idx), 29u);
    EXPECT_EQ(static_cast<unsigned>(Feature::version_1), 32u);
    EXPECT_EQ(static_cast<unsigned>(Feature::access_platform), 33u);
    EXPECT_EQ(static_cast<unsigned>(Feature::ring_packed), 34u);
    EXPECT_EQ(static_cast<unsigned>(Feature::in_order), 35u);
    EXPECT_EQ(static_cast<unsigned>(Feature::order_platform), 36u);
    EXPECT_EQ(static_cast<unsigned>(Feature::sr_iov), 37u);
    EXPECT_EQ(static_cast<unsigned>(Feature::notification_data), 38u);
    EXPECT_EQ(static_cast<unsigned>(Feature::notif_config_data), 39u);
    EXPECT_EQ(static_cast<unsigned>(Feature::ring_reset), 40u);
    EXPECT_EQ(static_cast<unsigned>(Feature::admin_vq), 41u);
    EXPECT_EQ(static_cast<unsigned>(Feature::suspend), 43u);
}

}  // namespace
