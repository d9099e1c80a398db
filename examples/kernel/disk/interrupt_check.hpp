// SPDX-License-Identifier: MIT
#pragma once

#include "disk.hpp"

/// Reads a sector `requests` times, one to four at a time, and sleeps until all of these have completed. So a lost
/// interrupt or a storm has as many chances as possible; either ends the kernel. Returns how often it slept.
[[nodiscard]] uint64_t check_interrupts(Disk& disk, PagePool& pages, uint32_t requests);
