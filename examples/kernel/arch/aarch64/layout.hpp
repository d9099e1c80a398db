// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// Where boot.S maps things. Devices are uncached.
inline constexpr uintptr_t pool_virt = 0xffffff8100000000;    // machine::pool_base
inline constexpr uintptr_t device_virt = 0xffffffa000000000;  // + physical: the devices of the first GiB
inline constexpr uintptr_t ecam_virt = 0xffffffe010000000;    // the configuration space of PCI

inline constexpr char const* architecture = "aarch64";

template <class Word = uint32_t>
volatile Word& device_register(uintptr_t phys) {
    return *reinterpret_cast<volatile Word*>(device_virt + phys);
}
