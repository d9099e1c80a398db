// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

/// All that this file uses comes from diag/diag.hpp.
namespace virtq::test {
namespace {

struct NoPages {
    Pages allocate_pages(std::size_t) { return {}; }
    void free_pages(Pages) {}
};

TEST(DiagHeader, BringsPicturesAndExplanations) {
    VirtQueue<8> const queue;
    std::string picture;
    dump(queue, [&picture](char character) { picture += character; });
    EXPECT_NE(picture.find("queue of 0"), std::string::npos) << picture;
    EXPECT_EQ(take_snapshot(queue).size, 0);
    std::string text;
    Diagnosis diagnosis;
    diagnosis.add({.cause = Cause::device_gone});
    explain(diagnosis, [&text](char character) { text += character; });
    EXPECT_NE(text.find("The device status reads as all ones"), std::string::npos) << text;
}

TEST(DiagHeader, BringsCheckedPages) {
    NoPages pages;
    auto say = [](PageReport const& report) { ADD_FAILURE() << report.sentence(); };
    CheckedPages checked(pages, say);
    EXPECT_EQ(checked.allocate_pages(1).count, 0u);
    EXPECT_EQ(checked.findings() + checked.leaks(), 0u);
}

}  // namespace
}  // namespace virtq::test
