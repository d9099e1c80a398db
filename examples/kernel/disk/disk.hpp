// SPDX-License-Identifier: MIT
#pragma once

#include "driven.hpp"

/// Split or packed queues, as the device offers.
struct DiskTraits : virtq::BlockTraits {
    using Format = virtq::AnyFormat;
};

struct Disk : Driven<virtq::BlockDevice<Device::Transport, 256, DiskTraits>> {
    void bring_up(PagePool& pages);
    /// As that of every device. A disk that became another one meanwhile ends the kernel.
    void rest();
};

inline constexpr uint32_t sector_bytes = virtq::spec::block::sector_bytes;

/// Finds and brings up at most `disks.size()` disks, as `find_devices` does. Returns how many there are.
[[nodiscard]] unsigned find_disks(virtq::Span<Disk> disks, PagePool& pages, InterruptWay way);
