// SPDX-License-Identifier: MIT
#pragma once

#include "page_pool.hpp"

#include <virtq/virtq.hpp>

/// Split or packed queues, as the device offers.
struct DiskTraits : virtq::BlockTraits {
    using Format = virtq::AnyFormat;
};

/// How a disk tells that it has something to say.
enum class InterruptWay : uint8_t { none, line, message };

/// A device in a virtio-mmio slot or on PCI. A global object: it is all zero at first, and nothing of it is ever on
/// the stack.
struct Disk {
    using Transport = virtq::AnyTransport<>;

    /// Negotiates, gives the device its queue, and prints what came of it. A failure ends the kernel.
    void bring_up(PagePool& pages);

    /// Around the use of the disk, if it interrupts: at least one interrupt has to come, and at most two a request.
    void expect_interrupts(uint64_t requests);
    void check_interrupts();

    /// What there is to do while the disk has nothing to say: to sleep until it interrupts, or to look again.
    void rest();
    /// How many rests in a row may bring nothing.
    [[nodiscard]] virtq::PollLimit patience() const;
    /// Whether this kernel was built to never start a request over this transport: examples/run --break.
    [[nodiscard]] bool is_broken_on_purpose() const;
    /// Says what is known of the disk, and ends the kernel.
    [[noreturn]] void give_up(char const* why);

    /// Called by the handlers, with the cause that the transport told.
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
