// SPDX-License-Identifier: MIT
//
// Nor of the C library.
// EXPECT g++: string.h
// EXPECT clang++-14: string.h
// EXPECT aarch64: string.h

#include <string.h>

int global_number;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    global_number = 1;
}
