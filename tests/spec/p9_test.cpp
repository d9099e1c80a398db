// SPDX-License-Identifier: MIT
#include <virtq/spec/p9.hpp>

#include <support/number.hpp>

#include <gtest/gtest.h>

namespace {

namespace p9 = virtq::spec::p9;
using virtq::test::number_of;

TEST(P9, HasTheNumbersOfItsHosts) {
    EXPECT_EQ(p9::request_queue, 0);
    EXPECT_EQ(number_of(p9::Feature::mount_tag), 0u);
    EXPECT_EQ(p9::config::tag_len.offset, 0);
    EXPECT_EQ(p9::config::tag, 2);
    EXPECT_EQ(p9::header::size, 0u);
    EXPECT_EQ(p9::header::type, 4u);
    EXPECT_EQ(p9::header::tag, 5u);
    EXPECT_EQ(p9::header::bytes, 7u);
    EXPECT_EQ(number_of(p9::ErrorType::rlerror), 7u);
    EXPECT_EQ(number_of(p9::ErrorType::rerror), 107u);
    EXPECT_EQ(p9::rlerror_bytes, 11u);
}

}  // namespace
