// SPDX-License-Identifier: MIT
#pragma once

#include "disk.hpp"

/// Reads `requests` times a sector, one to four at a time, and sleeps until all of these have come: as many chances as
/// can be for an interrupt to be lost, which ends the kernel, and for a storm, which does too. Returns how often it
/// slept.
[[nodiscard]] uint64_t check_interrupts(Disk& disk, PagePool& pages, uint32_t requests);
