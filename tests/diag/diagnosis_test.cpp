// SPDX-License-Identifier: MIT
#include <virtq/diag/diagnosis.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

TEST(Diagnosis, IsEmptyAtFirst) {
    constexpr Diagnosis fresh;
    EXPECT_EQ(fresh.cause(), Cause::none);
    EXPECT_TRUE(fresh.findings().empty());
    EXPECT_TRUE(fresh.is_healthy());
}

TEST(Diagnosis, KeepsTheFirstFindings) {
    Diagnosis diagnosis;
    diagnosis.add({});  // `none` is not a finding
    EXPECT_TRUE(diagnosis.findings().empty());
    for (std::uint64_t value = 1; value <= Diagnosis::capacity + 2; ++value) {
        diagnosis.add({.cause = Cause::device_gone, .value = value});
    }
    ASSERT_EQ(diagnosis.findings().size(), std::size_t{Diagnosis::capacity});
    EXPECT_EQ(diagnosis.first().value, 1u);
    EXPECT_EQ(diagnosis.findings()[Diagnosis::capacity - 1].value, Diagnosis::capacity);
}

// A queue in which nothing happens is not ill.
TEST(Diagnosis, IsHealthyIfNothingWasAsked) {
    for (unsigned number = 0; number <= static_cast<unsigned>(Cause::descriptors_not_freed); ++number) {
        auto const cause = static_cast<Cause>(number);
        Diagnosis diagnosis;
        diagnosis.add({.cause = cause});
        bool const is_idle = cause == Cause::none || cause == Cause::nothing_in_flight ||
                             cause == Cause::nothing_asked || cause == Cause::nothing_arrived;
        EXPECT_EQ(diagnosis.is_healthy(), is_idle) << describe(cause);
    }
}

TEST(Diagnosis, IsHealthyOnlyByItsFirstFinding) {
    Diagnosis diagnosis;
    diagnosis.add({.cause = Cause::device_gone});
    diagnosis.add({.cause = Cause::nothing_in_flight});
    EXPECT_FALSE(diagnosis.is_healthy());
}

}  // namespace
}  // namespace virtq::test
