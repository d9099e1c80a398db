// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <adaptors/direct_map_pages.hpp>
#include <adaptors/physical_pointer_pages.hpp>
#include <adaptors/ranged_pages.hpp>
#include <adaptors/reserve_pages.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <sim/guest_memory.hpp>
#include <string>
#include <utility>
#include <virtq/diag/checked_pages.hpp>
#include <virtq/queue/virtqueue.hpp>

/// The allocators of four kernels, over one simulated guest. Each deals in physical addresses only, as in its kernel,
/// so the adaptor alone finds the virtual ones.
namespace {

using virtq::Pages;
using virtq::PhysAddr;
using virtq::sim::GuestMemory;

class Kernel {
public:
    Kernel() { current = this; }
    ~Kernel() { current = nullptr; }
    Kernel(Kernel const&) = delete;
    Kernel& operator=(Kernel const&) = delete;

    static inline Kernel* current = nullptr;

    // A kernel that keeps physical addresses in pointers has none above the highest pointer.
    GuestMemory memory{GuestMemory::default_bytes,
                       sizeof(void*) > 4 ? GuestMemory::default_phys_base : std::uint64_t{0x4000'0000}};
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint64_t boundary = 1;

    std::uint64_t allocate(std::size_t count) {
        Pages const run = memory.allocate_pages(count);
        if (run.virt == nullptr) {
            return 0;
        }
        runs_[run.phys.value] = run;
        return run.phys.value;
    }
    /// A free of a wrong address or count is one of the violations of the guest.
    void free(std::uint64_t physical, std::size_t count) {
        Pages run = runs_[physical];
        run.phys = PhysAddr{physical};
        run.count = count;
        memory.free_pages(run);
    }
    void* map(std::uint64_t physical) { return memory.virt(PhysAddr{physical}, GuestMemory::page); }

private:
    std::map<std::uint64_t, Pages> runs_;
};

Kernel& kernel() {
    return *Kernel::current;
}

}  // namespace

namespace pmm {

uint64_t direct_map_offset;
uint64_t alloc_contiguous(size_t pages) {
    return kernel().allocate(pages);
}
void free_contiguous(uint64_t physical, size_t pages) {
    kernel().free(physical, pages);
}

void* alloc(size_t pages) {
    return reinterpret_cast<void*>(kernel().allocate(pages));
}
void free(void* physical, size_t pages) {
    kernel().free(reinterpret_cast<uintptr_t>(physical), pages);
}
void* map(uint64_t physical) {
    return kernel().map(physical);
}

uint64_t alloc_in_range(uint64_t low, uint64_t high, size_t pages, uint64_t boundary) {
    kernel().low = low;
    kernel().high = high;
    kernel().boundary = boundary;
    return kernel().allocate(pages);
}
void free_range(uint64_t physical, size_t pages) {
    kernel().free(physical, pages);
}
void* direct_map(uint64_t physical) {
    return kernel().map(physical);
}

}  // namespace pmm

namespace virtq::test {
namespace {

struct Collector {
    std::string* said;
    void operator()(PageReport const& report) { *said += std::string(report.sentence()) + "\n"; }
};

template <class Pages>
class Adaptor : public ::testing::Test {
protected:
    Adaptor() {
        // The guest's RAM is mapped at one offset, as a direct map is.
        virtq::Pages const reserve = kernel.memory.allocate_pages(reserve_pages);
        pmm::direct_map_offset = reinterpret_cast<std::uintptr_t>(reserve.virt) - reserve.phys.value;
        if constexpr (is_reserve) {
            pages.reserve = reserve;
        } else {
            kernel.memory.free_pages(reserve);
        }
    }

    /// The pages that the adaptor has handed out.
    [[nodiscard]] std::size_t pages_outstanding() const {
        if constexpr (is_reserve) {
            std::size_t taken = 0;
            for (bool const page : pages.taken) {
                taken += page ? 1 : 0;
            }
            return taken;
        } else {
            return kernel.memory.pages_outstanding();
        }
    }

