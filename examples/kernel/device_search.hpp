// SPDX-License-Identifier: MIT
#pragma once

#include "device.hpp"

/// Finds the machine's devices of one type in virtio-mmio slots and on PCI, and probes as many as there are `devices`.
/// Prints every VirtIO device that it sees. Each of `devices` interrupts in the best available way, up to `way`, and
/// must not be moved. Returns how many were found. A device that cannot be used ends the kernel. Call it once.
[[nodiscard]] unsigned find_devices(virtq::Span<Device* const> devices, virtq::spec::DeviceId type, InterruptWay way);

/// The devices of one type that a kernel wants, at most, and how many of them were found.
struct WantedDevices {
    virtq::spec::DeviceId type;
    virtq::Span<Device* const> devices;
    unsigned found = 0;
};
/// As above, for devices of several types. There are at most eight devices in all.
void find_devices(virtq::Span<WantedDevices> wanted, InterruptWay way);

/// "block" for a disk, and so on.
[[nodiscard]] char const* name_of(virtq::spec::DeviceId type);

/// A VirtIO device that the search saw.
struct SeenDevice {
    unsigned slot;  ///< of virtio-mmio, or the device number on PCI
    virtq::spec::DeviceId type;
    bool is_on_pci;
};
[[nodiscard]] virtq::Span<SeenDevice const> seen_devices();
