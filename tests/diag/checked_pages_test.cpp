// SPDX-License-Identifier: MIT
#include <virtq/diag/checked_pages.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <sim/guest_memory.hpp>
#include <string>
#include <vector>
#include <virtq/queue/scoped_queue.hpp>

namespace virtq::test {
namespace {

using Reports = std::vector<PageReport>;

struct Collector {
    Reports* reports;
    void operator()(PageReport const& report) { reports->push_back(report); }
};

std::vector<PageFinding> findings_of(Reports const& reports) {
    std::vector<PageFinding> findings;
    for (PageReport const& report : reports) {
        findings.push_back(report.finding);
    }
    return findings;
}

using Findings = std::vector<PageFinding>;

/// The simulated guest, with a translation from physical addresses to memory.
class LocatingMemory : public sim::GuestMemory {
public:
    [[nodiscard]] void* virt_of(PhysAddr phys) const { return virt(phys, page); }
};

/// An allocator over real memory whose answers the test sets.
class Scripted {
public:
    static constexpr std::size_t page_count = 8;
    static constexpr PhysAddr base{0x1'4000'0000};

    Scripted() {
        int const file = memfd_create("pages", 0);
        EXPECT_EQ(ftruncate(file, page_count * page_bytes), 0);
        ram_ = map(nullptr, page_count, file, 0, 0);
        alias_ = map(nullptr, 2, file, 0, 0);
        map(alias_ + page_bytes, 1, file, 0, MAP_FIXED);
        close(file);
    }
    ~Scripted() {
        munmap(ram_, page_count * page_bytes);
        munmap(alias_, 2 * page_bytes);
    }
    Scripted(Scripted const&) = delete;
    Scripted& operator=(Scripted const&) = delete;

    Pages next;
    std::vector<Pages> freed;

    /// A valid run of the memory.
    [[nodiscard]] Pages run(std::size_t first, std::size_t count) const {
        return {ram_ + first * page_bytes, base + first * page_bytes, count};
    }
    [[nodiscard]] unsigned char* ram() const { return ram_; }
    /// Two virtual pages that map the same memory.
    [[nodiscard]] unsigned char* alias() const { return alias_; }

    /// Returns the prepared run once, and no pages after that.
    Pages allocate_pages(std::size_t) {
        Pages const answer = next;
        next = Pages{};
        return answer;
    }
    void free_pages(Pages pages) { freed.push_back(pages); }

private:
    static unsigned char* map(void* where, std::size_t count, int file, long offset, int flags) {
        void* const mapped = mmap(where, count * page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | flags, file, offset);
        EXPECT_NE(mapped, MAP_FAILED);
        return static_cast<unsigned char*>(mapped);
    }

    unsigned char* ram_ = nullptr;
    unsigned char* alias_ = nullptr;
};

class Translating : public Scripted {
public:
    std::function<PhysAddr(std::size_t)> translate = [](std::size_t offset) { return base + offset; };

    [[nodiscard]] PhysAddr phys_addr(void const* virt) const {
        return translate(static_cast<std::size_t>(static_cast<unsigned char const*>(virt) - ram()));
    }
};

class Locating : public Scripted {
public:
    std::function<void*(std::size_t)> locate = [this](std::size_t offset) { return ram() + offset; };

    [[nodiscard]] void* virt_of(PhysAddr phys) const { return locate(phys.value - base.value); }
};

template <class Inner>
class Checked {
public:
    Inner inner;
    Reports reports;
    CheckedPages<Inner, Collector, 4> pages{inner, Collector{&reports}};

    Pages allocate(std::size_t count) { return pages.allocate_pages(count); }
    Pages allocate(Pages const& run, std::size_t count) {
        inner.next = run;
        return pages.allocate_pages(count);
    }
    Pages allocate(Pages const& run) { return allocate(run, run.count); }

