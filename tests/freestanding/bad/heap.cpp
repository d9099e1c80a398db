// SPDX-License-Identifier: MIT
//
// The kernel is asked for nothing but what is on the list.
// EXPECT g++: asks the kernel for malloc
// EXPECT m68k: asks the kernel for malloc

extern "C" void* malloc(__SIZE_TYPE__ bytes);

void* global_memory;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    global_memory = malloc(16);
}
