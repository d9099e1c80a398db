// SPDX-License-Identifier: MIT
#include <support/contract.hpp>

#include <gtest/gtest.h>

#include <virtq/base/assert.hpp>

namespace {

using virtq::test::breaches;

int halve(int value) {
    VIRTQ_ASSERT(value % 2 == 0, "halve() takes an even number");
    return value / 2;
}

TEST(ContractBreach, IsExpectedByItsRule) {
    EXPECT_BREACH(halve(3), "even number");
}

TEST(ContractBreach, IsMissedWhereTheContractHolds) {
    EXPECT_FALSE(breaches([] { halve(4); }, "even number"));
}

TEST(ContractBreach, IsNotTakenForAnotherRule) {
    EXPECT_FALSE(breaches([] { halve(3); }, "odd number"));
}

TEST(ContractBreach, RecordsWhereTheRuleIs) {
    try {
        halve(3);
        FAIL() << "halve(3) broke no rule";
    } catch (virtq::test::ContractBreach const& breach) {
        EXPECT_EQ(breach.rule, "halve() takes an even number");
        EXPECT_NE(breach.file.find("contract_test.cpp"), std::string::npos);
        EXPECT_GT(breach.line, 0);
    }
}

}  // namespace
