// SPDX-License-Identifier: MIT
#include <virtq/spec/balloon.hpp>

#include <support/number.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace {

namespace balloon = virtq::spec::balloon;
using virtq::test::number_of;

TEST(BalloonFeature, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(number_of(balloon::Feature::must_tell_host), 0u);
    EXPECT_EQ(number_of(balloon::Feature::stats_vq), 1u);
    EXPECT_EQ(number_of(balloon::Feature::deflate_on_oom), 2u);
    EXPECT_EQ(number_of(balloon::Feature::free_page_hint), 3u);
    EXPECT_EQ(number_of(balloon::Feature::page_poison), 4u);
    EXPECT_EQ(number_of(balloon::Feature::page_reporting), 5u);
}

TEST(BalloonQueue, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(number_of(balloon::Queue::inflate), 0u);
    EXPECT_EQ(number_of(balloon::Queue::deflate), 1u);
    EXPECT_EQ(number_of(balloon::Queue::stats), 2u);
    EXPECT_EQ(number_of(balloon::Queue::free_page), 3u);
    EXPECT_EQ(number_of(balloon::Queue::reporting), 4u);
}

TEST(BalloonConfiguration, HasTheOffsetsOfTheStandard) {
    EXPECT_EQ(balloon::config::num_pages.offset, 0);
    EXPECT_EQ(balloon::config::actual.offset, 4);
    EXPECT_EQ(balloon::config::free_page_hint_cmd_id.offset, 8);
    EXPECT_EQ(balloon::config::poison_val.offset, 12);
    EXPECT_EQ(balloon::page_unit_bytes, 4096u);
    EXPECT_EQ(balloon::hint_stop, 0u);
    EXPECT_EQ(balloon::hint_done, 1u);
}

TEST(BalloonStat, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(balloon::Stat), 10u);
    EXPECT_EQ(offsetof(balloon::Stat, tag), 0u);
    EXPECT_EQ(offsetof(balloon::Stat, value), 2u);
    EXPECT_EQ(number_of(balloon::StatTag::swap_in), 0u);
    EXPECT_EQ(number_of(balloon::StatTag::swap_out), 1u);
    EXPECT_EQ(number_of(balloon::StatTag::majflt), 2u);
    EXPECT_EQ(number_of(balloon::StatTag::minflt), 3u);
    EXPECT_EQ(number_of(balloon::StatTag::memfree), 4u);
    EXPECT_EQ(number_of(balloon::StatTag::memtot), 5u);
    EXPECT_EQ(number_of(balloon::StatTag::avail), 6u);
    EXPECT_EQ(number_of(balloon::StatTag::caches), 7u);
    EXPECT_EQ(number_of(balloon::StatTag::htlb_pgalloc), 8u);
    EXPECT_EQ(number_of(balloon::StatTag::htlb_pgfail), 9u);
}

}  // namespace
