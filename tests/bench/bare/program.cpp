// SPDX-License-Identifier: MIT
//
// Runs the cases one after the other in QEMU's user mode, for architectures that have no C++ library here, and prints
// the number of requests of each. It writes before and after each case. counting.cpp prints its counts at each write.
#include "../case.hpp"
#include "../memory.hpp"

// The first instructions: the arguments are on the stack.
#if defined(__riscv)
asm(".globl _start\n"
    "_start:\n"
    ".option push\n"
    ".option norelax\n"
    "la gp, __global_pointer$\n"
    ".option pop\n"
    "mv a0, sp\n"
    "andi sp, sp, -16\n"
    "call start\n");
#elif defined(__aarch64__)
asm(".globl _start\n"
    "_start:\n"
    "mov x0, sp\n"
    "bl start\n");
#else
#error "bare/program.cpp has no _start for this architecture."
#endif

namespace {

// System call numbers of Linux, the same on both architectures.
enum class Call : long { write = 64, exit = 93 };

long call_linux(Call call, long first, void const* second, unsigned long third) {
#if defined(__riscv)
    register long a0 asm("a0") = first;
    register void const* a1 asm("a1") = second;
    register unsigned long a2 asm("a2") = third;
    register long a7 asm("a7") = static_cast<long>(call);
    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
#else
    register long x0 asm("x0") = first;
    register void const* x1 asm("x1") = second;
    register unsigned long x2 asm("x2") = third;
    register long x8 asm("x8") = static_cast<long>(call);
    asm volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
    return x0;
#endif
}

[[noreturn]] void exit_with(long status) {
    for (;;) {
        call_linux(Call::exit, status, nullptr, 0);
    }
}

void print(char const* text) {
    unsigned long length = 0;
    while (text[length] != '\0') {
        ++length;
    }
    call_linux(Call::write, 1, text, length);
}

void print(unsigned long number) {
    char digits[24];
    char* first = digits + sizeof digits - 1;
    *first = '\0';
    do {
        *--first = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print(first);
}

void run_case(char const* name) {
    constexpr unsigned long requests = 1024;
    bench::Case which;
    bench::Contender* const contender = bench::read_case(name, which) ? bench::make_contender(which) : nullptr;
    if (contender == nullptr) {
        bench::fail(name);
    }
    unsigned long const turns = (requests + which.batch - 1) / which.batch;
    unsigned long const sum_before = contender->token_sum();
    contender->run(turns);  // fills the ring once, to measure its usual state
    print(name);
    contender->run(turns);
    print(" ");
    if (contender->token_sum() - sum_before != turns * which.batch * (which.batch + 1)) {
        bench::fail("the tokens that came back are not those that went");
    }
    print(turns * which.batch);
    print("\n");
}

alignas(4096) char arena[48 << 20];
size_t arena_used = 0;

}  // namespace

extern "C" [[noreturn]] void start(unsigned long* stack) {
    for (unsigned long i = 1; i < stack[0]; ++i) {
        run_case(reinterpret_cast<char const*>(stack[1 + i]));
    }
    exit_with(0);
}

void* bench::allocate(size_t bytes, size_t offset) {
    constexpr size_t page = 4096;
    size_t const all = (offset + bytes + page - 1) / page * page;
    if (all > sizeof arena - arena_used) {
        fail("out of memory");
    }
    arena_used += all;
    return arena + arena_used - all + offset;
}

void bench::fail(char const* sentence) {
    print("bench: ");
    print(sentence);
    print("\n");
    exit_with(1);
}

// Functions that compilers call.
extern "C" {

[[noreturn]] void __cxa_pure_virtual() {
    bench::fail("a pure virtual function was called");
}

[[noreturn]] void virtq_assertion_failed(char const* rule, char const*, int) {
    bench::fail(rule);
}

void* memset(void* to, int value, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        static_cast<char*>(to)[i] = static_cast<char>(value);
    }
    return to;
}

void* memcpy(void* to, void const* from, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        static_cast<char*>(to)[i] = static_cast<char const*>(from)[i];
    }
    return to;
}

}  // extern "C"
