// SPDX-License-Identifier: MIT
//
// There are no exceptions.
// EXPECT g++: exception handling disabled
// EXPECT clang++-19: exceptions disabled

int global_number;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    if (global_number == 0) {
        throw 1;
    }
}