    [[nodiscard]] Findings findings() const { return findings_of(reports); }
};

static_assert(PageAllocator<CheckedPages<Scripted, Collector>>);
static_assert(!TranslatesAddresses<CheckedPages<Scripted, Collector>>);
static_assert(!LocatesPages<CheckedPages<Scripted, Collector>>);
static_assert(!ReportsLeaks<CheckedPages<Scripted, Collector>>);
static_assert(TranslatesAddresses<CheckedPages<Translating, Collector>>);
static_assert(LocatesPages<CheckedPages<Locating, Collector>>);
static_assert(ReportsLeaks<CheckedPages<sim::GuestMemory, Collector>>);

// --- a valid allocator ----------------------------------------------------------------------------------------------

TEST(CheckedPages, FindsNothingInAGoodAllocator) {
    Checked<LocatingMemory> checked;
    for (int round = 0; round < 10; ++round) {
        Pages const one = checked.allocate(1);
        Pages const many = checked.allocate(17);
        Pages const two = checked.allocate(2);
        checked.pages.free_pages(many);
        Pages const again = checked.allocate(3);
        checked.pages.free_pages(one);
        checked.pages.free_pages(again);
        checked.pages.free_pages(two);
    }
    EXPECT_EQ(checked.pages.leaks(), 0u);
    EXPECT_EQ(checked.findings(), Findings{});
    EXPECT_EQ(checked.pages.findings(), 0u);
    EXPECT_EQ(checked.inner.pages_outstanding(), 0u);
    EXPECT_TRUE(checked.inner.violations().empty()) << checked.inner.violations();
}

TEST(CheckedPages, FindsNothingInAFailedAllocation) {
    Checked<LocatingMemory> checked;
    checked.inner.fail_all();
    EXPECT_EQ(checked.allocate(1).virt, nullptr);
    EXPECT_EQ(checked.findings(), Findings{});
    EXPECT_EQ(checked.pages.leaks(), 0u);
}

TEST(CheckedPages, AcceptsTheLifeOfAQueue) {
    Checked<LocatingMemory> checked;
    VirtQueue<64> queue;
    Features features;
    features.set(spec::Feature::version_1);
    ASSERT_TRUE(queue.init(checked.pages, 64, features).ok());
    EXPECT_EQ(checked.pages.leaks(), 1u);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::still_outstanding});
    ASSERT_TRUE(queue.release(checked.pages).ok());
    EXPECT_EQ(checked.pages.leaks(), 0u);
    EXPECT_TRUE(checked.inner.violations().empty()) << checked.inner.violations();
}

TEST(CheckedPages, ForwardsOptionalFunctions) {
    Checked<LocatingMemory> checked;
    Pages const run = checked.allocate(2);
    EXPECT_EQ(checked.pages.phys_addr(run.virt), run.phys);
    EXPECT_EQ(checked.pages.virt_of(run.phys), run.virt);
    checked.pages.pages_leaked(run);
    EXPECT_EQ(checked.inner.leaked_pages(), 2u);
    EXPECT_EQ(checked.findings(), Findings{});
}

TEST(CheckedPages, FillsPagesWithDistinctPatterns) {
    Checked<Scripted> checked;
    checked.allocate(checked.inner.run(0, 2));
    checked.allocate(checked.inner.run(2, 2));
    std::vector<std::uint32_t> seen;
    for (std::size_t page = 0; page < 4; ++page) {
        auto const* words = reinterpret_cast<std::uint32_t const*>(checked.inner.ram() + page * page_bytes);
        EXPECT_EQ(words[0], ~words[1023]);
        for (std::uint32_t const other : seen) {
            EXPECT_NE(words[0], other);
        }
        seen.push_back(words[0]);
    }
    EXPECT_EQ(checked.findings(), Findings{});
}

// --- addresses and counts -------------------------------------------------------------------------------------------

TEST(CheckedPages, FindsARunWithoutVirtualAddress) {
    Checked<Scripted> checked;
    checked.allocate({nullptr, Scripted::base, 1});
    EXPECT_EQ(checked.findings(), Findings{PageFinding::no_virt});
    EXPECT_EQ(checked.reports[0].run.phys, Scripted::base);
    checked.allocate({nullptr, PhysAddr{}, 1});
    EXPECT_EQ(checked.findings(), (Findings{PageFinding::no_virt, PageFinding::no_virt}));
    checked.allocate({nullptr, Scripted::base, 0}, 1);  // the count was lost, too
    EXPECT_EQ(checked.findings().size(), 3u);
    EXPECT_EQ(checked.findings().back(), PageFinding::no_virt);
    EXPECT_EQ(checked.pages.leaks(), 0u);
}

TEST(CheckedPages, FindsAnotherCount) {
    Checked<Scripted> checked;
    checked.allocate(checked.inner.run(0, 2), 3);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::count_differs});
    EXPECT_EQ(checked.reports[0].value, 3u);
    EXPECT_EQ(checked.reports[0].run.count, 2u);
}

