// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"

#include <virtq/base/error.hpp>

#include <stdint.h>

namespace serial {

/// A number printed in base 16.
struct Hex {
    uint64_t value;
};

/// A number of bytes printed as MiB with one decimal.
struct Mebibytes {
    uint64_t bytes;
};

void print(char const* text);
void print(uint64_t number);
void print(Hex number);
void print(Mebibytes size);

/// Prints the parts one after the other and ends the line.
template <class... Parts>
void line(Parts... parts) {
    (print(parts), ...);
    machine::put('\n');
}

/// Prints in one sentence why the kernel stops, and ends QEMU with a failure.
template <class... Parts>
[[noreturn]] void fail(Parts... parts) {
    line("FAIL: ", parts...);
    machine::exit(false);
}

/// As above with the library's own sentence.
[[noreturn]] inline void fail(char const* what, virtq::Error error) {
    fail(what, ": ", virtq::describe(error));
}

}  // namespace serial
