// SPDX-License-Identifier: MIT
#include "disk.hpp"

#include "device_search.hpp"

void Disk::bring_up(PagePool& pages) {
    Driven::bring_up(pages);
    serial::line("  queue size ", driver.queue_size(), ", ", driver.capacity_sectors(), " sectors, ",
                 driver.is_read_only() ? "read-only" : "writable");
}

void Disk::rest() {
    Driven::rest();
    if (config_changed) {
        config_changed = false;
        if (virtq::Result<bool> const changed = driver.on_config_change(); !changed || *changed) {
            give_up("the disk became another one while it was used");
        }
    }
}

unsigned find_disks(virtq::Span<Disk> disks, PagePool& pages, InterruptWay way) {
    constexpr size_t most = 2;
    Device* devices[most] = {};
    size_t const wanted = disks.size() < most ? disks.size() : most;
    for (size_t i = 0; i < wanted; ++i) {
        devices[i] = &disks[i];
    }
    unsigned const found = find_devices({devices, wanted}, virtq::spec::DeviceId::block, way);
    for (unsigned i = 0; i < found; ++i) {
        disks[i].bring_up(pages);
    }
    return found;
}
