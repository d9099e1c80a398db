// SPDX-License-Identifier: MIT
#include <virtq/transport/device_tree.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

/// The device trees of QEMU's machines. `dump` lets QEMU write them.
namespace virtq::test {
namespace {

std::vector<std::uint8_t> read_tree(std::string const& architecture) {
    std::ifstream file(QEMU_TREE_FOLDER "/" + architecture + ".dtb", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

struct QemuTree : testing::Test {
    void read(std::string const& architecture) {
        blob = read_tree(architecture);
        Result<std::uint32_t> const bytes = device_tree_bytes(tree());
        ASSERT_TRUE(bytes.ok()) << describe(bytes.error());
        ASSERT_LE(*bytes, blob.size());
        blob.resize(*bytes);  // QEMU's file may be longer
        blob.shrink_to_fit();
    }
    [[nodiscard]] DeviceTree tree() const { return {blob.data(), blob.size()}; }

    /// Compares the slots by address, since a tree lists them in any order.
    template <class InterruptOf>
    void expect_row(MmioSlotRow const& row, InterruptOf interrupt_of) {
        std::vector<MmioSlot> slots;
        Discovery const found =
            for_each_mmio_slot(tree(), interrupt_of, [&](MmioSlot const& slot) { slots.push_back(slot); });
        EXPECT_TRUE(found) << describe(found.error);
        EXPECT_EQ(found.found, row.count);
        std::sort(slots.begin(), slots.end(),
                  [](MmioSlot const& a, MmioSlot const& b) { return a.base.value < b.base.value; });
        ASSERT_EQ(slots.size(), row.count);
        for (std::uint32_t i = 0; i < row.count; ++i) {
            EXPECT_EQ(slots[i], row.slot(i)) << i;
        }
    }

    void expect_ecam(DeviceTreeRegion const& ecam) {
        unsigned hosts = 0;
        Discovery const found =
            for_each_compatible(tree(), "pci-host-ecam-generic", [&](DeviceTreeCursor const& host) {
                ++hosts;
                EXPECT_EQ(host.reg().value(), ecam);
                EXPECT_EQ(host.property("bus-range")[0], 0u);
                EXPECT_EQ(host.property("bus-range")[1], 255u);
                EXPECT_GE(host.property("ranges").size(), 7u);
            });
        EXPECT_TRUE(found) << describe(found.error);
        EXPECT_EQ(hosts, 1u);
    }

    std::vector<std::uint8_t> blob;
};

TEST_F(QemuTree, HasEightSlotsOnRiscv64) {
    ASSERT_NO_FATAL_FAILURE(read("riscv64"));
    expect_row({PhysAddr{0x1000'1000}, 0x1000, 8, 1}, [](DeviceTreeProperty cells) { return cells[0]; });
    expect_ecam({PhysAddr{0x3000'0000}, 0x1000'0000});
}

TEST_F(QemuTree, Has32SlotsOnAarch64) {
    ASSERT_NO_FATAL_FAILURE(read("aarch64"));
    expect_row({PhysAddr{0x0a00'0000}, 0x200, 32, 48}, [](DeviceTreeProperty cells) {
        EXPECT_EQ(cells.size(), 3u);
        EXPECT_EQ(cells[0], 0u);  // shared interrupts begin at 32
        return 32 + cells[1];
    });
    expect_ecam({PhysAddr{0x40'1000'0000}, 0x1000'0000});
}

}  // namespace
}  // namespace virtq::test
