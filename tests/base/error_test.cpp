// SPDX-License-Identifier: MIT
#include <virtq/base/error.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string_view>

namespace {

using virtq::describe;
using virtq::Error;

constexpr std::string_view unknown = "Unknown.";

/// The enumerators are numbered from 0 without gaps, so the first number without a sentence is their count.
unsigned error_count() {
    unsigned count = 0;
    while (count < 256 && describe(static_cast<Error>(count)) != unknown) {
        ++count;
    }
    return count;
}

TEST(Error, IsNoneAtZero) {
    EXPECT_EQ(static_cast<unsigned>(Error::none), 0u);
}

TEST(Error, HasASentenceForEachEnumerator) {
    // device_out_of_memory is the last enumerator. detail/description_test.cpp looks at those in between.
    EXPECT_EQ(error_count(), static_cast<unsigned>(Error::device_out_of_memory) + 1);
}

// With VIRTQ_SENTENCES=numbers a kernel prints only these. A log may be older than the header that it is compared with.
TEST(Error, KeepsItsNumbers) {
    EXPECT_EQ(static_cast<unsigned>(Error::queue_full), 24u);
    EXPECT_EQ(static_cast<unsigned>(Error::not_virtio), 39u);
    EXPECT_EQ(static_cast<unsigned>(Error::features_refused), 87u);
    EXPECT_EQ(static_cast<unsigned>(Error::request_cancelled), 103u);
}

TEST(Error, EndsEachSentenceWithAPeriod) {
    for (unsigned i = 0; i < error_count(); ++i) {
        std::string_view const sentence = describe(static_cast<Error>(i));
        ASSERT_FALSE(sentence.empty()) << "error " << i;
        EXPECT_EQ(sentence.back(), '.') << sentence;
        EXPECT_GE(sentence.front(), 'A') << sentence;
        EXPECT_LE(sentence.front(), 'Z') << sentence;
        EXPECT_EQ(sentence.find('\n'), std::string_view::npos) << sentence;
        EXPECT_EQ(sentence.find("  "), std::string_view::npos) << sentence;
    }
}

TEST(Error, HasDistinctSentences) {
    std::set<std::string_view> sentences;
    for (unsigned i = 0; i < error_count(); ++i) {
        std::string_view const sentence = describe(static_cast<Error>(i));
        EXPECT_TRUE(sentences.insert(sentence).second) << "twice: " << sentence;
    }
}

// A legacy PCI device fixes its queue size, and has no packed ring: nobody can round it down (faults A11).
TEST(Error, GivesAdviceForFixedQueueSizes) {
    std::string_view const sentence = describe(Error::queue_size_fixed_no_power_of_two);
    EXPECT_NE(sentence.find("modern interface"), std::string_view::npos) << sentence;
    EXPECT_NE(sentence.find("queue-size="), std::string_view::npos) << sentence;
    std::string_view const own = describe(Error::queue_size_not_power_of_two);
    EXPECT_NE(own.find("legacy PCI"), std::string_view::npos) << own;
}

// The most frequent mistake of a kernel with a sector: it passes a byte offset.
TEST(Error, NamesTheUnitOfSectors) {
    std::string_view const sentence = describe(Error::beyond_capacity);
    EXPECT_NE(sentence.find("512 bytes"), std::string_view::npos) << sentence;
    EXPECT_NE(sentence.find("byte offset"), std::string_view::npos) << sentence;
}

// The kernel's allocator gets the number. In the error it would cost code in each driver.
TEST(Error, NamesWhereToSeeHowManyPages) {
    std::string_view const sentence = describe(Error::no_pages);
    EXPECT_NE(sentence.find("the count of allocate_pages()"), std::string_view::npos) << sentence;
}

// A driver of any device type can return what is not about sectors.
TEST(Error, SpeaksOfDisksOnlyForDisks) {
    std::set<Error> const of_disks = {Error::zoned_host_managed,  Error::read_only,
                                      Error::beyond_capacity,     Error::length_not_block_multiple,
                                      Error::request_above_queue, Error::device_limits_too_small};
    for (unsigned i = 0; i < error_count(); ++i) {
        if (of_disks.count(static_cast<Error>(i)) == 0) {
            std::string_view const sentence = describe(static_cast<Error>(i));
            for (std::string_view const word : {"VIRTIO_BLK", "can_flush", "the disk", "request queue"}) {
                EXPECT_EQ(sentence.find(word), std::string_view::npos) << sentence;
            }
        }
    }
}

// The kernel causes these errors more often than the device.
TEST(Error, SuspectsThePageAllocatorFirst) {
    for (Error const error : {Error::status_invalid, Error::queue_not_accepted}) {
        EXPECT_NE(std::string_view{describe(error)}.find("Pages::phys"), std::string_view::npos) << describe(error);
    }
    std::string_view const late = describe(Error::timed_out);
    EXPECT_NE(late.find("poll limit"), std::string_view::npos) << late;
    EXPECT_NE(late.find("diagnose()"), std::string_view::npos) << late;
}

TEST(Error, DescribesUnknownNumbers) {
    EXPECT_EQ(describe(static_cast<Error>(255)), unknown);
}

}  // namespace
