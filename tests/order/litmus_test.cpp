// SPDX-License-Identifier: MIT
#include <order/litmus.hpp>

#include <gtest/gtest.h>

#include <iomanip>
#include <iostream>
#include <string>

/// Each litmus program, in all executions that the model of a weak memory has.
namespace virtq::order {
namespace {

class EveryExecution : public ::testing::TestWithParam<Litmus> {};

TEST_P(EveryExecution, IsGood) {
    Litmus const& litmus = GetParam();
    Exploration const found = explore(program_of(litmus));
    EXPECT_EQ(found.failure, "") << found.trace;
    for (Race const& race : found.races) {
        // The flags that hide the first descriptor of a packed chain: stored plainly, while the device looks at them.
        EXPECT_TRUE(race.store == "write_flags" && race.load == "look")
            << race.load << " may read what " << race.store << " stores plainly, without order";
    }
    std::cout << litmus.name << ": " << std::setprecision(3) << found.executions << " executions in " << found.states
              << " states\n";
}

INSTANTIATE_TEST_SUITE_P(Litmus, EveryExecution, ::testing::ValuesIn(all_litmus()),
                         [](auto const& test) { return test.param.name; });

}  // namespace
}  // namespace virtq::order
