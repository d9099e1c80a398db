// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// Where boot.S maps things: in the upper 2 GiB. The physical addresses that this kernel uses are below these, or have
// more than 32 bits and are below these when truncated. Devices are uncached.
inline constexpr uintptr_t pool_virt = 0xc0000000;    // machine::pool_base
inline constexpr uintptr_t device_virt = 0x80000000;  // + physical: the devices of the first GiB
inline constexpr uintptr_t ecam_virt = 0xd0000000;    // the configuration space of PCI

inline constexpr char const* architecture = "arm";

template <class Word = uint32_t>
volatile Word& device_register(uintptr_t phys) {
    return *reinterpret_cast<volatile Word*>(device_virt + phys);
}
