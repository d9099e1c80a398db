// SPDX-License-Identifier: MIT
//
// A local static is global state with a hidden flag.
// EXPECT g++: guarded local static
// EXPECT clang++-14: guarded local static

int make();

int global_number;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    static int const made = make();
    global_number = made;
}