TEST(CheckedPages, FindsMisalignedPhysicalAddresses) {
    Checked<LocatingMemory> checked;
    checked.inner.misalign_next_phys();
    Pages const run = checked.allocate(2);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::phys_misaligned});
    EXPECT_EQ(checked.reports[0].value, run.phys.value);
    checked.pages.free_pages(run);
    EXPECT_EQ(checked.pages.findings(), 1u);
}

TEST(CheckedPages, FindsMisalignedVirtualAddresses) {
    Checked<LocatingMemory> checked;
    checked.inner.misalign_next_virt();
    Pages const run = checked.allocate(2);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::virt_misaligned});
    EXPECT_EQ(checked.reports[0].value, reinterpret_cast<std::uintptr_t>(run.virt));
}

TEST(CheckedPages, FindsPhysicalAddressZero) {
    Checked<Scripted> checked;
    checked.allocate({checked.inner.ram(), PhysAddr{}, 1});
    EXPECT_EQ(checked.findings(), Findings{PageFinding::phys_zero});
}

TEST(CheckedPages, FindsAddressesAboveFiftyTwoBits) {
    constexpr std::uint64_t limit = std::uint64_t{1} << 52;
    Checked<Scripted> checked;
    checked.allocate({checked.inner.ram(), PhysAddr{limit - 2 * page_bytes}, 2});
    EXPECT_EQ(checked.findings(), Findings{});
    checked.allocate({checked.inner.ram() + 2 * page_bytes, PhysAddr{limit - 4 * page_bytes}, 1});
    checked.allocate({checked.inner.ram() + 3 * page_bytes, PhysAddr{limit - page_bytes}, 2});
    EXPECT_EQ(checked.findings(), (Findings{PageFinding::phys_above_52_bits, PageFinding::handed_out_twice}));
    EXPECT_EQ(checked.reports[0].value, limit + page_bytes);
    checked.allocate({checked.inner.ram() + 5 * page_bytes, PhysAddr{0xffff'8000'0000'0000}, 1});
    EXPECT_EQ(checked.findings().back(), PageFinding::phys_above_52_bits);
    EXPECT_EQ(checked.reports.size(), 3u);
}

TEST(CheckedPages, FindsPhysicalPagesHandedOutTwice) {
    Checked<Scripted> checked;
    Pages const first = checked.allocate(checked.inner.run(1, 3));
    checked.inner.ram()[3 * page_bytes] = 0x5a;
    Pages second = checked.inner.run(5, 2);
    second.phys = Scripted::base + 3 * page_bytes;
    checked.allocate(second);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::handed_out_twice});
    EXPECT_EQ(checked.reports[0].run.virt, second.virt);
    EXPECT_EQ(checked.reports[0].other.virt, first.virt);
}

TEST(CheckedPages, FindsARunReachingIntoAnother) {
    Checked<Scripted> checked;
    checked.allocate(checked.inner.run(3, 1));
    checked.inner.ram()[3 * page_bytes] = 0x5a;
    checked.allocate(checked.inner.run(2, 2));
    EXPECT_EQ(checked.findings(), Findings{PageFinding::handed_out_twice});
    EXPECT_EQ(checked.inner.ram()[3 * page_bytes], 0x5a) << "memory with an owner was written to";
}

TEST(CheckedPages, FindsSharedVirtualAddresses) {
    Checked<Scripted> checked;
    checked.allocate(checked.inner.run(1, 3));
    Pages second = checked.inner.run(3, 1);
    second.phys = Scripted::base + 6 * page_bytes;
    checked.allocate(second);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::virt_shared});
}

TEST(CheckedPages, AllowsNeighboursAndReuse) {
    Checked<Scripted> checked;
    Pages const middle = checked.allocate(checked.inner.run(2, 2));
    checked.allocate(checked.inner.run(0, 2));
    checked.allocate(checked.inner.run(4, 1));
    checked.pages.free_pages(middle);
    checked.allocate(checked.inner.run(3, 1));
    EXPECT_EQ(checked.findings(), Findings{});
}

