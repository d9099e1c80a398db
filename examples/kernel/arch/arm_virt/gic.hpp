// SPDX-License-Identifier: MIT
#pragma once

#include "layout.hpp"

/// The interrupt controller, a GICv2 with one CPU: the distributor collects the lines, and the CPU interface reports
/// which of them is pending. Shared lines have numbers from 32 on. After a reset they have the highest priority and
/// are off.
namespace gic {

inline constexpr uintptr_t distributor = 0x08000000;
inline constexpr uintptr_t cpu_interface = 0x08010000;

inline constexpr unsigned shared_lines = 32;
inline constexpr unsigned line_count = 288;  // QEMU's `virt` has these; 1023 means none

enum class Trigger : uint32_t { level = 0, edge = 2 };

inline void prepare() {
    device_register(distributor + 0x000) = 1;       // GICD_CTLR: forwards
    device_register(cpu_interface + 0x004) = 0xff;  // GICC_PMR: lets every priority pass
    device_register(cpu_interface + 0x000) = 1;     // GICC_CTLR: signals
}

/// The trigger of a line that is not shared is fixed.
inline void enable(unsigned line, Trigger trigger) {
    if (line >= shared_lines) {
        volatile uint32_t& triggers = device_register(distributor + 0xc00 + line / 16 * 4);  // GICD_ICFGR
        unsigned const shift = line % 16 * 2;
        triggers = (triggers & ~(3u << shift)) | static_cast<uint32_t>(trigger) << shift;
        device_register<uint8_t>(distributor + 0x800 + line) = 1;  // GICD_ITARGETSR: to this CPU
    }
    device_register(distributor + 0x100 + line / 32 * 4) = 1u << line % 32;  // GICD_ISENABLER
}

/// The pending line, which is then silent until `end`.
inline unsigned acknowledge() {
    return device_register(cpu_interface + 0x00c) & 0x3ff;  // GICC_IAR
}

inline void end(unsigned line) {
    device_register(cpu_interface + 0x010) = line;  // GICC_EOIR
}

}  // namespace gic
