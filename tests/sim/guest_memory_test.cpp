// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <sim/guest_memory.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;

class GuestMemory : public ::testing::Test {
protected:
    sim::GuestMemory memory{1 << 20};

    [[nodiscard]] static uint8_t* bytes_of(Pages const& pages) { return static_cast<uint8_t*>(pages.virt); }
};

TEST_F(GuestMemory, HandsOutAlignedDirtyPages) {
    Pages const pages = memory.allocate_pages(3);
    ASSERT_NE(pages.virt, nullptr);
    EXPECT_EQ(pages.count, 3u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pages.virt) % 4096, 0u);
    EXPECT_EQ(pages.phys.value % 4096, 0u);
    EXPECT_GE(pages.phys.value, uint64_t{1} << 32);
    EXPECT_NE(pages.phys.value, reinterpret_cast<uintptr_t>(pages.virt));
    EXPECT_EQ(std::count(bytes_of(pages), bytes_of(pages) + 3 * 4096, 0), 0);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(memory.phys_addr(bytes_of(pages) + i * 4096 + 5), pages.phys + (i * 4096 + 5));
    }
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST_F(GuestMemory, TranslatesOnlyAllocatedMemory) {
    Pages const pages = memory.allocate_pages(1);
    EXPECT_EQ(memory.virt(pages.phys, 4096), pages.virt);
    EXPECT_EQ(memory.virt(pages.phys + 4095, 1), bytes_of(pages) + 4095);
    EXPECT_EQ(memory.virt(pages.phys + 4095, 2), nullptr);
    EXPECT_EQ(memory.virt(pages.phys + 4096, 1), nullptr);
    EXPECT_EQ(memory.virt(PhysAddr{pages.phys.value - 1}, 1), nullptr);
    EXPECT_EQ(memory.virt(PhysAddr{reinterpret_cast<uintptr_t>(pages.virt)}, 1), nullptr);
    EXPECT_EQ(memory.virt(PhysAddr{~uint64_t{0}}, 1), nullptr);
    memory.free_pages(pages);
    EXPECT_EQ(memory.virt(pages.phys, 1), nullptr);
}

TEST_F(GuestMemory, ReportsTranslationOfForeignMemory) {
    int on_the_stack = 0;
    EXPECT_EQ(memory.phys_addr(&on_the_stack), PhysAddr{~uint64_t{0}});
    EXPECT_EQ(memory.violations().count("S-translate"), 1u);
}

TEST_F(GuestMemory, CountsWhatIsOutstanding) {
    Pages const first = memory.allocate_pages(2);
    Pages const second = memory.allocate_pages(1);
    EXPECT_EQ(memory.pages_outstanding(), 3u);
    EXPECT_EQ(memory.allocations(), 2u);
    memory.free_pages(first);
    EXPECT_EQ(memory.pages_outstanding(), 1u);
    memory.pages_leaked(second);
    EXPECT_EQ(memory.leaked_pages(), 1u);
    EXPECT_EQ(memory.pages_outstanding(), 1u);
    memory.free_pages(second);
    EXPECT_EQ(memory.pages_outstanding(), 0u);
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST_F(GuestMemory, ReportsAFreeOfAnotherRun) {
    Pages const pages = memory.allocate_pages(2);
    memory.free_pages({pages.virt, pages.phys, 1});
    memory.free_pages({pages.virt, pages.phys + 4096, 2});
    memory.free_pages({bytes_of(pages) + 4096, pages.phys + 4096, 1});
    EXPECT_EQ(memory.violations().count("S-free-differs"), 3u);
    EXPECT_EQ(memory.pages_outstanding(), 2u);
    memory.free_pages(pages);
    EXPECT_EQ(memory.violations().entries().size(), 3u);
}

TEST_F(GuestMemory, ReportsDoubleFreesAndForeignRuns) {
    Pages const pages = memory.allocate_pages(1);
    memory.free_pages(pages);
    memory.free_pages(pages);
    memory.free_pages({});
    EXPECT_EQ(memory.violations().count("S-free-unknown"), 2u);
    memory.pages_leaked(pages);
    EXPECT_EQ(memory.violations().count("S-leak-unknown"), 1u);
    EXPECT_EQ(memory.leaked_pages(), 0u);
}

TEST_F(GuestMemory, FailsTheNthAllocationOnce) {
    memory.fail_allocation(1);
    EXPECT_NE(memory.allocate_pages(1).virt, nullptr);
    EXPECT_EQ(memory.allocate_pages(1).virt, nullptr);
    EXPECT_NE(memory.allocate_pages(1).virt, nullptr);
    memory.fail_all();
    EXPECT_EQ(memory.allocate_pages(1).virt, nullptr);
    memory.fail_all(false);
    EXPECT_NE(memory.allocate_pages(1).virt, nullptr);
}

TEST_F(GuestMemory, RunsOutOfMemoryAndRecovers) {
    std::vector<Pages> runs;
    for (Pages pages = memory.allocate_pages(4); pages.virt != nullptr; pages = memory.allocate_pages(4)) {
        std::memset(pages.virt, static_cast<int>(runs.size()), 4 * 4096);
        runs.push_back(pages);
    }
    EXPECT_GE(runs.size(), 256u / 5);
    for (size_t i = 0; i < runs.size(); ++i) {  // no two runs overlap
        EXPECT_EQ(bytes_of(runs[i])[0], static_cast<uint8_t>(i));
        EXPECT_EQ(bytes_of(runs[i])[4 * 4096 - 1], static_cast<uint8_t>(i));
    }
    memory.free_pages(runs[3]);
    Pages const again = memory.allocate_pages(4);
    EXPECT_EQ(again.virt, runs[3].virt);
}

TEST_F(GuestMemory, MisalignsARunPhysically) {
    memory.misalign_next_phys(16);
    Pages const pages = memory.allocate_pages(2);
    EXPECT_EQ(pages.phys.value % 4096, 16u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pages.virt) % 4096, 0u);
    EXPECT_EQ(memory.phys_addr(bytes_of(pages) + 4096), pages.phys + 4096);
    EXPECT_EQ(memory.allocate_pages(1).phys.value % 4096, 0u);
}