TEST(CheckedPages, NotesAnIdentityMapOnce) {
    Checked<Scripted> checked;
    auto const identity = [&](std::size_t page) {
        auto* const virt = checked.inner.ram() + page * page_bytes;
        return Pages{virt, PhysAddr{reinterpret_cast<std::uintptr_t>(virt)}, 1};
    };
    checked.allocate(identity(0));
    checked.allocate(identity(1));
    EXPECT_EQ(checked.findings(), Findings{PageFinding::phys_is_virt});
    EXPECT_EQ(checked.pages.findings(), 0u) << "a note is no finding";
    EXPECT_NE(checked.inner.ram()[page_bytes], 0) << "the memory was not tried";
}

// --- the translation ------------------------------------------------------------------------------------------------

/// A faulty allocator: it hands out single pages, whatever the count (faults C6).
class SinglePages : public sim::GuestMemory {
public:
    enum class Order { up, down };

    /// Hands out exactly these of sixteen pages, in this order.
    explicit SinglePages(std::initializer_list<std::size_t> numbers) {
        Pages const run = sim::GuestMemory::allocate_pages(16);
        for (std::size_t const number : numbers) {
            free_.insert(free_.begin(), {static_cast<unsigned char*>(run.virt) + number * page_bytes,
                                         run.phys + number * page_bytes, 1});
        }
    }
    explicit SinglePages(Order order) {
        for (Pages const run = sim::GuestMemory::allocate_pages(16); at_ < 16; ++at_) {
            std::size_t const number = order == Order::down ? at_ : 15 - at_;
            free_.push_back(
                {static_cast<unsigned char*>(run.virt) + number * page_bytes, run.phys + number * page_bytes, 1});
        }
    }

    Pages allocate_pages(std::size_t count) {
        if (free_.empty()) {
            return {};
        }
        Pages const next = free_.back();
        free_.pop_back();
        return {next.virt, next.phys, count};
    }
    void free_pages(Pages pages) { free_.push_back({pages.virt, pages.phys, 1}); }

    [[nodiscard]] std::size_t pages_left() const { return free_.size(); }

private:
    std::size_t at_ = 0;
    std::vector<Pages> free_;  ///< the last one comes next
};

TEST(CheckedPages, FindsAnAllocatorOfSinglePages) {
    for (auto const order : {SinglePages::Order::up, SinglePages::Order::down}) {
        SinglePages inner{order};
        Reports reports;
        CheckedPages<SinglePages, Collector, 4> pages{inner, Collector{&reports}};
        Pages const one = pages.allocate_pages(1);
        EXPECT_EQ(findings_of(reports), Findings{});
        Pages const run = pages.allocate_pages(3);
        EXPECT_EQ(findings_of(reports), order == SinglePages::Order::up ? (Findings{PageFinding::not_all_taken})
                                                                        : (Findings{PageFinding::handed_out_twice}));
        EXPECT_EQ(reports[0].run.phys, run.phys);
        EXPECT_EQ(inner.pages_left(), 14u);  // the checker has returned the pages it allocated as a test
        pages.free_pages(run);
        pages.free_pages(one);
    }
}

// The first page that the checker allocates is elsewhere. The second one is inside the run.
TEST(CheckedPages, FindsSinglePagesBySecondPage) {
    SinglePages inner{8, 2, 7};
    Reports reports;
    CheckedPages<SinglePages, Collector, 4> pages{inner, Collector{&reports}};
    Pages const run = pages.allocate_pages(3);
    EXPECT_EQ(findings_of(reports), Findings{PageFinding::not_all_taken});
    pages.free_pages(run);
}

// The run cannot overlap an earlier one, since there is none.
TEST(CheckedPages, FindsSinglePagesAtFirstRun) {
    for (auto const order : {SinglePages::Order::up, SinglePages::Order::down}) {
        for (std::size_t const count : {2u, 3u}) {
            SinglePages inner{order};
            static_cast<void>(inner.allocate_pages(1));  // the kernel's own pages, which the checker does not see
            static_cast<void>(inner.allocate_pages(1));
            Reports reports;
            CheckedPages<SinglePages, Collector, 4> pages{inner, Collector{&reports}};
            Pages const run = pages.allocate_pages(count);
            EXPECT_EQ(findings_of(reports), Findings{PageFinding::not_all_taken}) << count;
            EXPECT_NE(std::string{reports[0].sentence()}.find("single pages"), std::string::npos);
            EXPECT_EQ(inner.pages_left(), 13u);
            pages.free_pages(run);
        }
    }
}

