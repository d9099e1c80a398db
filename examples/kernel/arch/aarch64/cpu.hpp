// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// What the machine needs from the CPU, in the instructions of this instruction set.
namespace cpu {

inline uint64_t virtual_count() {
    uint64_t count;
    asm volatile("isb; mrs %0, cntvct_el0" : "=r"(count)::"memory");
    return count;
}

/// Counts per second.
inline uint32_t count_hertz() {
    uint64_t hertz;
    asm volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
    return static_cast<uint32_t>(hertz);
}

/// The virtual timer interrupts after this many counts.
inline void start_timer(uint32_t counts) {
    asm volatile("msr cntv_tval_el0, %0" ::"r"(uint64_t{counts}));
    asm volatile("msr cntv_ctl_el0, %0; isb" ::"r"(uint64_t{1}));
}

inline void stop_timer() {
    asm volatile("msr cntv_ctl_el0, xzr; isb");
}

/// A masked interrupt wakes the CPU but is not taken. One that arrived before the wfi ends it at once.
inline void sleep_until_interrupt() {
    asm volatile("dsb sy; wfi; msr daifclr, #2; isb; msr daifset, #2" ::: "memory");
}

/// Semihosting's SYS_EXIT: QEMU exits with the second word of the block.
inline void exit(bool success) {
    constexpr uint64_t application_exit = 0x20026;
    uint64_t const block[2] = {application_exit, success ? uint64_t{0} : uint64_t{1}};
    register uint64_t operation asm("x0") = 0x18;
    register uint64_t const* argument asm("x1") = block;
    asm volatile("hlt #0xf000" : "+r"(operation) : "r"(argument) : "memory");
}

}  // namespace cpu
