// SPDX-License-Identifier: MIT
#pragma once

#include "page_pool.hpp"

#include <virtq/virtq.hpp>

/// Split or packed queues, as the device offers.
struct DiskTraits : virtq::BlockTraits {
    using Format = virtq::Negotiated;
};

/// A virtio-mmio slot with a block device in it. A global object: it is all zero at first, and nothing of it is
/// ever on the stack.
struct Disk {
    void on_interrupt();

    virtq::MmioTransport<> transport;
    virtq::BlockDevice<virtq::MmioTransport<>, 256, DiskTraits> device;
    unsigned slot;
    unsigned line;
    uint64_t interrupts;
    uint64_t most_interrupts;  ///< one more is a storm, which would never let `machine::wait` return
};

/// How often a wait looks before it gives up: 20 to 50 seconds under QEMU's emulation, less than the time limit of
/// examples/run, so that it is the kernel that says why.
inline constexpr virtq::Looks patience{200'000'000};

inline constexpr uint32_t sector_bytes = virtq::spec::block::sector_bytes;

/// Finds the disks of the machine and brings them up, at most `disks.size()`; prints every device that it meets.
/// Returns how many it found. A device that cannot be brought up ends the kernel.
[[nodiscard]] unsigned find_disks(virtq::Span<Disk> disks, PagePool& pages);

/// Routes the interrupts of these disks, which stay where they are, to their `on_interrupt`.
void listen_to(virtq::Span<Disk> disks);
