// SPDX-License-Identifier: MIT
#pragma once

#include "divide.hpp"

/// A number in base 10, as text.
class Decimal {
public:
    explicit Decimal(uint64_t number) {
        do {
            Quotient const tens = divide(number, 10);
            digits_[--first_] = static_cast<char>('0' + tens.rest);
            number = tens.quotient;
        } while (number != 0);
    }
    [[nodiscard]] char const* text() const { return digits_ + first_; }
    [[nodiscard]] unsigned length() const { return most_digits - first_; }

private:
    static constexpr unsigned most_digits = 20;

    char digits_[most_digits + 1] = {};
    unsigned first_ = most_digits;
};
