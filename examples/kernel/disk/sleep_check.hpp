// SPDX-License-Identifier: MIT
#pragma once

#include "disk.hpp"

/// Reads `requests` sectors in each of the README's two ways to sleep, whose code is compiled as it is printed there.
/// The tick is stopped first. So a sleep that no interrupt ends lasts for ever, and examples/run reports it.
void check_sleeping(Disk& disk, PagePool& pages, uint32_t requests);
