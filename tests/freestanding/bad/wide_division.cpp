// SPDX-License-Identifier: MIT
//
// So is a 64-bit division on a 32-bit target.
// EXPECT i686: asks the kernel for __udivdi3
// EXPECT m68k: asks the kernel for __udivdi3

unsigned long long global_dividend;
unsigned global_divisor;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    global_dividend /= global_divisor;
}
