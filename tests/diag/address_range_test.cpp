// SPDX-License-Identifier: MIT
#include <virtq/diag/address_range.hpp>

#include <gtest/gtest.h>

#include <cstdint>

/// Which addresses count as virtual, in kernels that map their memory in different ways.
namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

Pages queue_at(std::uint64_t virt, std::uint64_t phys) {
    return {reinterpret_cast<void*>(static_cast<std::uintptr_t>(virt)), PhysAddr{phys}, 2};
}
AddressTrouble judge(std::uint64_t buffer, Pages const& pages) {
    return judge_buffer(PhysAddr{buffer}, 512, pages, {});
}

TEST(AddressInAnIdentityMap, IsVirtualAboveAnyMemory) {
    Pages const pages = queue_at(0x10'0000, 0x10'0000);
    EXPECT_EQ(judge(0x20'0000, pages), AddressTrouble::none);
    EXPECT_EQ(judge(600 * gib, pages), AddressTrouble::none);
    EXPECT_EQ(judge((std::uint64_t{1} << 52) - 4096, pages), AddressTrouble::none);
    EXPECT_EQ(judge(std::uint64_t{1} << 52, pages), AddressTrouble::looks_virtual);
}

// A small kernel linked at a low address. Its window maps the queue's pages below their physical addresses.
TEST(AddressInALowWindow, IsNotVirtual) {
    Pages const pages = queue_at(0x40'0000, 4 * gib);
    EXPECT_EQ(judge(0x50'0000, pages), AddressTrouble::none);
    EXPECT_EQ(judge(600 * gib, pages), AddressTrouble::none);
}

// A driver in a process, as in a microkernel.
TEST(AddressInAHighMapping, IsVirtualFromItsStart) {
    if constexpr (sizeof(void*) == 4) {
        return;  // a mapping cannot be that high
    }
    std::uint64_t const distance = 0x7f00'0000'0000;
    Pages const pages = queue_at(distance + gib, gib);
    EXPECT_EQ(judge(distance, pages), AddressTrouble::looks_virtual);
    EXPECT_EQ(judge(distance + 5 * gib, pages), AddressTrouble::looks_virtual);
    EXPECT_EQ(judge(distance - 4096, pages), AddressTrouble::none);
}

TEST(AddressInANearMapping, MayBeMemory) {
    Pages const pages = queue_at(65 * gib, gib);  // the offset of this mapping may also be an address of memory
    EXPECT_EQ(judge(70 * gib, pages), AddressTrouble::none);
}

// A kernel that writes 4096u << 20 passes a range of 0 bytes.
TEST(AddressInAnEmptyRange, IsNotReportedAsOutside) {
    Pages const pages = queue_at(0x10'0000, 0x10'0000);
    AddressRange const ram[] = {{PhysAddr{0}, 0}, {PhysAddr{0}, 0}};
    EXPECT_EQ(judge_buffer(PhysAddr{0x20'0000}, 512, pages, {ram, 1}), AddressTrouble::none);
    AddressRange const both[] = {{PhysAddr{0}, 0}, {PhysAddr{0}, 0x10'0000}};
    EXPECT_EQ(judge_buffer(PhysAddr{0x20'0000}, 512, pages, both), AddressTrouble::outside_ram);
    EXPECT_EQ(judge_ring(pages, {ram, 2}), AddressTrouble::none);
}

// The memory of some AArch64 servers begins at 512 GiB.
TEST(AddressInHighMemory, MayBeMemory) {
    Pages const pages = queue_at(1024 * gib, 600 * gib);
    EXPECT_EQ(judge(610 * gib, pages), AddressTrouble::none);
}

}  // namespace
}  // namespace virtq::test
