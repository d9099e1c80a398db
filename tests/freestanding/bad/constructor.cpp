// SPDX-License-Identifier: MIT
//
// A constructor that is not constant runs before kernel_main, which kernels do not see to.
// EXPECT g++: must run before kernel_main
// EXPECT clang++-19: must run before kernel_main
// EXPECT aarch64: must run before kernel_main

struct Queue {
    Queue();
    int size;
};

Queue global_queue;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    global_queue.size = 1;
}
