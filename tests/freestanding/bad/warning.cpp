// SPDX-License-Identifier: MIT
//
// A warning is an error.
// EXPECT g++: Werror=conversion
// EXPECT clang++-14: Wimplicit-int-conversion
// EXPECT m68k: Werror=conversion

int global_number;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    short const cut = global_number;
    global_number = cut;
}
