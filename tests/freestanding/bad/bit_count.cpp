// SPDX-License-Identifier: MIT
//
// A bit-count builtin is a call of libgcc where there is no instruction.
// EXPECT riscv64: asks the kernel for __popcountdi2
// EXPECT m68k: asks the kernel for __popcountsi2

unsigned global_number;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    global_number = static_cast<unsigned>(__builtin_popcount(global_number));
}
