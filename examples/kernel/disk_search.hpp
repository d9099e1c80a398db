// SPDX-License-Identifier: MIT
#pragma once

#include "disk.hpp"

/// Finds the disks of the machine in virtio-mmio slots and on PCI, and brings them up, at most `disks.size()`; prints
/// every device that it meets. The disks interrupt in the best way that there is up to `way`, and stay where they
/// are. Returns how many it found. A device that cannot be used ends the kernel.
[[nodiscard]] unsigned find_disks(virtq::Span<Disk> disks, PagePool& pages, InterruptWay way);