TEST(CheckedPages, TestsOnlyRunsOfSeveralPages) {
    class : public sim::GuestMemory {
    public:
        unsigned calls = 0;
        std::size_t last = SIZE_MAX;  ///< the last call that succeeds
        Pages allocate_pages(std::size_t count) {
            return calls++ > last ? Pages{} : sim::GuestMemory::allocate_pages(count);
        }
    } inner;
    Reports reports;
    CheckedPages pages{static_cast<decltype(inner)&>(inner), Collector{&reports}};
    pages.free_pages(pages.allocate_pages(1));
    EXPECT_EQ(inner.calls, 1u);
    pages.free_pages(pages.allocate_pages(2));
    EXPECT_EQ(inner.calls, 4u);
    for (unsigned const answered : {0u, 1u}) {  // then it has no more pages
        inner.last = inner.calls + answered;
        pages.free_pages(pages.allocate_pages(2));
        EXPECT_EQ(inner.pages_outstanding(), 0u);
    }
    EXPECT_EQ(findings_of(reports), Findings{});
}

TEST(CheckedPages, FindsARunAtAnotherAddress) {
    Checked<LocatingMemory> checked;
    checked.inner.misstate_next_phys();
    Pages const run = checked.allocate(2);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::not_where_claimed});
    EXPECT_EQ(checked.reports[0].value, run.phys.value - page_bytes);
}

TEST(CheckedPages, FindsAScatteredRun) {
    Checked<LocatingMemory> checked;
    checked.inner.scatter_next_run();
    Pages const run = checked.allocate(3);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::not_contiguous});
    EXPECT_EQ(checked.reports[0].page, 1u);
    EXPECT_NE(checked.reports[0].value, run.phys.value + page_bytes);
}

TEST(CheckedPages, FindsALastPageElsewhere) {
    Checked<Translating> checked;
    checked.inner.translate = [](std::size_t offset) {
        return offset / page_bytes == 3 ? PhysAddr{0x1'0000'0000} : Scripted::base + offset;
    };
    checked.allocate(checked.inner.run(0, 4));
    EXPECT_EQ(checked.findings(), Findings{PageFinding::not_contiguous});
    EXPECT_EQ(checked.reports[0].page, 3u);
    EXPECT_EQ(checked.reports[0].value, 0x1'0000'0000u);
}

TEST(CheckedPages, FindsATranslationWithoutOffset) {
    Checked<Translating> checked;
    checked.inner.translate = [](std::size_t offset) { return Scripted::base + offset / page_bytes * page_bytes; };
    checked.allocate(checked.inner.run(0, 2));
    EXPECT_EQ(checked.findings(), Findings{PageFinding::offset_lost});
    EXPECT_EQ(checked.reports[0].value, Scripted::base.value);
}

// The memory at the address of an empty run belongs to somebody else, or does not exist.
TEST(CheckedPages, TranslatesNoRunWithoutPages) {
    Checked<Translating> checked;
    int asked = 0;
    checked.inner.translate = [&](std::size_t) {
        ++asked;
        return PhysAddr{};
    };
    checked.allocate(checked.inner.run(1, 0));
    EXPECT_EQ(asked, 0);
    EXPECT_EQ(checked.findings(), Findings{});
}

// --- the memory -----------------------------------------------------------------------------------------------------

TEST(CheckedPages, FindsPagesThatAlias) {
    Checked<Scripted> checked;
    checked.allocate({checked.inner.alias(), Scripted::base, 2});
    EXPECT_EQ(checked.findings(), Findings{PageFinding::pages_alias});
    EXPECT_EQ(checked.reports[0].page, 0u);
    EXPECT_EQ(checked.reports[0].value, 1u);
}

/// The checker calls the hook for page 0 after it has written all pages and before it reads page 1. There the hook
/// simulates a page that keeps nothing.
class ForgetfulPages : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ForgetfulPages, AreFoundInEveryRound) {
    std::size_t const word = GetParam() % 2 == 0 ? 0 : 1023;
    int rounds_that_work = GetParam() < 2 ? 0 : 1;
    Checked<Locating> checked;
    checked.inner.locate = [&](std::size_t offset) {
        if (offset == 0 && rounds_that_work-- <= 0) {
            reinterpret_cast<std::uint32_t*>(checked.inner.ram() + page_bytes)[word] = 0x5555'5555;
        }
        return checked.inner.ram() + offset;
    };
    checked.allocate(checked.inner.run(0, 2));
    EXPECT_EQ(checked.findings(), Findings{PageFinding::not_ram});
    EXPECT_EQ(checked.reports[0].page, 1u);
}

