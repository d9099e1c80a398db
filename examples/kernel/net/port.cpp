// SPDX-License-Identifier: MIT
#include "divide.hpp"
#include "serial.hpp"

#include <lwip/sys.h>

/// The functions that lwIP wants of a kernel, and the three of a C library that memory.cpp has not.

void* lwip_heap = nullptr;

extern "C" {

/// Milliseconds since some moment. It may wrap.
u32_t sys_now() {
    return static_cast<u32_t>(divide(machine::ticks() * 1000, machine::ticks_per_second()).quotient);
}

/// For the numbers of ports, and of DHCP's transactions. A kernel with a source of random bytes takes those.
uint32_t lwip_random() {
    static uint64_t state = machine::ticks();
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>(state >> 32);
}

void lwip_assertion_failed(char const* rule, char const* file, int line) {
    serial::fail("lwIP's rule is broken: ", rule, " (", file, ":", static_cast<uint64_t>(line), ")");
}

size_t strlen(char const* text) {
    size_t length = 0;
    while (text[length] != '\0') {
        ++length;
    }
    return length;
}

int strncmp(char const* left, char const* right, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (left[i] != right[i] || left[i] == '\0') {
            return static_cast<unsigned char>(left[i]) - static_cast<unsigned char>(right[i]);
        }
    }
    return 0;
}

int atoi(char const* text) {
    int number = 0;
    for (; *text >= '0' && *text <= '9'; ++text) {
        number = 10 * number + (*text - '0');
    }
    return number;
}
}
