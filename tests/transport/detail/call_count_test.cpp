// SPDX-License-Identifier: MIT
#include <virtq/transport/detail/call_count.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {

using namespace virtq::detail;

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

}  // namespace
}  // namespace virtq::test
