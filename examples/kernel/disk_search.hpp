// SPDX-License-Identifier: MIT
#pragma once

#include "disk.hpp"

/// Finds the machine's disks in virtio-mmio slots and on PCI, and brings up at most `disks.size()` of them. Prints
/// every device that it finds. Each disk interrupts in the best available way, up to `way`, and must not be moved.
/// Returns the number of disks. A device that cannot be used ends the kernel.
[[nodiscard]] unsigned find_disks(virtq::Span<Disk> disks, PagePool& pages, InterruptWay way);
