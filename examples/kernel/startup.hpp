// SPDX-License-Identifier: MIT
#pragma once

#include "device.hpp"
#include "page_pool.hpp"

/// What examples/run asks of a kernel.
struct KernelOptions {
    InterruptWay way;
    bool is_sleep_check;
    bool has_fixed_address;
    uint32_t requests;  ///< of the interrupt check
};

/// All that a kernel does, once the machine is prepared and its pages are checked: each kernel's folder defines
/// it. A failure ends QEMU from inside; to return is success.
void run_kernel(KernelOptions const& options, PagePool& pages);
