// SPDX-License-Identifier: MIT
#include "serial.hpp"

#include "decimal.hpp"

namespace serial {

void print(char const* text) {
    for (; *text != '\0'; ++text) {
        machine::put(*text);
    }
}

void print(uint64_t number) {
    print(Decimal{number}.text());
}

void print(Hex number) {
    print("0x");
    unsigned shift = 60;
    while (shift != 0 && number.value >> shift == 0) {
        shift -= 4;
    }
    for (;; shift -= 4) {
        machine::put("0123456789abcdef"[(number.value >> shift) & 15]);
        if (shift == 0) {
            return;
        }
    }
}

void print(Mebibytes size) {
    Quotient const tenths = divide((size.bytes * 10 + (1 << 19)) >> 20, 10);
    print(tenths.quotient);
    machine::put('.');
    print(tenths.rest);
    print(" MiB");
}

}  // namespace serial
