// SPDX-License-Identifier: MIT
//
// An object with a value of its own needs .data.
// EXPECT g++: bytes in .data
// EXPECT clang++-14: global_number is in .data
// EXPECT riscv64: bytes in .sdata

int global_number = 7;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    ++global_number;
}
