// SPDX-License-Identifier: MIT
#include <support/contract.hpp>

#include <virtq/base/assert.hpp>

extern "C" [[noreturn]] void virtq_assertion_failed(char const* rule, char const* file, int line) {
    throw virtq::test::ContractBreach(rule, file, line);
}
