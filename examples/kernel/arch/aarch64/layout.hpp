// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// Where boot.S maps things: each + physical address. Devices are uncached.
inline constexpr uintptr_t pool_virt = 0xffffff8000000000;
inline constexpr uintptr_t device_virt = 0xffffffa000000000;

template <class Word = uint32_t>
volatile Word& device_register(uintptr_t phys) {
    return *reinterpret_cast<volatile Word*>(device_virt + phys);
}