INSTANTIATE_TEST_SUITE_P(CheckedPages, ForgetfulPages, ::testing::Range<std::size_t>(0, 4));

TEST(CheckedPages, FindsMemoryUnknownToTheKernel) {
    Checked<Locating> checked;
    checked.inner.locate = [&](std::size_t offset) -> void* {
        return offset < page_bytes ? checked.inner.ram() + offset : nullptr;
    };
    checked.allocate(checked.inner.run(0, 2));
    EXPECT_EQ(checked.findings(), Findings{PageFinding::phys_not_mapped});
    EXPECT_EQ(checked.reports[0].page, 1u);
    EXPECT_EQ(checked.reports[0].value, Scripted::base.value + page_bytes);
}

TEST(CheckedPages, FindsOtherMemoryAtTheAddress) {
    Checked<Locating> checked;
    checked.inner.locate = [&](std::size_t offset) {
        return checked.inner.ram() + (offset == 0 ? 0 : offset + page_bytes);
    };
    checked.allocate(checked.inner.run(0, 2));
    EXPECT_EQ(checked.findings(), Findings{PageFinding::other_memory_there});
    EXPECT_EQ(checked.reports[0].page, 1u);
}

// --- freeing --------------------------------------------------------------------------------------------------------

TEST(CheckedPages, FindsAndStopsADoubleFree) {
    Checked<LocatingMemory> checked;
    Pages const run = checked.allocate(2);
    checked.pages.free_pages(run);
    checked.pages.free_pages(run);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::freed_twice});
    EXPECT_EQ(checked.reports[0].run.phys, run.phys);
    EXPECT_TRUE(checked.inner.violations().empty()) << checked.inner.violations();
}

TEST(CheckedPages, FindsAFreeOfAnotherCount) {
    Checked<LocatingMemory> checked;
    Pages const run = checked.allocate(2);
    Pages shorter = run;
    shorter.count = 1;
    checked.pages.free_pages(shorter);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::freed_other_count});
    EXPECT_EQ(checked.reports[0].run.count, 1u);
    EXPECT_EQ(checked.reports[0].other.count, 2u);
    EXPECT_EQ(checked.inner.pages_outstanding(), 2u);
    checked.pages.free_pages(run);
    EXPECT_EQ(checked.pages.leaks(), 0u);
    EXPECT_TRUE(checked.inner.violations().empty()) << checked.inner.violations();
}

TEST(CheckedPages, FindsAFreeAtAnotherAddress) {
    Checked<LocatingMemory> checked;
    Pages const run = checked.allocate(2);
    Pages virt_as_phys = run;
    virt_as_phys.phys = PhysAddr{reinterpret_cast<std::uintptr_t>(run.virt)};
    checked.pages.free_pages(virt_as_phys);
    Pages no_virt = run;
    no_virt.virt = nullptr;
    checked.pages.free_pages(no_virt);
    EXPECT_EQ(checked.findings(), (Findings{PageFinding::freed_other_address, PageFinding::freed_other_address}));
    EXPECT_EQ(checked.reports[0].other.phys, run.phys);
    EXPECT_EQ(checked.inner.pages_outstanding(), 2u);
}

TEST(CheckedPages, FindsAPartialFree) {
    Checked<LocatingMemory> checked;
    Pages const run = checked.allocate(3);
    checked.pages.free_pages({static_cast<char*>(run.virt) + page_bytes, run.phys + page_bytes, 1});
    EXPECT_EQ(checked.findings(), Findings{PageFinding::freed_part});
    EXPECT_EQ(checked.reports[0].other.virt, run.virt);
    EXPECT_TRUE(checked.inner.violations().empty()) << checked.inner.violations();
}

TEST(CheckedPages, FindsAPartialFreeElsewhere) {
    Checked<Scripted> checked;
    Pages const run = checked.allocate(checked.inner.run(2, 3));
    // The first page, through another mapping; then the second, with the physical address of other pages.
    checked.pages.free_pages({checked.inner.ram(), run.phys, 1});
    checked.pages.free_pages({static_cast<char*>(run.virt) + page_bytes, Scripted::base + 6 * page_bytes, 1});
    EXPECT_EQ(checked.findings(), (Findings{PageFinding::freed_part, PageFinding::freed_part}));
    EXPECT_EQ(checked.reports[1].other.virt, run.virt);
    EXPECT_TRUE(checked.inner.freed.empty());
}

