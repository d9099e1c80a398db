// SPDX-License-Identifier: MIT
#pragma once

#include "disk.hpp"

/// Writes a pattern to the start of a disk, flushes it, reads it back into other memory and compares. Returns the
/// number of equal bytes; a failure ends the kernel. Blocking: one request at a time.
[[nodiscard]] uint64_t check_writing(Disk& disk, PagePool& pages);
