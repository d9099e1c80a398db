// SPDX-License-Identifier: MIT
#pragma once

#include "layout.hpp"

/// The interrupt controller, a PLIC: each line has a priority, and each context enables the lines it takes.
namespace plic {

inline constexpr uintptr_t base = 0x0c000000;
inline constexpr uintptr_t context = 1;     // S-mode of the first CPU
inline constexpr unsigned line_count = 96;  // QEMU's `virt` has these; 0 means none

inline void prepare() {
    device_register(base + 0x200000 + 0x1000 * context) = 0;  // the threshold: every priority passes
}

inline void enable(unsigned line) {
    volatile uint32_t& enabled = device_register(base + 0x2000 + 0x80 * context + line / 32 * 4);
    device_register(base + line * 4) = 1;  // its priority; 0 would disable it
    enabled = enabled | 1u << line % 32;
}

/// The pending line, which is then silent until `complete`.
inline unsigned claim() {
    return device_register(base + 0x200004 + 0x1000 * context);
}

inline void complete(unsigned line) {
    device_register(base + 0x200004 + 0x1000 * context) = line;
}

}  // namespace plic
