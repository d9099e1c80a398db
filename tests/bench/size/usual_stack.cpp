// SPDX-License-Identifier: MIT
//
// Prints the bytes of stack that a submit_read of one segment touches if nothing is wrong, with its return address.
// size/stack.cpp has the deepest path of each call.
#include "../disk_ring.hpp"

#include <cstdio>

namespace bench {

/// A disk of the split ring, and requests for it.
class Reader {
public:
    void open() {
        Case which;
        which.event_idx = true;
        static_cast<void>(ring_.open(which));
        ring_.prepare(0);
    }
    [[gnu::noinline]] bool submit() { return ring_.add(0); }

private:
    DiskRing<virtq::Split> ring_;
};

constexpr unsigned char paint = 0xa5;
constexpr unsigned long depth = 16384;

/// Paints the stack below, makes the call, and looks how much of the paint is left.
[[gnu::noinline]] unsigned long stack_of_submit(Reader& reader) {
    unsigned char volatile* top;
    asm volatile("mov %%rsp, %0" : "=r"(top));
    for (unsigned char volatile* one = top - depth; one < top; ++one) {
        *one = paint;
    }
    if (!reader.submit()) {
        fail("a read was refused that should have fitted");
    }
    unsigned char volatile* deepest = top - depth;
    while (*deepest == paint) {
        ++deepest;
    }
    return static_cast<unsigned long>(top - deepest);
}

Reader reader;

}  // namespace bench

int main() {
    bench::reader.open();
    bench::stack_of_submit(bench::reader);  // the first call may do more than the others
    std::printf("%lu\n", bench::stack_of_submit(bench::reader));
}
