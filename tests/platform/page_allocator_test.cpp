// SPDX-License-Identifier: MIT
#include <virtq/platform/page_allocator.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace {

using virtq::PageAllocator;
using virtq::Pages;
using virtq::PhysAddr;

struct Plain {
    Pages allocate_pages(size_t) { return {}; }
    void free_pages(Pages) {}
};

struct Translating : Plain {
    PhysAddr phys_addr(void const*) { return {}; }
};

struct Reporting : Plain {
    void pages_leaked(Pages) {}
};

struct WithoutFree {
    Pages allocate_pages(size_t) { return {}; }
};

struct ReturnsAPointer {
    void* allocate_pages(size_t) { return nullptr; }
    void free_pages(Pages) {}
};

TEST(PageAllocator, NeedsTwoFunctions) {
    EXPECT_TRUE(PageAllocator<Plain>);
    EXPECT_FALSE(PageAllocator<WithoutFree>);
    EXPECT_FALSE(PageAllocator<ReturnsAPointer>);
}

TEST(PageAllocator, MayTranslateAndMayReportLeaks) {
    EXPECT_FALSE(virtq::TranslatesAddresses<Plain>);
    EXPECT_TRUE(virtq::TranslatesAddresses<Translating>);
    EXPECT_FALSE(virtq::ReportsLeaks<Plain>);
    EXPECT_TRUE(virtq::ReportsLeaks<Reporting>);
}

TEST(Pages, AreNoneAtFirst) {
    Pages const none;
    EXPECT_EQ(none.virt, nullptr);
    EXPECT_EQ(none.count, 0u);
}

}  // namespace
