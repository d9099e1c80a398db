// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// What the machine needs from the CPU, in the instructions of this instruction set.
namespace cpu {

inline uint64_t virtual_count() {
    uint32_t low;
    uint32_t high;
    asm volatile("isb; mrrc p15, 1, %0, %1, c14" : "=r"(low), "=r"(high)::"memory");  // CNTVCT
    return (uint64_t{high} << 32) | low;
}

/// Counts per second.
inline uint32_t count_hertz() {
    uint32_t hertz;
    asm volatile("mrc p15, 0, %0, c14, c0, 0" : "=r"(hertz));  // CNTFRQ
    return hertz;
}

/// The virtual timer interrupts after this many counts.
inline void start_timer(uint32_t counts) {
    asm volatile("mcr p15, 0, %0, c14, c3, 0" ::"r"(counts));  // CNTV_TVAL
    asm volatile("mcr p15, 0, %0, c14, c3, 1; isb" ::"r"(1));  // CNTV_CTL
}

inline void stop_timer() {
    asm volatile("mcr p15, 0, %0, c14, c3, 1; isb" ::"r"(0));  // CNTV_CTL
}

/// A masked interrupt wakes the CPU but is not taken. One that arrived before the wfi ends it at once.
inline void sleep_until_interrupt() {
    asm volatile("dsb sy; wfi; cpsie i; isb; cpsid i" ::: "memory");
}

/// Semihosting's SYS_EXIT, which on 32 bits has only two reasons: QEMU exits with 0 or 1.
inline void exit(bool success) {
    constexpr uint32_t application_exit = 0x20026;
    constexpr uint32_t run_time_error = 0x20023;
    register uint32_t operation asm("r0") = 0x18;
    register uint32_t reason asm("r1") = success ? application_exit : run_time_error;
    asm volatile("svc #0x123456" : "+r"(operation) : "r"(reason) : "memory");
}

}  // namespace cpu