// The caller freed the virtual window with its own pages. With other pages the checker has never handed it out.
TEST(CheckedPages, AcceptsFreesOfARemapping) {
    Checked<Scripted> checked;
    Pages const run = checked.allocate(checked.inner.run(0, 1));
    checked.pages.free_pages(run);
    checked.pages.free_pages({run.virt, run.phys + 4 * page_bytes, 1});
    EXPECT_EQ(checked.findings(), Findings{PageFinding::freed_unknown});
}

TEST(CheckedPages, FindsAFreeOfUnknownPages) {
    Checked<Scripted> checked;
    checked.allocate(checked.inner.run(0, 1));
    checked.pages.free_pages(checked.inner.run(1, 1));
    checked.pages.free_pages({});
    EXPECT_EQ(checked.findings(), (Findings{PageFinding::freed_unknown, PageFinding::freed_unknown}));
    EXPECT_TRUE(checked.inner.freed.empty());
}

TEST(CheckedPages, FindsAFalseLeakReport) {
    Checked<sim::GuestMemory> checked;
    Pages const run = checked.allocate(1);
    checked.pages.free_pages(run);
    checked.pages.pages_leaked(run);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::leaked_unknown});
}

TEST(CheckedPages, ListsWhatIsOutstanding) {
    Checked<LocatingMemory> checked;
    Pages const first = checked.allocate(1);
    Pages const second = checked.allocate(2);
    Pages const third = checked.allocate(3);
    checked.pages.free_pages(second);
    EXPECT_EQ(checked.pages.leaks(), 2u);
    ASSERT_EQ(checked.findings(), (Findings{PageFinding::still_outstanding, PageFinding::still_outstanding}));
    EXPECT_EQ(checked.reports[0].run.phys, first.phys);
    EXPECT_EQ(checked.reports[1].run.phys, third.phys);
}

// --- the table ------------------------------------------------------------------------------------------------------

TEST(CheckedPages, ReportsAFullTableAndContinues) {
    Checked<LocatingMemory> checked;
    std::vector<Pages> runs;
    for (int i = 0; i < 6; ++i) {
        runs.push_back(checked.allocate(1));
    }
    EXPECT_EQ(checked.findings(), (Findings{PageFinding::table_full, PageFinding::table_full}));
    EXPECT_EQ(checked.reports[0].value, 4u);
    EXPECT_EQ(checked.reports[0].run.phys, runs[4].phys);
    for (Pages const& run : runs) {
        checked.pages.free_pages(run);
    }
    EXPECT_EQ(checked.pages.leaks(), 0u);
    EXPECT_EQ(checked.pages.findings(), 0u);
    EXPECT_EQ(checked.inner.pages_outstanding(), 0u);
}

TEST(CheckedPages, CountsLeaksBeyondTheTable) {
    Checked<LocatingMemory> checked;
    for (int i = 0; i < 5; ++i) {
        (void)checked.allocate(1);
    }
    EXPECT_EQ(checked.pages.leaks(), 5u);
}

TEST(CheckedPages, AcceptsLeakReportsBeyondTheTable) {
    Checked<LocatingMemory> checked;
    Pages run;
    for (int i = 0; i < 5; ++i) {
        run = checked.allocate(1);
    }
    checked.pages.pages_leaked(run);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::table_full});
}

TEST(CheckedPages, UsesTheOnlyFreeEntry) {
    Checked<LocatingMemory> checked;
    std::vector<Pages> runs;
    for (int i = 0; i < 4; ++i) {
        runs.push_back(checked.allocate(1));
    }
    for (int i : {0, 3, 1, 2, 2, 0}) {
        Pages& run = runs[static_cast<std::size_t>(i)];
        checked.pages.free_pages(run);
        run = checked.allocate(1);
    }
    EXPECT_EQ(checked.findings(), Findings{});
}

TEST(CheckedPages, RemembersTheLatestFreedRuns) {
    Checked<LocatingMemory> checked;
    Pages run;
    for (int i = 0; i < 9; ++i) {
        run = checked.allocate(1);
        checked.pages.free_pages(run);
    }
    checked.pages.free_pages(run);
    EXPECT_EQ(checked.findings(), Findings{PageFinding::freed_twice});
}

}  // namespace
}  // namespace virtq::test
