// SPDX-License-Identifier: MIT
#include <virtq/transport/transport.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

/// Queues up to a number, or without an end.
struct SizesOfQueues {
    std::uint32_t queues;
    std::uint32_t asked = 0;

    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t queue) {
        ++asked;
        return queue < queues ? 256u : 0u;
    }
};

TEST(CountQueues, EndsAtTheFirstWithoutSize) {
    SizesOfQueues none{0};
    EXPECT_EQ(count_queues(none), 0);
    SizesOfQueues three{3};
    EXPECT_EQ(count_queues(three), 3);
    EXPECT_EQ(three.asked, 4u);
}

// A device that answers anything: the count must not begin again at 0.
TEST(CountQueues, EndsIfEveryQueueExists) {
    SizesOfQueues endless{UINT32_MAX};
    EXPECT_EQ(count_queues(endless), UINT16_MAX);
    EXPECT_EQ(endless.asked, std::uint32_t{UINT16_MAX});
}

}  // namespace
}  // namespace virtq::test
