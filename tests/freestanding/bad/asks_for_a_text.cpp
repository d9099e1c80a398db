// SPDX-License-Identifier: MIT
//
// A reference to the text of a group of errors that is not weak, and a weak one to something else.
// EXPECT g++: asks the kernel for _ZN5virtq6detail11group_textsINS_5ErrorELNS0_10ErrorGroupE1EEE
// EXPECT clang++-14: asks the kernel for _ZN5virtq6detail11group_textsINS_5ErrorELNS0_10ErrorGroupE1EEE
// EXPECT g++: asks the kernel for another_text
extern "C" {
extern char const strong_text[] __asm__("_ZN5virtq6detail11group_textsINS_5ErrorELNS0_10ErrorGroupE1EEE");
[[gnu::__weak__]] extern char const another_text[];
}

char const* volatile global_text;

extern "C" void kernel_main();
void kernel_main() {
    global_text = strong_text;
    global_text = another_text;
}
