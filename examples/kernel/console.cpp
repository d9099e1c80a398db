// SPDX-License-Identifier: MIT
#include "console.hpp"

namespace console {

void print(char const* text) {
    for (; *text != '\0'; ++text) {
        machine::put(*text);
    }
}

void print(uint64_t number) {
    char digits[21] = {};
    char* first = digits + 20;
    do {
        *--first = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print(first);
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
    uint64_t const tenths = (size.bytes * 10 + (1 << 19)) >> 20;
    print(tenths / 10);
    machine::put('.');
    print(tenths % 10);
    print(" MiB");
}

}  // namespace console
