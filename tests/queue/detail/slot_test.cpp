// SPDX-License-Identifier: MIT
#include <virtq/queue/completion.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq {

using namespace virtq::detail;

namespace {

RingIndex at(unsigned value) {
    return static_cast<RingIndex>(static_cast<std::uint16_t>(value));
}

TEST(RingIndex, AdvancesAcrossTheWrap) {
    EXPECT_EQ(advance(at(65535)), at(0));
    EXPECT_EQ(advance(at(65530), 10), at(4));
}

TEST(RingIndex, MeasuresDistanceModulo65536) {
    EXPECT_EQ(distance(at(65530), at(4)), 10);
    EXPECT_EQ(distance(at(4), at(65530)), 65526);
    EXPECT_EQ(distance(at(7), at(7)), 0);
}

TEST(RingIndex, MapsToASlotModuloSize) {
    EXPECT_EQ(slot_of(at(65535), 7), Slot{7});
    EXPECT_EQ(slot_of(at(8), 7), Slot{0});
}

/// §2.7.10.1, literally: steps entry by entry, and compares each index with avail_event.
bool passed_one_by_one(std::uint16_t event, std::uint16_t from, std::uint16_t to) {
    for (std::uint16_t index = from; index != to; ++index) {
        if (index == event) {
            return true;
        }
    }
    return false;
}

// rcore-os/virtio-drivers 9742c44 compares `avail_idx >= avail_event + 1`, which is wrong once the index has wrapped.
TEST(EventIndex, AgreesWithSteppingAroundTheWrap) {
    for (unsigned from = 65500; from < 65536 + 40; from += 3) {
        for (unsigned length = 0; length < 70; ++length) {
            for (unsigned event = from - 40; event < from + length + 40; ++event) {
                auto const f = static_cast<std::uint16_t>(from);
                auto const t = static_cast<std::uint16_t>(from + length);
                auto const e = static_cast<std::uint16_t>(event);
                ASSERT_EQ(passes_event(at(e), at(f), at(t)), passed_one_by_one(e, f, t)) << e << " " << f << " " << t;
            }
        }
    }
}

TEST(EventIndex, HoldsForTheLongestBatch) {
    EXPECT_TRUE(passes_event(at(0), at(1), at(0)) == passed_one_by_one(0, 1, 0));
    EXPECT_TRUE(passes_event(at(65535), at(1), at(0)));
    EXPECT_FALSE(passes_event(at(0), at(1), at(0)));
}

}  // namespace
}  // namespace virtq
