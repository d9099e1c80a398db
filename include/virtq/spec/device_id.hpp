// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq::spec {

/// §5 (Device Types): the virtio device ID, which tells what kind of device it is.
enum class DeviceId : uint32_t {
    none = 0,  ///< reserved: an empty slot
    net = 1,
    block = 2,
    console = 3,
    entropy = 4,
    traditional_balloon = 5,
    io_memory = 6,
    rpmsg = 7,
    scsi_host = 8,
    transport_9p = 9,
    mac80211_wlan = 10,
    rproc_serial = 11,
    caif = 12,
    balloon = 13,
    gpu = 16,
    rtc = 17,
    input = 18,
    socket = 19,
    crypto = 20,
    signal_distribution = 21,
    pstore = 22,
    iommu = 23,
    memory = 24,
    sound = 25,
    file_system = 26,
    pmem = 27,
    rpmb = 28,
};

}  // namespace virtq::spec
