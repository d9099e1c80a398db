// SPDX-License-Identifier: MIT
#include <virtq/device/driver_types.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace virtq::test {
namespace {

TEST(DriverTypes, SaysNothingHasEndedByDefault) {
    RequestCompletion const none;
    EXPECT_EQ(none.state, CompletionState::none);
    EXPECT_EQ(none.error, Error::none);
    EXPECT_EQ(none.bytes, 0u);
    static_assert(!std::is_convertible_v<RequestCompletion, bool>);
}

}  // namespace
}  // namespace virtq::test
