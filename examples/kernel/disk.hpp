// SPDX-License-Identifier: MIT
#pragma once

#include "page_pool.hpp"

#include <virtq/virtq.hpp>

/// Split or packed queues, as the device offers.
struct DiskTraits : virtq::BlockTraits {
    using Format = virtq::AnyFormat;
};

/// How a disk interrupts: not at all, by its line, or by a message.
enum class InterruptWay : uint8_t { none, line, message };

/// A disk in a virtio-mmio slot or on PCI. A global object: it is all zero at first, and no part of it is ever on the
/// stack.
struct Disk {
    using Transport = virtq::AnyTransport<>;

    /// Negotiates, gives the device its queue, and prints the result. A failure ends the kernel.
    void bring_up(PagePool& pages);

    /// Call these before and after the use of a disk that interrupts. They check that at least one interrupt comes,
    /// and at most two a request.
    void expect_interrupts(uint64_t requests);
    void check_interrupts();

    /// Waits while the disk has no completions: sleeps until it interrupts, or pauses before the next poll.
    void rest();
    /// How many calls of `rest` in a row may bring no completion.
    [[nodiscard]] virtq::PollLimit patience() const;
    /// Whether this kernel was built to never start a request over this transport: examples/run --break.
    [[nodiscard]] bool is_broken_on_purpose() const;
    /// Prints what is known about the disk, and ends the kernel.
    [[noreturn]] void give_up(char const* why);

    /// Called by the handlers, with the cause that the transport reported.
    void on_interrupt(virtq::InterruptCause cause);

    Transport transport;
    virtq::BlockDevice<Transport, 256, DiskTraits> device;
    unsigned slot;  ///< of virtio-mmio, or the device number on PCI
    InterruptWay way;
    unsigned number;  ///< the line, or the first message
    bool config_changed;
    uint64_t interrupts;
    uint64_t most_interrupts;  ///< one more is a storm, which never lets `machine::wait` return
};

inline constexpr uint32_t sector_bytes = virtq::spec::block::sector_bytes;

[[nodiscard]] char const* name_of(Disk::Transport const& transport);