    /// Uses up every run of `count` pages.
    void exhaust(std::size_t count) {
        if constexpr (is_reserve) {
            while (pages.allocate_pages(count).virt != nullptr) {
            }
        } else {
            kernel.memory.fail_all();
        }
    }

    static constexpr bool is_reserve = __is_same(Pages, ReservePages);
    static constexpr std::size_t reserve_pages = 20;

    ::Kernel kernel;
    Pages pages;
};

using Adaptors = ::testing::Types<DirectMapPages, PhysicalPointerPages, RangedPages, ReservePages>;
TYPED_TEST_SUITE(Adaptor, Adaptors);

Features modern() {
    Features features;
    features.set(spec::Feature::version_1);
    return features;
}

TYPED_TEST(Adaptor, BringsUpAndReleasesAQueue) {
    VirtQueue<256> queue;
    ASSERT_TRUE(queue.init(this->pages, 256, modern()).ok());
    EXPECT_EQ(this->pages_outstanding(), 3u);
    EXPECT_EQ(this->kernel.memory.phys_addr(queue.pages().virt), queue.phys_desc());
    ASSERT_TRUE(queue.release(this->pages).ok());
    EXPECT_EQ(this->pages_outstanding(), 0u);
    EXPECT_TRUE(this->kernel.memory.violations().empty()) << this->kernel.memory.violations();
}

TYPED_TEST(Adaptor, ReportsThatNoPagesAreLeft) {
    this->exhaust(3);
    std::size_t const before = this->pages_outstanding();
    virtq::Pages const none = this->pages.allocate_pages(3);
    EXPECT_EQ(none.virt, nullptr);
    EXPECT_EQ(none.phys, PhysAddr{});
    EXPECT_EQ(none.count, 0u);
    VirtQueue<256> queue;
    EXPECT_EQ(queue.init(this->pages, 256, modern()).error(), Error::no_pages);
    EXPECT_EQ(this->pages_outstanding(), before);
    EXPECT_TRUE(this->kernel.memory.violations().empty()) << this->kernel.memory.violations();
}

TYPED_TEST(Adaptor, PassesCheckedPages) {
    std::string said;
    CheckedPages<TypeParam, Collector> checked(this->pages, Collector{&said});
    for (int round = 0; round < 3; ++round) {
        virtq::Pages const one = checked.allocate_pages(1);
        virtq::Pages const many = checked.allocate_pages(16);
        virtq::Pages const three = checked.allocate_pages(3);
        EXPECT_NE(three.virt, nullptr);
        checked.free_pages(many);
        checked.free_pages(three);
        checked.free_pages(one);
    }
    EXPECT_EQ(checked.leaks(), 0u);
    EXPECT_EQ(said, "");
    EXPECT_EQ(this->pages_outstanding(), 0u);
    EXPECT_TRUE(this->kernel.memory.violations().empty()) << this->kernel.memory.violations();
}

TEST(RangedPages, RequestsLegacyAddressableRangeWithoutBoundary) {
    ::Kernel kernel;
    ::RangedPages pages;
    pages.free_pages(pages.allocate_pages(1));
    EXPECT_EQ(kernel.low, 4096u) << "page 0 is how the allocator says none";
    EXPECT_EQ(kernel.high / 4096, UINT32_MAX);
    EXPECT_EQ(kernel.boundary, 0u);
}

TEST(ReservePages, IsEmptyWithoutAReserve) {
    ::ReservePages pages;
    EXPECT_EQ(pages.allocate_pages(1).virt, nullptr);
}

TEST(ReservePages, StaysWithinReserveAndTable) {
    static unsigned char memory[80 * page_bytes];
    for (std::size_t const count : {20u, 64u, 80u}) {
        ::ReservePages pages;
        pages.reserve = {memory, PhysAddr{0x1'0000'0000}, count};
        std::size_t handed_out = 0;
        while (pages.allocate_pages(1).virt != nullptr) {
            ++handed_out;
        }
        EXPECT_EQ(handed_out, count < 64 ? count : 64);
    }
}

}  // namespace
}  // namespace virtq::test
