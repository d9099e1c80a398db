// SPDX-License-Identifier: MIT
#include <virtq/transport/mmio_slot.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace virtq::test {
namespace {

TEST(MmioSlots, KeepTheOrderOfAList) {
    MmioSlot const slots[] = {{PhysAddr{0x2000}, 0x200, 5}, {PhysAddr{0x1000}, 0x100, 9}};
    std::vector<MmioSlot> given;
    Discovery const found = for_each_mmio_slot(slots, [&](MmioSlot const& slot) { given.push_back(slot); });
    EXPECT_TRUE(found);
    EXPECT_EQ(found.found, 2u);
    EXPECT_EQ(given, (std::vector{slots[0], slots[1]}));
}

TEST(MmioSlots, AreContiguousInARow) {
    constexpr MmioSlotRow row{PhysAddr{0xffff'f000}, 0x1000, 3, 1};
    static_assert(row.slot(2) == MmioSlot{PhysAddr{0x1'0000'1000}, 0x1000, 3});
    std::vector<MmioSlot> given;
    EXPECT_EQ(for_each_mmio_slot(row, [&](MmioSlot const& slot) { given.push_back(slot); }).found, 3u);
    EXPECT_EQ(given, (std::vector{row.slot(0), row.slot(1), row.slot(2)}));
    EXPECT_EQ(for_each_mmio_slot(MmioSlotRow{}, [](MmioSlot const&) { FAIL(); }).found, 0u);
}

TEST(MmioSlots, CanBeCompared) {
    MmioSlot const slot{PhysAddr{1}, 2, 3};
    EXPECT_EQ(slot, (MmioSlot{PhysAddr{1}, 2, 3}));
    EXPECT_NE(slot, (MmioSlot{PhysAddr{2}, 2, 3}));
    EXPECT_NE(slot, (MmioSlot{PhysAddr{1}, 3, 3}));
    EXPECT_NE(slot, (MmioSlot{PhysAddr{1}, 2, 4}));
}

TEST(Discovery, KeepsTheFirstError) {
    Discovery discovery;
    discovery.note(Error::none, 1);
    EXPECT_TRUE(discovery.ok());
    discovery.note(Error::command_line_malformed, 2);
    discovery.note(Error::device_tree_malformed, 3);
    EXPECT_EQ(discovery.error, Error::command_line_malformed);
    EXPECT_EQ(discovery.error_position, 2u);
}

}  // namespace
}  // namespace virtq::test
