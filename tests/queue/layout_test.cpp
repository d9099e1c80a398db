// SPDX-License-Identifier: MIT
#include <virtq/queue/layout.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq {
namespace {

/// The legacy formula of §2.7.2, as the standard has it: two page-aligned halves.
std::uint32_t legacy_bytes(std::uint32_t size) {
    auto const up = [](std::uint32_t bytes) { return (bytes + 4095) / 4096 * 4096; };
    return up(16 * size + 2 * (3 + size)) + up(2 * 3 + 8 * size);
}

TEST(SplitLayout, MatchesTheLegacyFormula) {
    for (std::uint32_t size = 1; size <= 32768; size *= 2) {
        EXPECT_EQ(SplitLayout{size}.page_count() * 4096, legacy_bytes(size)) << size;
    }
}

TEST(SplitLayout, KeepsThePartsApartAndAligned) {
    for (std::uint32_t size = 1; size <= 32768; size *= 2) {
        SplitLayout const layout{size};
        EXPECT_EQ(layout.available_ring_offset(), 16 * size);
        EXPECT_GE(layout.used_ring_offset(), layout.available_ring_offset() + 6 + 2 * size);
        EXPECT_EQ(layout.available_ring_offset() % 2, 0u);
        EXPECT_EQ(layout.used_ring_offset() % 4096, 0u);
        EXPECT_LE(layout.used_ring_offset() + 6 + 8 * size, layout.page_count() * 4096);
    }
}

// rust-hypervisor-firmware#33: a ring had no room for avail_event, which a device wrote nevertheless.
// https://github.com/cloud-hypervisor/rust-hypervisor-firmware/pull/34
TEST(SplitLayout, ReservesBothEventWords) {
    SplitLayout const layout{4};
    EXPECT_EQ(layout.used_event_offset(), 4u + 2 * 4);
    EXPECT_EQ(layout.available_ring_bytes(), layout.used_event_offset() + 2);
    EXPECT_EQ(layout.avail_event_offset(), 4u + 8 * 4);
    EXPECT_EQ(layout.used_ring_bytes(), layout.avail_event_offset() + 2);
}

// managarm bdaeb6bc3: the offset of the used ring lacked the four bytes before the entries of the available ring.
TEST(SplitLayout, CountsTheAvailableRingHeader) {
    // Without the header, 18 * size crosses a page boundary differently only for sizes that are no power of two. So the
    // test checks the byte counts.
    EXPECT_EQ(SplitLayout{1}.available_ring_bytes(), 8u);
    EXPECT_EQ(SplitLayout{32768}.available_ring_bytes(), 65542u);
    EXPECT_EQ(SplitLayout{32768}.used_ring_offset(), 16u * 32768 + 65536 + 4096);
}

TEST(SplitLayout, GivesAreasAndPageNumber) {
    QueueAddresses const at = SplitLayout{256}.addresses(PhysAddr{0x1'4000'2000});
    EXPECT_EQ(at.size, 256);
    EXPECT_EQ(at.descriptor_area, PhysAddr{0x1'4000'2000});
    EXPECT_EQ(at.driver_area, PhysAddr{0x1'4000'3000});
    EXPECT_EQ(at.device_area, PhysAddr{0x1'4000'4000});
    EXPECT_EQ(at.pfn(), 0x14'0002u);
}

}  // namespace
}  // namespace virtq
