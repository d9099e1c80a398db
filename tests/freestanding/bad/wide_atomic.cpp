// SPDX-License-Identifier: MIT
//
// A 64-bit atomic access calls libatomic on a 32-bit target.
// EXPECT m68k: asks the kernel for __atomic_store_8

unsigned long long global_number;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    __atomic_store_n(&global_number, 1, __ATOMIC_RELAXED);
}
