// SPDX-License-Identifier: MIT
#include <virtq/transport/call_count.hpp>
#include <virtq/transport/transport.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

TEST(CallCount, StopsAtItsLargestNumber) {
    CallCount calls;
    EXPECT_EQ(calls.value(), 0u);
    calls.add();
    EXPECT_EQ(calls.value(), 1u);
    for (unsigned i = 0; i < 0x10000; ++i) {
        calls.add();
    }
    EXPECT_EQ(calls.value(), UINT16_MAX);
}

/// A device that has a queue of every number, by its own account.
struct QueuesWithoutEnd {
    unsigned questions = 0;
    std::uint16_t queue_size_max(std::uint16_t) {
        ++questions;
        return 8;
    }
};

TEST(QueueCount, EndsWithTheLargestNumber) {
    QueuesWithoutEnd transport;
    EXPECT_EQ(count_queues(transport), UINT16_MAX);
    EXPECT_EQ(transport.questions, UINT16_MAX);
}

}  // namespace
}  // namespace virtq::test
