// SPDX-License-Identifier: MIT
//
// A program without the objects that the proof looks for proves nothing.
// EXPECT g++: no object called global_

extern "C" void kernel_main();
extern "C" void kernel_main() {}
