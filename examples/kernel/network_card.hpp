// SPDX-License-Identifier: MIT
#pragma once

#include "driven.hpp"

struct CardTraits : virtq::NetTraits {
    using Format = virtq::AnyFormat;  // split or packed queues, as the device offers
};

/// QEMU's queues have this size, and a legacy device on PCI uses no other one.
inline constexpr uint32_t card_queue_size = 256;

/// The send queue has room for at least this number of packets: each takes one descriptor for its header and one for its
/// data (§5.1.9.2).
inline constexpr uint32_t packets_in_flight_max = card_queue_size / 2;

/// What a sleep waits for. A tick ends it, too.
enum class Awaited : uint8_t {
    packet,  ///< the next packet
    room,    ///< that a packet was sent, which makes room for another one
};

/// A network card. A kernel that waits for room receives nothing meanwhile. So the device's ring fills up, and the sender
/// on the other side has to wait: no packet is lost inside the machine.
struct NetworkCard : Driven<virtq::NetDevice<Device::Transport, card_queue_size, CardTraits>> {
    void bring_up(PagePool& pages);
    /// Sleeps until the device interrupts or a tick, or pauses before the next poll.
    void rest(Awaited awaited);
    /// Ends the kernel if a call of the driver has failed.
    void expect(virtq::Status status);

private:
    [[nodiscard]] virtq::MaySleep enable_notifications(Awaited awaited);
    void disable_notifications();
    void look_at_link();
};
