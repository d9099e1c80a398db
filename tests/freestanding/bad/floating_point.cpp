// SPDX-License-Identifier: MIT
//
// Floating point is an error, or a call of libgcc.
// EXPECT g++: SSE
// EXPECT clang++-14: SSE
// EXPECT clang++-19: SSE
// EXPECT aarch64: general-regs-only
// EXPECT i686: asks the kernel for __muldf3
// EXPECT riscv64: asks the kernel for __muldf3
// EXPECT m68k: asks the kernel for __muldf3

double global_number;

double half_of(double number);
double half_of(double number) {
    return number * 0.5;
}

extern "C" void kernel_main();
extern "C" void kernel_main() {
    global_number = half_of(global_number);
}
