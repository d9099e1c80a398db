// SPDX-License-Identifier: MIT
#include <virtq/spec/entropy.hpp>

#include <gtest/gtest.h>

namespace {

namespace entropy = virtq::spec::entropy;

TEST(EntropyQueue, HasTheNumberOfTheStandard) {
    EXPECT_EQ(entropy::request_queue, 0);
}

TEST(EntropyQueue, UsesAtLeastOneByte) {
    EXPECT_EQ(entropy::used_bytes_min, 1u);
}

}  // namespace
