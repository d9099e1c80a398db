// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// Tests of contract breaches, the first class of failure. The hosted assertion hook throws, so that a test can check
/// the rule that was broken and continue. A breach that no test expects fails the test and names the rule.
namespace virtq::test {

/// Thrown by the hosted `virtq_assertion_failed`; `what()` contains the rule and its location.
struct ContractBreach : std::runtime_error {
    ContractBreach(std::string broken_rule, std::string in_file, int at_line)
        : std::runtime_error("contract breach: " + broken_rule + " (" + in_file + ":" + std::to_string(at_line) + ")"),
          rule(std::move(broken_rule)),
          file(std::move(in_file)),
          line(at_line) {}

    std::string rule;
    std::string file;
    int line;
};

/// Whether calling `expression` breaks a rule whose sentence contains `part`.
template <class Expression>
[[nodiscard]] ::testing::AssertionResult breaches(Expression expression, std::string_view part) {
    try {
        expression();
    } catch (ContractBreach const& breach) {
        if (breach.rule.find(part) == std::string::npos) {
            return ::testing::AssertionFailure() << "expected a rule with \"" << part << "\", got a " << breach.what();
        }
        return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << "no rule was broken; expected one with \"" << part << "\"";
}

}  // namespace virtq::test

/// Expects that `expression` breaks the contract and that the rule's sentence contains `part`. For several statements,
/// write a lambda and call it: `EXPECT_BREACH([&] { a(); b(); }(), "…")`.
#define EXPECT_BREACH(expression, part) \
    EXPECT_TRUE(::virtq::test::breaches([&] { static_cast<void>(expression); }, part))
