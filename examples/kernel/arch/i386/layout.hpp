// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// Where boot.S maps things: outside the physical addresses that this kernel uses, which are below 16 MiB and above 3
// GiB.
inline constexpr uintptr_t pool_virt = 0x80000000;    // machine::pool_base
inline constexpr uintptr_t device_virt = 0x40000000;  // the devices of the fourth GiB, which begins at:
inline constexpr uintptr_t device_phys = 0xc0000000;
inline constexpr uint64_t device_bytes = uint64_t{1} << 30;

inline constexpr char const* architecture = "i386";

struct [[gnu::packed]] InterruptGate {
    static constexpr uint16_t code_segment = 8;
    static constexpr uint16_t present_interrupt_gate = 0x8e00;

    static InterruptGate to(uintptr_t stub) {
        return {static_cast<uint16_t>(stub), code_segment, present_interrupt_gate, static_cast<uint16_t>(stub >> 16)};
    }

    uint16_t offset_low;
    uint16_t segment;
    uint16_t options;
    uint16_t offset_high;
};
