// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

struct Quotient {
    uint64_t quotient;
    uint64_t rest;
};

/// By hand: on a 32-bit machine the compiler would call libgcc, which this kernel is not linked with.
constexpr Quotient divide(uint64_t number, uint64_t by) {
    Quotient result{};
    for (int bit = 63; bit >= 0; --bit) {
        result.rest = result.rest << 1 | number >> 63;
        number <<= 1;
        result.quotient <<= 1;
        if (result.rest >= by) {
            result.rest -= by;
            result.quotient |= 1;
        }
    }
    return result;
}
static_assert(divide(1'000'000'000'007, 10).quotient == 100'000'000'000 && divide(1'000'000'000'007, 10).rest == 7);
