// SPDX-License-Identifier: MIT
//
// No header of the C++ library is in reach.
// EXPECT g++: concepts
// EXPECT clang++-19: concepts
// EXPECT riscv64: concepts

#include <concepts>

int global_number;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    global_number = 1;
}
