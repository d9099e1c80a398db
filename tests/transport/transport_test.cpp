// SPDX-License-Identifier: MIT
#include <virtq/transport/transport.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

/// A transport with a given number of queues, or with all of them.
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

// A device with a size for every queue: the count must not wrap to 0.
TEST(CountQueues, EndsIfEveryQueueExists) {
    SizesOfQueues endless{UINT32_MAX};
    EXPECT_EQ(count_queues(endless), UINT16_MAX);
    EXPECT_EQ(endless.asked, std::uint32_t{UINT16_MAX});
}

}  // namespace
}  // namespace virtq::test
