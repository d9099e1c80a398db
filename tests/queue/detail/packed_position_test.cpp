// SPDX-License-Identifier: MIT
#include <virtq/queue/detail/packed/packed_position.hpp>

#include <gtest/gtest.h>

#include <cstdint>

/// Tests positions in a packed ring against a counter. Descriptors are numbered from 0 upwards without end, and a
/// position is such a number modulo two laps.
namespace virtq::test {

using namespace virtq::detail;

namespace {

std::uint16_t word_of(std::uint32_t number, std::uint32_t size) {
    bool const wrap = number / size % 2 == 0;
    return static_cast<std::uint16_t>(number % size | (wrap ? 0x8000u : 0u));
}
/// `PackedPosition::start` takes bit 15 inverted: 0 is the beginning.
PackedPosition place_of(std::uint32_t number, std::uint32_t size) {
    return PackedPosition::start(static_cast<std::uint16_t>(word_of(number, size) ^ 0x8000u));
}

TEST(PackedPosition, MovesLikeACounter) {
    for (std::uint16_t size = 1; size <= 5; ++size) {
        for (std::uint32_t from = 0; from < 2u * size; ++from) {
            PackedPosition stepped = place_of(from, size);
            for (std::uint16_t count = 0; count <= size; ++count) {
                PackedPosition advanced = place_of(from, size);
                advanced.advance(count, size);
                EXPECT_EQ(advanced.word(), word_of(from + count, size)) << size << ' ' << from << ' ' << count;
                EXPECT_EQ(stepped.word(), advanced.word());
                EXPECT_EQ(stepped.offset(), advanced.offset());
                stepped.step(size);
            }
        }
    }
}

TEST(PackedPosition, WrapsAtTheLargestSize) {
    PackedPosition at = place_of(32767, 32768);
    at.step(32768);
    EXPECT_EQ(at.word(), 0u);
    at = place_of(32768 + 32767, 32768);
    at.advance(32768, 32768);
    EXPECT_EQ(at.word(), 0x8000u | 32767u);
}

TEST(PackedPosition, HasTheFlagsOfItsLap) {
    PackedPosition const first = place_of(1, 3);
    PackedPosition const second = place_of(4, 3);
    EXPECT_EQ(first.available_flags(), 1u << 7);  // §2.8.1: AVAIL equals the wrap counter, USED does not
    EXPECT_EQ(first.used_flags(), 1u << 7 | 1u << 15);
    EXPECT_EQ(second.available_flags(), 1u << 15);
    EXPECT_EQ(second.used_flags(), 0u);
}

TEST(PassesEventOfPackedRing, AgreesWithCountingAtEveryPosition) {
    for (std::uint16_t size = 1; size <= 5; ++size) {
        for (std::uint32_t next = 2u * size; next < 4u * size; ++next) {
            for (std::uint16_t count = 0; count <= size; ++count) {
                for (std::uint32_t event = 0; event < 2u * size; ++event) {
                    bool passed = false;
                    for (std::uint32_t number = next - count; number != next; ++number) {
                        passed = passed || word_of(number, size) == word_of(event, size);
                    }
                    EXPECT_EQ(passes_event(word_of(event, size), place_of(next, size), count, size), passed)
                        << "size " << size << " next " << next << " count " << count << " event " << event;
                }
            }
        }
    }
}

}  // namespace
}  // namespace virtq::test