TEST_F(GuestMemory, MisalignsARunVirtually) {
    memory.misalign_next_virt(16);
    Pages const pages = memory.allocate_pages(2);
    EXPECT_EQ(pages.phys.value % 4096, 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pages.virt) % 4096, 16u);
    EXPECT_EQ(memory.virt(pages.phys, 8192), pages.virt);
    memory.free_pages(pages);
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST_F(GuestMemory, ScattersARunOfSeveralPages) {
    memory.scatter_next_run();
    Pages const single = memory.allocate_pages(1);  // a single page cannot be scattered
    EXPECT_EQ(memory.phys_addr(single.virt), single.phys);
    Pages const pages = memory.allocate_pages(2);
    EXPECT_EQ(memory.phys_addr(pages.virt), pages.phys);
    EXPECT_NE(memory.phys_addr(bytes_of(pages) + 4096), pages.phys + 4096);
    EXPECT_EQ(memory.virt(pages.phys + 4096, 1), nullptr);
    EXPECT_EQ(memory.virt(memory.phys_addr(bytes_of(pages) + 4096), 4096), bytes_of(pages) + 4096);
}

TEST_F(GuestMemory, PlacesARunOnRequest) {
    memory.place_next_run(PhysAddr{uint64_t{17} << 40});
    Pages const pages = memory.allocate_pages(1);
    EXPECT_EQ(pages.phys.value, uint64_t{17} << 40);
    EXPECT_EQ(memory.virt(pages.phys, 4096), pages.virt);
}

TEST_F(GuestMemory, MisstatesWhereARunIs) {
    memory.misstate_next_phys();
    Pages const pages = memory.allocate_pages(1);
    EXPECT_EQ(memory.phys_addr(pages.virt) + 4096, pages.phys);
    memory.free_pages(pages);
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST_F(GuestMemory, EndsBuffersAtUnownedMemory) {
    Buffer const buffer = memory.allocate_buffer(512);
    EXPECT_EQ(memory.virt(buffer.phys, 512), buffer.virt);
    EXPECT_EQ(memory.virt(buffer.phys, 513), nullptr);
    EXPECT_EQ(memory.phys_addr(buffer.virt), buffer.phys);
    EXPECT_EQ(memory.pages_outstanding(), 0u);
    memory.free_buffer(buffer);
    EXPECT_EQ(memory.virt(buffer.phys, 512), nullptr);
    memory.free_buffer(buffer);
    EXPECT_EQ(memory.violations().count("S-free-unknown"), 1u);
}

TEST_F(GuestMemory, KeepsMemoryThatTheDeviceHolds) {
    Pages const pages = memory.allocate_pages(2);
    uint64_t const token = memory.hold(pages.phys + 4096, 10);
    memory.free_pages(pages);
    EXPECT_EQ(memory.violations().count("D-3.3.1-2"), 1u);
    EXPECT_EQ(memory.pages_outstanding(), 2u);
    memory.drop(token);
    memory.free_pages(pages);
    EXPECT_EQ(memory.pages_outstanding(), 0u);
    EXPECT_EQ(memory.violations().entries().size(), 1u);
}

#if defined(VIRTQ_SIM_ASAN)
TEST_F(GuestMemory, PoisonsFreedPagesForTheSanitizer) {
    Pages const pages = memory.allocate_pages(1);
    EXPECT_EQ(__asan_address_is_poisoned(pages.virt), 0);
    memory.free_pages(pages);
    EXPECT_NE(__asan_address_is_poisoned(pages.virt), 0);
}
#endif

}  // namespace virtq::sim_test
