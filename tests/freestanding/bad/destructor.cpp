// SPDX-License-Identifier: MIT
//
// A destructor of a static object is registered with __cxa_atexit.
// EXPECT g++: asks the kernel for __cxa_atexit
// EXPECT clang++-14: asks the kernel for __cxa_atexit

struct Queue {
    ~Queue();
    int size = 0;
};

Queue global_queue;

extern "C" void kernel_main();
extern "C" void kernel_main() {
    global_queue.size = 1;
}
