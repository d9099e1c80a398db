// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <string>
#include <vector>

/// Examples of headers that need a disk.
namespace virtq::readme {
namespace {

std::vector<std::string> printed;

void kernel_print(char const* sentence) {
    printed.emplace_back(sentence);
}

class HeaderExampleDisk : public ::testing::Test {
protected:
    void SetUp() override {
        auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0);
        ASSERT_TRUE(transport.probe(MmioSpace{registers}).ok());
    }

    MmioMachine machine;
    MachinePages pages;
    MmioTransport<> transport;
};

TEST_F(HeaderExampleDisk, BlockDevice) {
    sim::Buffer const data = machine.buffer(512);
    PhysAddr const buffer_phys = data.phys;
    SpinRelax relax;
#include <blocks/device/block.inc>
    EXPECT_TRUE(up.ok()) << describe(up.error());
    EXPECT_TRUE(done.ok()) << describe(done.error());
    EXPECT_TRUE(machine.holds(data, 0));
    EXPECT_TRUE(disk.release(pages).ok());
}

TEST_F(HeaderExampleDisk, CheckedPages) {
    BlockDevice<MmioTransport<>, 256> disk;
    printed.clear();
#include <blocks/diag/checked_pages.inc>
    EXPECT_TRUE(up.ok()) << describe(up.error());
    EXPECT_TRUE(down.ok()) << describe(down.error());
    EXPECT_EQ(printed, std::vector<std::string>{"page allocator: checked"});
}

}  // namespace
}  // namespace virtq::readme
